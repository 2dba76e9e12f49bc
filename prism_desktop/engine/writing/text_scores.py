"""How little a model expected texts that people wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.methods.writing_parts import HistoryReader
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.token_rows import packed
from prism_desktop.engine.writing.writer_model import WriterModel

Costs = npt.NDArray[np.float32]


def score_texts(
    model: WriterModel,
    past: PastTexts,
    rows: Sequence[int],
    places: Mapping[int, int],
    histories: Mapping[int, Sequence[int]] | None = None,
    examples: int = 0,
    stand_ins: Mapping[int, int] | None = None,
) -> tuple[list[float], list[int]]:
    """How little each text's own tokens were expected: of each text the sum in nats, and the
    number of own tokens. Takes what `token_costs` takes."""
    found = token_costs(model, past, rows, places, histories, examples, stand_ins)
    return [float(one.sum()) for one in found], [len(one) for one in found]


@torch.no_grad()
def token_costs(
    model: WriterModel,
    past: PastTexts,
    rows: Sequence[int],
    places: Mapping[int, int],
    histories: Mapping[int, Sequence[int]] | None = None,
    examples: int = 0,
    stand_ins: Mapping[int, int] | None = None,
) -> list[Costs]:
    """How little each own token of texts was expected.

    Args:
        model: of the people in `places`.
        past: the texts.
        rows: which texts.
        places: of each person the place among the model's people.
        histories: of each person what may be read; None: all of the training folds.
        examples: read in the context at most, by methods that do.
        stand_ins: person -> the one whose texts, profile and numbers are taken in their place.

    Returns:
        Of each text (own tokens,) float32, in nats.
    """
    texts = past.texts
    whom = [(stand_ins or {}).get(texts.owner[row], texts.owner[row]) for row in rows]
    known = histories or {one: texts.history(one) for one in set(whom)}
    laid = [
        past.row(model.rows, model.method, row, known[who], examples, who)
        for row, who in zip(rows, whom, strict=True)
    ]
    lengths = {place: len(row.ids) for place, row in enumerate(laid)}
    found: list[Costs] = [np.zeros(0, np.float32)] * len(rows)
    network = model.method.first(HistoryReader) is not None
    for part in packed(lengths, model.vocabulary):
        who = [whom[place] for place in part]
        written = None
        if network:
            read = [past.read_of(model.method, rows[at], known[whom[at]]) for at in part]
            written = past.written(read, who, model.device)
        each = model.token_nats([laid[place] for place in part], [places[one] for one in who],
                                written)  # fmt: skip
        for place, nats in zip(part, each, strict=True):
            found[place] = nats.cpu().numpy()
    return found


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
