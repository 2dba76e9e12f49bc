"""Which texts each step of an epoch learns from: they follow from seed and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from prism_desktop.engine.methods.writing_parts import ExamplesInContext, HistoryReader
from prism_desktop.engine.writing.learned_start import PER_PERSON
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.token_rows import TokenRow
from prism_desktop.engine.writing.varied_prompts import TrainingText, texts_of_epoch
from prism_desktop.engine.writing.writer_model import WriterModel

_CHUNK: Final = 8  # batches whose texts are sorted by length together
_READ_BEFORE: Final = (0, 1, 3, 5, 10, 30)  # texts that a network reads, each as often


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step.

    Attributes:
        who: of each text its person.
        rows: the texts, laid out.
        read: of each which others of the person's a network reads, or the context holds.
        texts: of each its place in the run's texts.
    """

    who: list[int]
    rows: list[TokenRow]
    read: list[list[int]]
    texts: list[int]


def planned_steps(
    model: WriterModel, texts: OwnTexts, epoch: int, *, by_people: bool
) -> list[PlannedStep]:
    """An epoch's steps.

    Args:
        model: that learns.
        texts: of the run.
        epoch: from 1.
        by_people: whether a step has several texts of each of a few people; else texts of like
            length, whoever wrote them.
    """
    seed, batch = model.config.seed, model.config.batch
    draw = np.random.default_rng([seed, epoch])
    every = texts_of_epoch(model, texts, np.random.default_rng([seed, epoch, 1]))
    laid = [model.rows.row(one.pair, one.before) for one in every]
    order = [int(place) for place in draw.permutation(len(every))]
    if by_people:
        parts = _of_few_people([texts.owner[every[place].row] for place in order], order, batch)
    else:
        parts = _of_like_length([len(row.ids) for row in laid], order, batch)
    histories = {person: texts.history(person) for person in texts.known}
    reads = model.method.first(HistoryReader) or model.method.first(ExamplesInContext)
    planned = []
    for number in draw.permutation(len(parts)):
        places = parts[number]
        read = [_read(every[place], texts, histories, draw, bool(reads)) for place in places]
        who = [texts.owner[every[place].row] for place in places]
        own = [every[place].row for place in places]
        planned.append(PlannedStep(who, [laid[place] for place in places], read, own))
    return planned


def _of_like_length(lengths: Sequence[int], order: Sequence[int], batch: int) -> list[list[int]]:
    parts: list[list[int]] = []
    for start in range(0, len(order), _CHUNK * batch):
        chunk = sorted(order[start : start + _CHUNK * batch], key=lambda place: lengths[place])
        parts += [chunk[place : place + batch] for place in range(0, len(chunk), batch)]
    return parts


def _of_few_people(who: Sequence[int], order: Sequence[int], batch: int) -> list[list[int]]:
    own: dict[int, list[int]] = {}
    for person, place in zip(who, order, strict=True):
        own.setdefault(person, []).append(place)
    # first pieces of all people, then second ones, so that a step seldom has two of one person
    pieces = [
        places[start : start + PER_PERSON]
        for start in range(0, max(map(len, own.values())), PER_PERSON)
        for places in own.values()
        if len(places) > start
    ]
    some = max(1, batch // PER_PERSON)
    return [
        [place for piece in pieces[start : start + some] for place in piece]
        for start in range(0, len(pieces), some)
    ]


def _read(
    one: TrainingText, texts: OwnTexts, histories: dict[int, list[int]],
    draw: np.random.Generator, reads: bool,
) -> list[int]:  # fmt: skip
    others = [row for row in histories[texts.owner[one.row]] if row != one.row]
    count = min(int(draw.choice(_READ_BEFORE)), len(others))
    chosen = draw.choice(len(others), count, replace=False) if reads else ()
    return [others[int(place)] for place in chosen]
