"""Somebody new enters a trained model with a few texts: fitted, grouped, read or looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from prism_desktop.engine.methods.writing_parts import HistoryReader, PersonPrefix
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.token_rows import packed
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_losses import pull_to_unified

STEP_TEXTS = 8  # of each new person, in a step of their fit


def enter(
    known: WriterModel,
    past: PastTexts,
    histories: Mapping[int, Sequence[int]],
    examples: int = 0,
) -> tuple[WriterModel, dict[int, int]]:
    """A model of new people.

    Args:
        known: trained; it is left as it is.
        past: the texts of all.
        histories: new person -> the texts by which they enter, in the order of the model's people.
        examples: read in the context at most, by methods that do.

    Returns:
        The model, and of each person the place in it.
    """
    people = list(histories)
    method = known.method
    groups = _groups(known, past, histories) if method.grouped else None
    model = known.entered(len(people), groups)
    if groups is not None or method.first(PersonPrefix) or method.adapts_behind_prefix:
        # of whom nothing is known is served as the unified model serves everybody, or as the plain
        # one where the adapters learned only behind somebody's soft tokens
        told = [bool(histories[one]) for one in people]
        model.kept.copy_(torch.tensor(told, dtype=torch.bool))
    places = {person: place for place, person in enumerate(people)}
    _start_gates(known, model, [bool(histories[one]) for one in people])
    _fit(model, past, histories, places, examples)
    if known.merged is not None and model.merged is not None:
        # adapters that were fitted to nothing take nobody's place
        fitted = torch.tensor([float(bool(histories[one])) for one in people])
        model.merged.copy_(fitted.to(model.device) * known.merged.mean())
    return model, places


def in_turn(rows: Sequence[int], step: int) -> list[int]:
    """The texts of a person that a step takes, those after the last step's first."""
    most = min(STEP_TEXTS, len(rows))
    return [rows[(step * most + number) % len(rows)] for number in range(most)]


@torch.no_grad()
def _start_gates(known: WriterModel, model: WriterModel, told: Sequence[bool]) -> None:
    """Start the gates of those who are told of where their groups' mean lies."""
    if known.experts is None or model.experts is None:
        return
    for place, group in enumerate(model.groups.tolist()):
        if told[place]:
            model.experts.gate[place] = known.experts.gate[known.groups == group].mean(0)


def _groups(
    known: WriterModel, past: PastTexts, histories: Mapping[int, Sequence[int]]
) -> list[int]:
    """The group of each whose mean text is nearest to theirs."""
    own = known.groups.tolist()
    middles = np.stack([past.middle(past.texts.history(one)) for one in past.texts.known])
    groups = [middles[np.equal(own, number)].mean(0) for number in range(max(own) + 1)]
    found = []
    for rows in histories.values():
        off = [float(((past.middle(rows) - one) ** 2).sum()) if rows else 0.0 for one in groups]
        found.append(int(np.argmin(off)))
    return found


def _fit(
    model: WriterModel,
    past: PastTexts,
    histories: Mapping[int, Sequence[int]],
    places: Mapping[int, int],
    examples: int,
) -> None:
    """Fit what is a person's own to their texts, by as many steps as the settings say.

    A step takes at most `STEP_TEXTS` of each, in turn: with many texts all of them at every step
    cost as much as training did, and taught hardly anything more.
    """
    own, rows = model.own_parameters(), [row for one in histories.values() for row in one]
    if not own or not rows or model.method.first(HistoryReader):
        return
    texts, config = past.texts, model.config
    laid = [
        past.row(model.rows, model.method, row, histories[who], examples, who)
        for row in rows
        for who in [texts.owner[row]]
    ]
    mine = {who: [at for at, row in enumerate(rows) if texts.owner[row] == who] for who in places}
    adapters = model.own is not None
    rate = config.lora_lr if adapters else config.prefix_lr
    optimizer = torch.optim.AdamW(own, lr=rate, weight_decay=config.weight_decay)
    for step in range(config.entry_steps):
        optimizer.zero_grad(set_to_none=True)
        taken = [at for places_of in mine.values() for at in in_turn(places_of, step)]
        size: dict[int, int] = {}
        for at in taken:
            who = texts.owner[rows[at]]
            size[who] = size.get(who, 0) + len(laid[at].ids) - laid[at].first
        for part in packed({at: len(laid[at].ids) for at in taken}, model.vocabulary):
            whose = [texts.owner[rows[at]] for at in part]
            share = torch.tensor([1.0 / size[one] for one in whose], device=model.device)
            with model.lighter():
                sums, _ = model.nll([laid[at] for at in part], [places[one] for one in whose])
                # each person's mean, as if each were alone
                torch.autograd.backward((sums * share).sum())
        pull = pull_to_unified(model) * len(places)  # it is a mean over people
        if pull.requires_grad:
            torch.autograd.backward(pull)
        optimizer.step()
