"""The trials of this program's own export, read back exactly: identities, order and status."""

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from prism_desktop.engine.names import is_name
from prism_desktop.engine.study.importing.cells import is_missing, number, short, whole
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.records import (
    FLAGS,
    SET_ASIDE,
    STRONGEST,
    AnswerTime,
    Flag,
    ImageId,
    Kind,
    RefusedRow,
    Source,
    Status,
    TrialId,
    TrialRecord,
)

_STATUSES: Final = ("answered", "skipped", "withdrawn", *SET_ASIDE)
_SOURCES: Final = ("labeled", "imported", "simulated")
_OUTCOMES: Final = ("left", "right", "tie")
_HEX: Final = frozenset("0123456789abcdef")
STEPS: Final = 4
_PARTLY: Final = {"answered", "skipped"}  # rows of a trial of which some questions were answered


def is_id(words: str) -> bool:
    """Whether text is an identifier as this program makes them."""
    return len(words) == 32 and _HEX.issuperset(words)


@dataclass(slots=True)
class _Trial:
    """A trial in the making; several rows may answer parts of it."""

    place: int  # its first row
    rows: int
    number: float
    record: TrialRecord
    session: str
    given: str  # the file's name of the trial
    superseded_by: str
    repeat_of: str


@dataclass(slots=True)
class ExportedTrials:
    """Reads our own tables of trials.

    Attributes:
        import_id: names made from the file's own are drawn from it, so that they cannot meet
            another import's.
        known: the study's trials -> their labelers.
        sessions: the study's sessions -> their labelers.
        images: the study's.
        refused: rows that could not be used.
        duplicates: rows of trials that the study has already.
        lost: trials that refer to others which are not there.
    """

    import_id: str
    known: Mapping[TrialId, str]
    sessions: dict[str, str]
    images: ImageIndex
    several: bool = False  # tables, so that a refusal names its own
    refused: list[RefusedRow] = field(default_factory=list)
    duplicates: int = 0
    lost: int = 0
    read: int = 0
    _trials: dict[str, _Trial] = field(default_factory=dict)
    _orders: dict[str, int] = field(default_factory=dict)

    def add(self, table: DataTable, kind: Kind) -> None:
        """Read a table's rows."""
        cells = {column.name: list(column.texts()) for column in table.columns}
        if "trial_seconds" not in cells:  # of before every answer had a time of its own
            for name in {"onset", "seconds"} & cells.keys():
                cells[f"trial_{name}"] = cells.pop(name)
        for place, row in enumerate(table.rows.tolist()):
            self.read += 1

            def cell(name: str, place: int = place) -> str:
                column = cells.get(name)
                return column[place] if column is not None else ""

            try:
                self._row(table.name, row, kind, cell)
            except ValueError as error:
                self._refuse(table.name, row, str(error))

    def trials(self) -> list[TrialRecord]:
        """The trials read, in the order of the study that they come from; those that the study has
        already are left out."""
        found = sorted(self._trials.values(), key=lambda trial: trial.number)
        kept = [trial for trial in found if self._is_new(trial)]
        own = {trial.record.id: trial.record.labeler for trial in kept}
        corrected: set[TrialId] = set()
        return [self._finished(trial, own, corrected) for trial in kept]

    def notices(self) -> list[str]:
        """What is to be told."""
        if not self.lost:
            return []
        return [
            f"{self.lost} trials say that they repeat or are corrected by trials that the files do "
            "not hold; what they repeat was left open, and corrected ones are kept as withdrawn."
        ]

    def _refuse(self, table: str, row: int, reason: str) -> None:
        self.refused.append(RefusedRow(row, f"{table}: {reason}" if self.several else reason))

    def _row(self, table: str, row: int, kind: Kind, cell: Callable[[str], str]) -> None:
        record = self._record(kind, cell)
        given = _plain(cell("trial"))
        key = given or f"\0{table}\0{row}"
        first = self._trials.get(key)
        if first is None:
            order = number(cell("number")) if not is_missing(cell("number")) else math.inf
            self._trials[key] = _Trial(
                row, 1, order, record, _plain(cell("session")), given,
                _plain(cell("superseded_by")), _plain(cell("repeat_of")),
            )  # fmt: skip
            return
        one, at = first.record, first.place
        if (one.kind, one.labeler, one.left, one.right) != (
            record.kind, record.labeler, record.left, record.right,
        ):  # fmt: skip
            raise ValueError(f"names another labeler or image than row {at} of the same trial")
        if twice := _asked(one) & _asked(record):
            raise ValueError(f"answers {min(twice)} again, as row {at} of the same trial does")
        first.record = replace(
            one,
            answers={**one.answers, **record.answers},
            raw={**one.raw, **record.raw},
            skips={**one.skips, **record.skips},
            times={**one.times, **record.times},
            strengths={**one.strengths, **record.strengths},
            status="answered" if {one.status, record.status} == _PARTLY else one.status,
        )
        first.rows += 1

    def _record(self, kind: Kind, cell: Callable[[str], str]) -> TrialRecord:
        """One row as a trial of its own.

        Raises:
            ValueError: why it cannot be used, in words for the user.
        """
        labeler = cell("labeler").strip()
        if not labeler:
            raise ValueError("no labeler is named")
        if not is_name(labeler):
            raise ValueError(f"the labeler's code {short(labeler)!r} has unprintable characters")
        shown = self._shown(kind, cell)
        status = _plain(cell("status")) or "answered"
        if status not in _STATUSES:
            raise ValueError(f"the status “{short(status)}” is none of {', '.join(_STATUSES)}")
        status = "answered" if status in SET_ASIDE else status  # its flags say what it was for
        answers, raw = _answer(kind, cell)
        skips, times, strengths = _question(cell, answered=bool(answers))
        if not answers and status == "answered":
            raise ValueError("it holds no rating" if kind == "rating" else "it holds no outcome")
        if answers and status == "skipped":
            raise ValueError("is marked as skipped and holds an answer")
        source = _plain(cell("source"))
        dropped = _optional(cell, "dropped_frames", "dropped frames", whole)
        order = _optional(cell, "order", "order", whole)
        return TrialRecord(
            id=uuid.uuid4().hex,
            labeler=labeler,
            session="",
            order=-1 if order is None else int(order),
            kind=kind,
            left=shown[0],
            right=shown[1] if len(shown) > 1 else None,
            onset=_optional(cell, "trial_onset", "onset"),
            seconds=_optional(cell, "trial_seconds", "response time"),
            status=cast(Status, status),
            skip_reason=None if skips else cell("skip_reason") or None,
            answers=answers,
            raw=raw,
            source=cast(Source, source if source in _SOURCES else "imported"),
            probability=_optional(cell, "probability", "probability"),
            dropped_frames=None if dropped is None else int(dropped),
            skips=skips,
            times=times,
            strengths=strengths,
            flags=_flags(cell("flags")),
            block=cell("block") or None,
            strategy=cell("strategy") or None,
        )

    def _shown(self, kind: Kind, cell: Callable[[str], str]) -> tuple[ImageId, ...]:
        if kind == "rating":
            name, key = cell("image") or cell("stimulus"), cell("image_id") or cell("stimulus_id")
            return (self.images.find(name, key),)
        left = self.images.find(cell("left"), cell("left_id"))
        right = self.images.find(cell("right"), cell("right_id"))
        if left == right:
            raise ValueError("it compares an image with itself")
        return left, right

    def _is_new(self, trial: _Trial) -> bool:
        if trial.given:
            trial.record = replace(trial.record, id=self._named(trial.record, trial.given))
        if trial.record.id in self.known:
            self.duplicates += trial.rows
            return False
        return True

    def _named(self, record: TrialRecord, words: str) -> TrialId:
        """The identifier of a trial that the file names."""
        return words if is_id(words) else self._made("trial", record.kind, record.labeler, words)

    def _made(self, *words: str) -> str:
        return uuid.uuid5(uuid.UUID(self.import_id), "\0".join(words)).hex

    def _finished(
        self, trial: _Trial, own: Mapping[TrialId, str], corrected: set[TrialId]
    ) -> TrialRecord:
        """With its session and with the trials that it refers to.

        A correction that did not come along, or is another labeler's, cannot be referred to; the
        corrected trial still does not count, so it is kept as withdrawn. A trial corrects one
        other at most.
        """
        record = trial.record
        session = trial.session
        if not is_id(session) or self.sessions.get(session, record.labeler) != record.labeler:
            session = self._made("session", record.labeler, session)
        self.sessions[session] = record.labeler
        order = self._orders.get(session, 0) if record.order < 0 else record.order
        self._orders[session] = order + 1
        later, status = None, record.status
        if trial.superseded_by:
            later = self._named(record, trial.superseded_by)
            if later == record.id or own.get(later) != record.labeler:
                later, status, self.lost = None, "withdrawn", self.lost + 1
            elif later in corrected:
                later, status = None, "withdrawn"
        if later is not None:
            corrected.add(later)
        return replace(
            record, session=session, order=order, status=status, superseded_by=later,
            repeat_of=self._repeated(trial, own),
        )  # fmt: skip

    def _repeated(self, trial: _Trial, own: Mapping[TrialId, str]) -> TrialId | None:
        if not trial.repeat_of:
            return None
        repeated = self._named(trial.record, trial.repeat_of)
        owner = own.get(repeated) or self.known.get(repeated)
        if owner == trial.record.labeler and repeated != trial.record.id:
            return repeated
        self.lost += 1
        return None


