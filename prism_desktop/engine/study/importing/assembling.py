"""From answers to what the store writes: trials, people, attributes, facts, in one batch."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from prism_desktop.engine.study.importing.answer_columns import LEFT, NONE, TIE, AnswerColumns
from prism_desktop.engine.study.records import Kind, TrialId, TrialRecord, new_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE: Final = 20_000  # answers whose records are made together
_OUTCOME: Final = {LEFT: "left", TIE: "tie"}  # else right


@dataclass(frozen=True, slots=True, eq=False)
class Presentations:
    """Which answers belong to one presentation.

    Attributes:
        of: (answers,) int64, each answer's presentation, numbered in the order of the files.
        first: (presentations,) int64, the first answer of each.
    """

    of: "NDArray[np.int64]"
    first: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.first)


def combined(*columns: "NDArray[Any]") -> "NDArray[np.int64]":
    """(n,) int64: equal where all columns, (n,) each, are equal. NaN equals NaN."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, codes = np.unique(column, return_inverse=True)
        key = key * (int(codes.max(initial=0)) + 1) + codes
        _, key = np.unique(key, return_inverse=True)
    return key.astype(np.int64)


def presentations(answers: AnswerColumns, tidy: "NDArray[np.bool_]") -> Presentations:
    """Join the answers that were given to one presentation.

    In a row of a wide table these are the answers on the same images by the same rater; of rows of
    a tidy table those of one rater on the same images that agree in session, trial, order and
    time, until an attribute comes again.

    Args:
        answers: in the order of the files.
        tidy: (n,) bool, whether other rows may hold more of an answer's presentation.
    """
    if not len(answers):
        return Presentations(np.zeros(0, np.int64), np.zeros(0, np.int64))
    row = np.where(tidy, -1, answers.row)
    who = combined(answers.table, row, answers.labeler, answers.left, answers.right)
    key = np.where(
        tidy,
        combined(
            who, answers.session, answers.trial, answers.presentation,
            np.nan_to_num(answers.onset, nan=-1.0),
        ),
        who + len(answers),
    )  # fmt: skip
    key = combined(key, _occurrence(combined(key, answers.attribute)))
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Presentations(place[of], first[order])


def _occurrence(key: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """(n,) int64: how many equal keys stand before each."""
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    counts = np.diff(np.append(starts, len(key)))
    within = np.arange(len(key)) - np.repeat(starts, counts)
    found = np.empty(len(key), np.int64)
    found[order] = within
    return found


def make_trials(
    answers: AnswerColumns,
    shown: Presentations,
    steps: "NDArray[np.int64]",
    repeat_of: "NDArray[np.int64]",
    known_repeats: Mapping[int, TrialId],
    import_id: str,
) -> Iterator[TrialRecord]:
    """The trials, made a few at a time.

    Args:
        answers: the answers, those that are kept.
        shown: their presentations.
        steps: (answers,) int64, the study's step of each rating; whatever for outcomes.
        repeat_of: (answers,) int64, the earlier answer that each repeats, NONE.
        known_repeats: answer -> the study's trial that it repeats.
        import_id: names of sessions are drawn from it, so that they cannot meet another import's.
    """
    ids = new_ids()
    by_presentation = np.argsort(shown.of, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(shown.of[by_presentation])) + 1, len(answers))
    earlier = _earlier_presentations(shown, repeat_of)
    sessions = _sessions(answers, import_id)
    orders = _orders(answers, shown)
    base = 0
    for number in range(0, len(shown), _AT_ONCE):
        upto = min(number + _AT_ONCE, len(shown))
        chosen = by_presentation[base : int(ends[upto - 1])]
        part, order = _Part(answers, chosen, steps), orders[number:upto].tolist()
        start = base
        for presentation in range(number, upto):
            last = int(ends[presentation])
            repeated = int(earlier[presentation])
            known = None
            if known_repeats:
                places_of = by_presentation[start:last].tolist()
                known = next((known_repeats[p] for p in places_of if p in known_repeats), None)
            yield part.trial(
                ids(presentation),
                range(start - base, last - base),
                sessions,
                order[presentation - number],
                ids(repeated) if repeated != NONE else known,
            )
            start = last
        base = start


