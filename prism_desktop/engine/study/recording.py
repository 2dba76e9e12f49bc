"""Trials on their way into the database, a few by hand or a million by an import.

Runs in the writer's thread, inside a transaction.
"""

import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import checksums, schema
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.pending import forget
from prism_desktop.engine.study.records import (
    FLAGS,
    STRONGEST,
    Changes,
    Kind,
    TrialId,
    TrialRecord,
    reason_of,
)
from prism_desktop.engine.study.row_rules import LARGEST
from prism_desktop.engine.study.stored_json import flags_to_json
from prism_desktop.engine.study.writing import touch

_MANY = 64  # from here on, whole columns are read instead of single rows
_COLUMNS: Final = (
    "id, uid, labeler_id, session_id, place, kind, left_id, right_id, onset, seconds, skipped, "
    "skip_reason, withdrawn, supersedes_id, repeat_of_id, source, probability, recorded, "
    "import_id, dropped_frames, checksum, flags, block, strategy"
)
_TRIAL: Final = f"INSERT INTO trial ({_COLUMNS}) VALUES ({', '.join('?' * 24)})"
_ANSWER: Final = (
    "INSERT INTO answer (trial_id, attribute_id, value, raw, skip_reason, onset, seconds, "
    "strength) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_KINDS: Final = frozenset(("rating", "comparison"))
_STATUSES: Final = frozenset(("answered", "skipped", "withdrawn"))
_ALLOWED: Final[Mapping[str, tuple[object, ...]]] = {
    "rating": (1, 2, 3, 4),
    "comparison": tuple(schema.OUTCOME_VALUE),
}


_NONE: Final = (None, None)
_NOTHING: Final = (None, None, None, None)  # of a question beside its answer


class FoundTrial(NamedTuple):
    """What is known about a trial of the database."""

    labeler: str
    key: int
    withdrawn: bool
    supersedes: int | None
    labeler_key: int


def find_trial(connection: Connection, trial: TrialId) -> FoundTrial:
    """Look a trial up.

    Raises:
        InputError: there is none.
    """
    if found := _found(driver_of(connection), trial):
        return found
    raise InputError(f"There is no trial {trial} in this study.")


def _found(driver: sqlite3.Connection, trial: TrialId) -> FoundTrial | None:
    row = driver.execute(
        "SELECT p.code, t.id, t.withdrawn, t.supersedes_id, p.id FROM trial AS t "
        "JOIN labeler AS p ON p.id = t.labeler_id WHERE t.uid = ?",
        (trial,),
    ).fetchone()
    return None if row is None else FoundTrial(row[0], row[1], bool(row[2]), row[3], row[4])


class Recorder:
    """Appends trials in chunks; of the chunks before only numbers are kept in memory.

    Trials refer to each other (`repeat_of`, `superseded_by`) within a chunk and, for an import,
    across chunks in any order: a reference to a trial that has not come yet waits until `finish`.
    """

    def __init__(self, connection: Connection, import_id: int | None = None) -> None:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        self._connection = connection
        self._driver = driver_of(connection)
        self._import = import_id
        self._import_uid = self._driver.execute(
            "SELECT (SELECT uid FROM import WHERE id = ?)", (import_id,)
        ).fetchone()[0]
        self._keys = _Keys(self._driver, import_id)
        self._now = time.time()
        self._first = self._next = self._keys.next_trial()
        self._own: dict[TrialId, tuple[int, int]] = {}  # of the chunk: its number, its labeler's
        # correcting trial that is to come -> corrected one's number and identifier
        self._corrects: dict[TrialId, tuple[int, TrialId]] = {}
        self._correcting: set[TrialId] = set()  # all trials that correct another
        self._late: list[tuple[str, int, int, TrialId]] = []  # column, trial, labeler, other
        self._pending: set[tuple[int, Kind]] = set()  # labelers and tasks, recorded by hand
        self._labelers: set[str] = set()

    @property
    def count(self) -> int:
        """Trials recorded so far."""
        return self._next - self._first

    def add(
        self, trials: Sequence[TrialRecord], supersedes: tuple[int, TrialId] | None = None
    ) -> None:
        """Append a chunk.

        Args:
            trials: of any order.
            supersedes: number and identifier of the trial that the only one of `trials` corrects.

        Raises:
            InputError: a trial is malformed, known already, or refers to somebody or something
                that the study does not have.
        """
        if not trials:
            return
        for trial in trials:
            _check(trial)
        keys, start = self._keys, self._next
        keys.prepare(trials)
        self._own = {
            trial.id: (start + place, keys.labeler(trial.labeler))
            for place, trial in enumerate(trials)
        }
        if len(self._own) != len(trials):
            raise InputError("Two of the trials have the same id; nothing was recorded.")
        for trial in trials:
            if trial.superseded_by is not None:
                self._note_correction(trial, trial.superseded_by)
        if supersedes is not None:
            self._corrects[trials[0].id] = supersedes
        given = [_given(trial) for trial in trials]
        self._insert([self._row(*each) for each in zip(trials, given, strict=True)], trials)
        attribute = keys.attribute
        self._driver.executemany(
            _ANSWER,
            [
                (key, attribute(each[0]), *each[1:])
                for key, answers in enumerate(given, start=start)
                for each in answers
            ],
        )
        self._next += len(trials)
        self._labelers.update(trial.labeler for trial in trials)
        if self._import is None:
            self._pending |= {(keys.labeler(trial.labeler), trial.kind) for trial in trials}

    def finish(self) -> Changes:
        """Join what waited.

        Raises:
            InputError: a trial refers to one that neither came nor is in the study.
        """
        if self._corrects:
            missing = next(iter(self._corrects))
            raise InputError(
                f"Trial {missing} is said to correct another, but it does not come with it."
            )
        for column, key, labeler, other in self._late:
            found = find_trial(self._connection, other)
            _refuse_others(found.labeler_key, labeler)
            self._set(key, column, found.key)
        for labeler, kind in self._pending:
            forget(self._connection, labeler, kind)
        if self.count:
            touch(self._connection)
        return Changes(trials=frozenset(self._labelers))

    def _row(self, trial: TrialRecord, answers: checksums.Answers) -> tuple[Any, ...]:
        keys = self._keys
        key, labeler = self._own[trial.id]
        repeated = None
        if trial.repeat_of is not None:
            repeated = self._number(trial.repeat_of, key, labeler)
        corrected, corrected_id = self._corrects.pop(trial.id, _NONE) if self._corrects else _NONE
        order, skipped = int(trial.order), 0 if trial.answers else 1
        withdrawn = 1 if trial.status == "withdrawn" else 0
        onset, seconds = _float(trial.onset), _float(trial.seconds)
        probability = _float(trial.probability)
        dropped = None if trial.dropped_frames is None else int(trial.dropped_frames)
        left, right, reason = trial.left, trial.right, trial.skip_reason
        if trial.skips:
            reason = None if trial.answers else reason_of(trial.skips)
        more = flags_to_json(trial.flags), trial.block, trial.strategy
        checksum = checksums.trial_checksum(
            (
                trial.id, trial.labeler, trial.session, trial.kind, left, right, reason,
                corrected_id, trial.repeat_of, trial.source, self._import_uid,
            ),
            (order, onset, seconds, skipped, withdrawn, probability, self._now, dropped),
            answers,
            more,
        )  # fmt: skip
        session = keys.session(trial, labeler, self._now)
        shown = keys.image(left), None if right is None else keys.image(right)
        return (
            key, trial.id, labeler, session, order, trial.kind, *shown, onset, seconds, skipped,
            reason, withdrawn, corrected, repeated, trial.source, probability, self._now,
            self._import, dropped, checksum, *more,
        )  # fmt: skip

    def _insert(self, rows: Sequence[tuple[Any, ...]], trials: Sequence[TrialRecord]) -> None:
        try:
            self._driver.executemany(_TRIAL, rows)
        except sqlite3.IntegrityError as error:
            for trial in trials:  # the statement has put none of them in, or those before the fault
                found = _found(self._driver, trial.id)
                if found is not None and found.key < self._first:
                    raise InputError(
                        f"Trial {trial.id} is in the study already; nothing was recorded."
                    ) from error
                if found is not None and found.key < self._next:
                    raise InputError(
                        "Two of the trials have the same id; nothing was recorded."
                    ) from error
            raise

    def _number(self, other: TrialId, key: int, labeler: int) -> int | None:
        """The number of a trial that this one repeats; None if it may be still to come."""
        if other in self._own:
            found, owner = self._own[other]
            if found == key:
                raise InputError("A trial cannot repeat itself; nothing was recorded.")
            _refuse_others(owner, labeler)
            return found
        known = _found(self._driver, other)
        if known is not None:
            _refuse_others(known.labeler_key, labeler)
            return known.key
        self._late.append(("repeat_of_id", key, labeler, other))
        return None

    def _note_correction(self, trial: TrialRecord, later: TrialId) -> None:
        """`later` corrects `trial`, whether it is there, in this chunk or to come."""
        if later in self._correcting:
            raise InputError("One trial is said to correct two others; nothing was recorded.")
        self._correcting.add(later)
        key, labeler = self._own[trial.id]
        if later == trial.id:
            raise InputError("A trial cannot correct itself; nothing was recorded.")
        if later in self._own:
            _refuse_others(self._own[later][1], labeler)
            self._corrects[later] = key, trial.id
            return
        known = _found(self._driver, later)
        if known is not None and known.key >= self._first:
            _refuse_others(known.labeler_key, labeler)
            self._late.append(("supersedes_id", known.key, labeler, trial.id))
        else:
            self._corrects[later] = key, trial.id

    def _set(self, key: int, column: str, value: int) -> None:
        """Trials cannot be changed, but those that an import brought can be written again."""
        names = _COLUMNS.split(", ")
        row = list(
            self._driver.execute(f"SELECT {_COLUMNS} FROM trial WHERE id = ?", (key,)).fetchone()
        )
        row[names.index(column)] = value
        self._driver.execute("DELETE FROM trial WHERE id = ?", (key,))
        self._driver.execute(_TRIAL, row)
        checksums.fill(self._driver, "t.id = ?", (key,))


class _Keys:
    """The database's numbers for the strings in records, looked up once each."""

    def __init__(self, driver: sqlite3.Connection, import_id: int | None) -> None:
        self._driver = driver
        self._import = import_id
        self._labelers: dict[str, int] = dict(driver.execute("SELECT code, id FROM labeler"))
        self._attributes: dict[str, int] = dict(driver.execute("SELECT name, id FROM attribute"))
        self._images: dict[str, int] = {}
        self._many = False
        self._sessions: dict[str, tuple[int, int]] = {}

    def next_trial(self) -> int:
        """The number that the next trial gets."""
        return last_trial(self._driver) + 1

    def prepare(self, trials: Sequence[TrialRecord]) -> None:
        """Images are read all at once only for many trials: labeling records one at a time."""
        if len(trials) > _MANY and not self._many:
            self._many = True
            self._images = dict(self._driver.execute("SELECT sha256, id FROM stimulus"))

    def labeler(self, code: str) -> int:
        return _get(self._labelers, code, "labeler")

    def attribute(self, name: str) -> int:
        return _get(self._attributes, name, "attribute")

    def image(self, image: str) -> int:
        if image not in self._images and not self._many:
            query = "SELECT id FROM stimulus WHERE sha256 = ?"
            if found := self._driver.execute(query, (image,)).fetchone():
                self._images[image] = found[0]
        return _get(self._images, image, "image")

    def session(self, trial: TrialRecord, labeler: int, now: float) -> int:
        """The number of the trial's session; a session begins with its first trial."""
        uid = trial.session
        known = self._sessions.get(uid)
        if known is None:
            query = "SELECT id, labeler_id FROM session WHERE uid = ?"
            found = self._driver.execute(query, (uid,)).fetchone()
            known = self._sessions[uid] = found or (self._begin(trial, labeler, now), labeler)
        if known[1] != labeler:
            raise InputError(f"Session {uid} belongs to another labeler than {trial.labeler}.")
        return known[0]

    def _begin(self, trial: TrialRecord, labeler: int, now: float) -> int:
        """It was started when its first images were painted; of an imported one nobody knows."""
        started = None
        if self._import is None and trial.source == "labeled":
            started = now if trial.onset is None else _float(trial.onset)
        uid, code = trial.session, trial.labeler
        checksum = checksums.session_checksum(uid, code, started, None, None, None)
        made = self._driver.execute(
            "INSERT INTO session (uid, labeler_id, import_id, started, checksum) "
            "VALUES (?, ?, ?, ?, ?)",
            (uid, labeler, self._import, started, checksum),
        ).lastrowid
        assert made is not None
        return made


def last_trial(driver: sqlite3.Connection) -> int:
    """The largest number of a trial, of those that leave room for more; 0 if there is none."""
    query = "SELECT max(id) FROM trial WHERE id BETWEEN 0 AND ?"
    return driver.execute(query, (LARGEST - 1,)).fetchone()[0] or 0


def _get(keys: Mapping[str, int], name: str, what: str) -> int:
    try:
        return keys[name]
    except KeyError:
        raise InputError(f"There is no {what} {name!r} in this study.") from None


def _refuse_others(labeler: int, own: int) -> None:
    if labeler != own:
        raise InputError("A trial can repeat or correct only one of the same labeler.")


def _given(trial: TrialRecord) -> checksums.Answers:
    """What is stored of a trial's questions; one that is alone has the times of its trial."""
    rating, raw, values = trial.kind == "rating", trial.raw, schema.OUTCOME_VALUE
    if not (trial.skips or trial.times or trial.strengths):  # of imports a million come like that
        return [
            (name, int(answer) if rating else values[answer], _float(raw.get(name)), *_NOTHING)  # type: ignore[index, misc]
            for name, answer in trial.answers.items()
        ]
    made = []
    for name in (*trial.answers, *trial.skips):
        answer, reason = trial.answers.get(name), trial.skips.get(name)
        value = None if answer is None else int(answer) if rating else values[str(answer)]
        onset, seconds = map(_float, trial.times.get(name, _NONE))
        if len(trial.answers) + len(trial.skips) == 1 and _same(trial, onset, seconds):
            onset = seconds = None
        strength = trial.strengths.get(name)
        made.append(
            checksums.StoredAnswer(
                name, value, _float(raw.get(name)), reason, onset, seconds,
                None if strength is None else int(strength),
            )
        )  # fmt: skip
    return made


def _same(trial: TrialRecord, onset: float | None, seconds: float | None) -> bool:
    """Whether a question has the times of its trial."""
    return (onset, seconds) == (_float(trial.onset), _float(trial.seconds))


def _float(number: float | None) -> float | None:
    """As the driver wants it: NumPy's numbers would be stored as their bytes, -0.0 as 0.0."""
    return None if number is None else float(number) + 0.0


def _check(trial: TrialRecord) -> None:
    """Refuse what no labeler can have answered, before anything of the chunk is written.

    Raises:
        InputError: what is wrong with it.
    """
    kind, status, answers = trial.kind, trial.status, trial.answers
    if kind not in _KINDS or status not in _STATUSES:
        raise InputError(
            f"A trial is a rating or comparison, answered, skipped or withdrawn: {kind}, {status}."
        )
    if (kind == "rating") != (trial.right is None) or trial.left == trial.right:
        raise InputError("A rating shows one image, a comparison two different ones.")
    if bool(answers) == (status == "skipped") and status != "withdrawn":
        raise InputError("An answered trial needs at least one answer, and a skipped one has none.")
    allowed = _ALLOWED[kind]
    for attribute, answer in answers.items():
        if answer not in allowed or isinstance(answer, bool):
            raise InputError(
                f"{answer!r} is no answer to {attribute!r}: {', '.join(map(str, allowed))} are."
            )
    numbers = (trial.onset, trial.seconds, trial.probability, trial.dropped_frames)
    for number in numbers:
        _refuse_negative(number)
    for number in trial.raw.values():
        if not math.isfinite(number):
            raise InputError(f"A rating is a number: {number}.")
    if trial.skips or trial.times or trial.strengths or trial.flags:
        _check_questions(trial)


def _check_questions(trial: TrialRecord) -> None:
    """As `_check`, of what is known of single questions and of the trial's flags."""
    if twice := trial.answers.keys() & trial.skips.keys():
        raise InputError(f"{min(twice)!r} cannot be answered and skipped in the same trial.")
    for attribute, reason in trial.skips.items():
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(f"{attribute!r} was skipped, but no reason is given.")
    for onset, seconds in trial.times.values():
        _refuse_negative(onset)
        _refuse_negative(seconds)
    asked = trial.answers.keys() | trial.skips.keys()
    if unknown := (trial.times.keys() - asked) | (trial.strengths.keys() - trial.answers.keys()):
        raise InputError(f"{min(unknown)!r} has a time or a strength, but no answer.")
    if not set(trial.strengths.values()) <= set(range(1, STRONGEST + 1)):
        raise InputError(f"The strength of a preference is 1 to {STRONGEST}.")
    if not set(trial.flags) <= set(FLAGS):
        raise InputError(f"A trial's flags are some of {', '.join(FLAGS)}: {trial.flags}.")


def _refuse_negative(number: float | None) -> None:
    if number is not None and not (math.isfinite(number) and number >= 0):
        raise InputError(f"Times, probabilities and counts are not negative: {number}.")
