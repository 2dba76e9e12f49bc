"""How little a model expected texts that people wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from prism_desktop.engine.methods.writing_parts import HistoryPrefix
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.token_rows import packed
from prism_desktop.engine.writing.writer_model import WriterModel


@torch.no_grad()
def score_texts(
    model: WriterModel,
    past: PastTexts,
    rows: Sequence[int],
    places: Mapping[int, int],
    histories: Mapping[int, Sequence[int]] | None = None,
    examples: int = 0,
    stand_ins: Mapping[int, int] | None = None,
) -> tuple[list[float], list[int]]:
    """How little each text's own tokens were expected.

    Args:
        model: of the people in `places`.
        past: the texts.
        rows: which texts.
        places: of each person the place among the model's people.
        histories: of each person what may be read; None: all of the training folds.
        examples: read in the context at most, by methods that do.
        stand_ins: person -> the one whose texts, profile and numbers are taken in their place.

    Returns:
        Of each text the sum in nats, and the number of own tokens.
    """
    texts = past.texts
    whom = [(stand_ins or {}).get(texts.owner[row], texts.owner[row]) for row in rows]
    known = histories or {one: texts.history(one) for one in set(whom)}
    laid = [
        past.row(model.rows, model.method, row, known[who], examples, who)
        for row, who in zip(rows, whom, strict=True)
    ]
    lengths = {place: len(row.ids) for place, row in enumerate(laid)}
    sums, counts = [0.0] * len(rows), [0] * len(rows)
    network = model.method.first(HistoryPrefix) is not None
    for part in packed(lengths, model.vocabulary):
        who = [whom[place] for place in part]
        written = None
        if network:
            written = past.written([known[one] for one in who], who, model.device)
        found, own = model.nll([laid[place] for place in part], [places[one] for one in who],
                               written)  # fmt: skip
        for place, value, count in zip(part, found.tolist(), own.tolist(), strict=True):
            sums[place], counts[place] = value, count
    return sums, counts


def per_person(
    texts: OwnTexts, rows: Sequence[int], sums: Sequence[float], counts: Sequence[int]
) -> dict[int, float]:
    """Nats per own token of each person's texts."""
    total: dict[int, list[float]] = {}
    for row, value, count in zip(rows, sums, counts, strict=True):
        one = total.setdefault(texts.owner[row], [0.0, 0.0])
        one[0] += value
        one[1] += count
    return {person: value / max(1.0, count) for person, (value, count) in total.items()}
