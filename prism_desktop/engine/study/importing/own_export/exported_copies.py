"""Answers of another study's export that this study holds already, from the file that both read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import (
    LEFT,
    NONE,
    RIGHT,
    TIE,
    AnswerColumns,
    NamePool,
)
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Again
from prism_desktop.engine.study.importing.repeats.repeats import find_repeats
from prism_desktop.engine.study.known_answers import KnownAnswers
from prism_desktop.engine.study.records import TrialRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OUTCOMES = {"left": LEFT, "tie": TIE, "right": RIGHT}


@dataclass(frozen=True, slots=True)
class FreshTrials:
    """The trials that count, and what is to be told or decided about the others."""

    trials: list[TrialRecord]
    copies: int
    doubts: tuple[Doubt, ...] = ()
    decisions: tuple[Decision, ...] = ()


def without_copies(
    trials: Sequence[TrialRecord], known: KnownAnswers, again: Again, source: str
) -> FreshTrials:
    """Leave out trials all of whose answers the study has from an import of its own.

    Only answers that were imported are looked at: what was labeled in the program has identities of
    its own, and is known by them.

    Args:
        trials: of the export, none of which the study has by its identity.
        known: what the study holds.
        again: what is done where nothing tells.
        source: what the export is called.
    """
    imported = [trial for trial in trials if trial.source == "imported" and trial.answers]
    if not imported or not len(known):
        return FreshTrials(list(trials), 0)
    answers, of = _columns(imported)
    repeats = find_repeats(answers, known, again, [source])
    copied = np.ones(len(imported), bool)
    np.logical_and.at(copied, of, ~repeats.keep)
    gone = {trial.id for trial, it in zip(imported, copied.tolist(), strict=True) if it}
    kept = [trial for trial in trials if trial.id not in gone]
    return FreshTrials(kept, len(gone), repeats.doubts, repeats.decisions)


def _columns(trials: Sequence[TrialRecord]) -> tuple[AnswerColumns, "NDArray[np.int64]"]:
    """The answers of trials in columns, and for each the place of its trial."""
    labelers, images, attributes, names = NamePool(), NamePool(), NamePool(), NamePool()
    place: list[int] = []
    codes: list[tuple[int, int, int, int, int]] = []
    numbers: list[tuple[float, float, float]] = []
    for number, trial in enumerate(trials):
        who, name = labelers.code(trial.labeler), names.code(trial.id)
        left = images.code(trial.left)
        right = NONE if trial.right is None else images.code(trial.right)
        onset = np.nan if trial.onset is None else trial.onset
        seconds = np.nan if trial.seconds is None else trial.seconds
        for attribute, answer in trial.answers.items():
            value = trial.raw.get(attribute, _OUTCOMES.get(str(answer), answer))
            place.append(number)
            codes.append((who, left, right, attributes.code(attribute), name))
            numbers.append((float(value), onset, seconds))
    coded, known = np.array(codes, np.int32).T, np.array(numbers, np.float64).T
    of = np.array(place, np.int64)
    nothing = np.full(len(of), NONE, np.int32)
    answers = AnswerColumns(
        labelers=labelers.names,
        images=images.names,
        attributes=attributes.names,
        sessions=(),
        trials=names.names,
        presentations=(),
        table=np.zeros(len(of), np.int32),
        row=(of + 2).astype(np.int32),
        comparison=coded[2] != NONE,
        labeler=coded[0],
        left=coded[1],
        right=coded[2],
        attribute=coded[3],
        value=known[0],
        session=nothing,
        trial=coded[4],
        presentation=nothing,
        onset=known[1],
        seconds=known[2],
    )
    return answers, of