def _earlier_presentations(
    shown: Presentations, repeat_of: "NDArray[np.int64]"
) -> "NDArray[np.int64]":
    """(presentations,) int64: the earlier presentation that each repeats, NONE."""
    found = np.full(len(shown), NONE, np.int64)
    repeating = np.flatnonzero(repeat_of != NONE)[::-1]  # of several answers the first counts
    found[shown.of[repeating]] = shown.of[repeat_of[repeating]]
    found[found == np.arange(len(shown))] = NONE
    return found


def _sessions(answers: AnswerColumns, import_id: str) -> dict[tuple[int, int], str]:
    """(labeler, session) -> the session's name in the study."""
    pairs = np.unique(np.stack([answers.labeler, answers.session]), axis=1).T.tolist()
    names = {}
    for labeler, session in pairs:
        words = answers.sessions[session] if session != NONE else ""
        key = "\0".join(("session", answers.labelers[labeler], words))
        names[labeler, session] = uuid.uuid5(uuid.UUID(import_id), key).hex
    return names


def _orders(answers: AnswerColumns, shown: Presentations) -> "NDArray[np.int64]":
    """(presentations,) int64: each one's place within its session, as the file numbers them, or
    counted where a session has no number of its own for each."""
    session = combined(answers.labeler[shown.first], answers.session[shown.first])
    counted = _occurrence(session)
    names = [name if name.isascii() and name.isdigit() and len(name) < 10 else "-1"
             for name in answers.presentations]  # fmt: skip
    numbers = np.append(np.array(names, np.int64), -1)[answers.presentation[shown.first]]
    without = np.unique(session[(numbers < 0) | (_occurrence(combined(session, numbers)) > 0)])
    return np.where(np.isin(session, without), counted, numbers)


class _Part:
    """Some answers as Python's own numbers, from which records are made quickly."""

    def __init__(
        self, answers: AnswerColumns, chosen: "NDArray[np.int64]", steps: "NDArray[np.int64]"
    ) -> None:
        self._answers = answers
        self._comparison = answers.comparison[chosen].tolist()
        self._labeler = answers.labeler[chosen].tolist()
        self._session = answers.session[chosen].tolist()
        self._left = answers.left[chosen].tolist()
        self._right = answers.right[chosen].tolist()
        self._attribute = answers.attribute[chosen].tolist()
        self._value = answers.value[chosen].tolist()
        self._steps = steps[chosen].tolist()
        self._onset = _optional(answers.onset[chosen])
        self._seconds = _optional(answers.seconds[chosen])

    def __len__(self) -> int:
        return len(self._labeler)

    def trial(
        self,
        id: TrialId,  # noqa: A002
        rows: Sequence[int],
        sessions: Mapping[tuple[int, int], str],
        order: int,
        repeat_of: TrialId | None,
    ) -> TrialRecord:
        """One presentation with its answers."""
        names, first = self._answers, rows[0]
        compared = self._comparison[first]
        answers: dict[str, int | str] = {}
        raw: dict[str, float] = {}
        for row in rows:
            attribute = names.attributes[self._attribute[row]]
            if compared:
                answers[attribute] = _OUTCOME.get(int(self._value[row]), "right")
            else:
                answers[attribute] = self._steps[row]
                raw[attribute] = self._value[row]
        kind: Kind = "comparison" if compared else "rating"
        return TrialRecord(
            id=id,
            labeler=names.labelers[self._labeler[first]],
            session=sessions[self._labeler[first], self._session[first]],
            order=order,
            kind=kind,
            left=names.images[self._left[first]],
            right=names.images[self._right[first]] if compared else None,
            onset=self._onset[first],
            seconds=self._seconds[first],
            answers=answers,
            raw=raw,
            repeat_of=repeat_of,
            source="imported",
        )


def _optional(values: "NDArray[np.float64]") -> list[float | None]:
    """NaN as None; a time before 1970 is none."""
    known = np.isfinite(values) & (values >= 0)
    return cast(
        "list[float | None]",
        [value if held else None
         for value, held in zip(values.tolist(), known.tolist(), strict=True)],
    )  # fmt: skip