def _answer(
    kind: Kind, cell: Callable[[str], str]
) -> tuple[dict[str, int | str], dict[str, float]]:
    """Attribute -> answer, and -> the rating as it was imported; empty for a row without one."""
    attribute, words = cell("attribute").strip(), cell("rating" if kind == "rating" else "outcome")
    if is_missing(words):
        return {}, {}
    if not attribute:
        raise ValueError("no attribute is named")
    if kind == "comparison":
        if words not in _OUTCOMES:
            raise ValueError(f"the outcome “{short(words)}” is none of left, right and tie")
        return {attribute: words}, {}
    step = whole(words)
    if step not in range(1, STEPS + 1):
        raise ValueError(f"the rating {words} for {attribute} is none of 1 to {STEPS}")
    raw = cell("raw")
    return {attribute: step}, {} if is_missing(raw) else {attribute: number(raw)}


def _question(
    cell: Callable[[str], str], *, answered: bool
) -> tuple[dict[str, str], dict[str, AnswerTime], dict[str, int]]:
    """Attribute -> why it was skipped, its time and the strength of its preference, as a row has
    them.

    Raises:
        ValueError: if one of them cannot be.
    """
    attribute, reason = cell("attribute").strip(), cell("skip_reason")
    skipped = bool(attribute and reason.strip()) and not answered
    if not (answered or skipped):
        return {}, {}, {}
    time = AnswerTime(
        _optional(cell, "onset", "onset"), _optional(cell, "seconds", "response time")
    )
    strength = _optional(cell, "strength", "strength", whole) if answered else None
    if strength is not None and not 1 <= strength <= STRONGEST:
        raise ValueError(f"the strength {strength:g} is none of 1 to {STRONGEST}")
    return (
        {attribute: reason} if skipped else {},
        {} if time == AnswerTime(None, None) else {attribute: time},
        {} if strength is None else {attribute: int(strength)},
    )


def _flags(words: str) -> tuple[Flag, ...]:
    """Raises: ValueError: if one of them is unknown."""
    given = set() if is_missing(words) else set(words.split())
    if unknown := given - set(FLAGS):
        raise ValueError(f"the flag “{short(min(unknown))}” is none of {', '.join(FLAGS)}")
    return tuple(flag for flag in FLAGS if flag in given)


def _asked(trial: TrialRecord) -> set[str]:
    """The questions of which a record says something."""
    return trial.answers.keys() | trial.skips.keys()


def _optional(
    cell: Callable[[str], str],
    name: str,
    what: str,
    read: Callable[[str], float] = number,
) -> float | None:
    """A number that may be absent.

    Raises:
        ValueError: if it is none, or negative.
    """
    words = cell(name)
    if is_missing(words):
        return None
    value = read(words)
    if value < 0:
        raise ValueError(f"the {what} {value:g} is negative")
    return value


def _plain(words: str) -> str:
    return "" if is_missing(words) else words.strip()
