"""What a labeler answered, in order, and what became of it: nothing is ever deleted, so every
correction and every answer taken back can be seen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prism_desktop.engine.study.records import ImageId, Kind, Source, TrialId, TrialRecord
from prism_desktop.engine.study.set_aside import aside

COUNTS: Final = "counts"
STRONGLY: Final = 2  # strength of a preference with Shift held; 1 without
_ASIDE: Final = {"practice": "practice", "check": "attention check"}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One trial as it was recorded.

    Attributes:
        number: place among the labeler's trials, from 1.
        session: place of its sitting among the labeler's, from 1.
        onset: unix s; None: unknown.
        images: ids of what was shown, from the left.
        answers: attribute and answer, or why it was skipped; in the order in which they were asked.
        seconds: of each of these; None: unknown.
        fate: what became of it: COUNTS, what else it was for, or a few words.
        stands: whether it was neither taken back nor corrected.
    """

    trial: TrialId
    number: int
    session: int
    kind: Kind
    onset: float | None
    images: tuple[ImageId, ...]
    answers: tuple[tuple[str, str], ...]
    seconds: tuple[float | None, ...]
    fate: str
    stands: bool


def answer_history(
    trials: Sequence[TrialRecord], attributes: Iterable[str] = ()
) -> tuple[HistoryEntry, ...]:
    """A labeler's trials with what became of them, the newest first.

    Args:
        trials: all of one labeler, current or not, oldest first.
        attributes: in the study's order, in which questions stand where nothing else is known.
    """
    numbers = {trial.id: number for number, trial in enumerate(trials, start=1)}
    sessions: dict[str, int] = {}
    corrects = {
        trial.superseded_by: trial.id for trial in trials if trial.superseded_by is not None
    }
    order = list(attributes)
    found = [
        HistoryEntry(
            trial.id, numbers[trial.id], sessions.setdefault(trial.session, len(sessions) + 1),
            trial.kind, trial.onset,
            tuple(image for image in (trial.left, trial.right) if image is not None),
            *_given(trial, order), *_fate(trial, numbers, corrects),
        )
        for trial in trials
    ]  # fmt: skip
    return tuple(reversed(found))


def _given(
    trial: TrialRecord, order: Sequence[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[float | None, ...]]:
    asked = list(trial.times) or sorted(
        {*trial.answers, *trial.skips},
        key=lambda name: (order.index(name) if name in order else len(order), name),
    )
    asked += [name for name in (*trial.answers, *trial.skips) if name not in asked]
    answers = tuple((name, _told(trial, name)) for name in asked)
    return answers, tuple(trial.time(name).seconds for name in asked)


def _told(trial: TrialRecord, name: str) -> str:
    if name in trial.answers:
        return with_strength(str(trial.answers[name]), trial.strengths.get(name), trial.source)
    return f"skipped: {trial.skips.get(name, '')}".rstrip(": ")


def with_strength(answer: str, strength: int | None, source: Source = "labeled") -> str:
    """An answer, and how strong the preference is, where that was asked for.

    An imported strength is a step of somebody else's scale and stays a number.
    """
    if strength is None:
        return answer
    if source == "imported":
        return f"{answer}, strength {strength}"
    return f"{answer}, strongly" if strength >= STRONGLY else answer


def _fate(
    trial: TrialRecord, numbers: Mapping[TrialId, int], corrects: Mapping[TrialId, TrialId]
) -> tuple[str, bool]:
    stands = trial.status != "withdrawn" and trial.superseded_by is None
    what = COUNTS if (flag := aside(trial.flags)) is None else _ASIDE[flag]
    counts = [what] if stands and trial.status == "answered" else []
    return ", ".join([*counts, *_parts(trial, numbers, corrects)]), stands


def _parts(
    trial: TrialRecord, numbers: Mapping[TrialId, int], corrects: Mapping[TrialId, TrialId]
) -> Iterator[str]:
    if trial.status == "withdrawn":
        yield "taken back"
    if trial.superseded_by is not None:
        yield f"corrected by {numbers.get(trial.superseded_by, 0):,}"
    if trial.status == "skipped":
        yield "skipped"
    if trial.id in corrects:
        yield f"corrects {numbers[corrects[trial.id]]:,}"
    if trial.repeat_of is not None and trial.repeat_of in numbers:
        yield f"repeats {numbers[trial.repeat_of]:,}"
