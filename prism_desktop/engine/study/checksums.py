"""Checksums of trials: a bit of an answer or a time that changes on the disk is found.

A checksum covers everything that a trial says, by names that never change: the labeler's code, the
image's hash, the attribute's name, the identifiers of sessions, imports and other trials. What may
be worded anew (a display name, a question, an image's name or place) is not in it. A withdrawal is
an entry of `trial_event`, which has a checksum of its own; of the trial's flag only the state in
which it was recorded is covered, and the log says the rest.

It finds damage, not forgery: whoever writes a database can write its checksums.
"""

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

Answers = Sequence[tuple[str, int, float | None]]  # (attribute, value, raw value)

_LENGTH: Final = 8  # bytes; one damaged trial in 10^19 goes unseen
_CHUNK: Final = 20_000  # rows that exist as the driver's tuples at one time
_numbers: Final = struct.Struct("<8d").pack
_answer: Final = struct.Struct("<2d").pack
_event: Final = struct.Struct("<d").pack
# The state in which a trial was recorded: the opposite of the first entry in its log.
_ROWS: Final = """SELECT t.id, t.checksum, t.uid, p.code, s.uid, t.kind, l.sha256, r.sha256,
t.skip_reason, c.uid, e.uid, t.source, i.uid, t.place, t.onset, t.seconds, t.skipped,
CASE (SELECT event FROM {trial_event} AS v WHERE v.trial_id = t.id ORDER BY v.id LIMIT 1)
WHEN 'withdrawn' THEN 0 WHEN 'restored' THEN 1 ELSE t.withdrawn END,
t.probability, t.recorded, t.dropped_frames
FROM {trial} AS t LEFT JOIN {labeler} AS p ON p.id = t.labeler_id
LEFT JOIN {session} AS s ON s.id = t.session_id LEFT JOIN {stimulus} AS l ON l.id = t.left_id
LEFT JOIN {stimulus} AS r ON r.id = t.right_id LEFT JOIN {trial} AS c ON c.id = t.supersedes_id
LEFT JOIN {trial} AS e ON e.id = t.repeat_of_id LEFT JOIN {import} AS i ON i.id = t.import_id
WHERE {where} ORDER BY t.id"""
_ANSWERS: Final = """SELECT a.trial_id, n.name, a.value, a.raw FROM {answer} AS a
LEFT JOIN {attribute} AS n ON n.id = a.attribute_id
WHERE a.trial_id IN (SELECT t.id FROM {trial} AS t WHERE {where}) ORDER BY a.trial_id"""
_TABLES: Final = (
    "trial", "answer", "labeler", "session", "stimulus", "attribute", "import", "trial_event",
)  # fmt: skip
_PLACES: Final = {table: f'"{table}"' for table in _TABLES}
_EVENTS: Final = """SELECT v.id, t.uid, v.event, v.at, v.checksum FROM {trial_event} AS v
LEFT JOIN {trial} AS t ON t.id = v.trial_id"""


def trial_checksum(
    texts: Sequence[str | None], numbers: Sequence[float | None], answers: Answers
) -> bytes:
    """The checksum of a trial.

    Args:
        texts: the trial's identifier, its labeler, session, kind, left and right image, reason of a
            skip, the trials that it corrects and repeats, source and import.
        numbers: its place in the session, onset, seconds, whether it was skipped, whether it was
            recorded as withdrawn, probability, when it was recorded (unix s), dropped frames.
        answers: to the attributes, in any order.
    """
    place, onset, seconds, skipped, withdrawn, probability, recorded, dropped = numbers
    # one call of everything: this is done for each of a million imported trials
    content = "\0".join(["\1" if each is None else each for each in texts]).encode() + _numbers(
        place,
        -1.0 if onset is None else onset,
        -1.0 if seconds is None else seconds,
        skipped,
        withdrawn,
        -1.0 if probability is None else probability,
        recorded,
        -1.0 if dropped is None else dropped,
    )
    for attribute, value, raw in answers if len(answers) == 1 else sorted(answers):
        # no number is below -1e300, so that "none" is none of them
        content += attribute.encode() + _answer(value, -1e301 if raw is None else raw)
    return sha256(content).digest()[:_LENGTH]


def event_checksum(trial: str, event: str, at: float) -> bytes:
    """The checksum of an entry in the log of withdrawals; `at` in unix s."""
    return sha256(f"{trial}\0{event}".encode() + _event(at)).digest()[:_LENGTH]


def fill(driver: sqlite3.Connection, where: str = "1", parameters: Sequence[object] = ()) -> None:
    """Give trials the checksums of what they say now, in chunks; `where` is about trial `t`."""
    pending: list[tuple[bytes | None, int]] = []
    for key, _, made in _computed(driver, _PLACES, where, parameters):
        pending.append((made, key))
        if len(pending) == _CHUNK:
            driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)
            pending.clear()
    driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)


def fill_events(driver: sqlite3.Connection) -> None:
    """Give every entry in the log of withdrawals its checksum."""
    rows = [(made, key) for key, _, made in _computed_events(driver, _PLACES)]
    driver.executemany("UPDATE trial_event SET checksum = ? WHERE id = ?", rows)


def altered(driver: sqlite3.Connection, places: Mapping[str, str]) -> list[int]:
    """The numbers of trials that say something else than when they were recorded.

    `places` says where the rows of a table are, as SQL.
    """
    found = _computed(driver, places, "1", ())
    return [key for key, kept, made in found if made is None or kept != made]


def altered_events(driver: sqlite3.Connection, places: Mapping[str, str]) -> list[int]:
    """The numbers of entries in the log of withdrawals that are not what was written."""
    found = _computed_events(driver, places)
    return [key for key, kept, made in found if made is None or kept != made]


def _computed(
    driver: sqlite3.Connection,
    places: Mapping[str, str],
    where: str,
    parameters: Sequence[object],
) -> Iterator[tuple[int, object, bytes | None]]:
    """(Number, checksum kept, checksum made) of trials; None for values that cannot be."""
    given = driver.execute(_ANSWERS.format(where=where, **places), parameters)
    answers = _grouped(_fetched(given))
    group = next(answers, None)
    for row in _fetched(driver.execute(_ROWS.format(where=where, **places), parameters)):
        own: Answers = ()
        while group is not None and group[0] < row[0]:
            group = next(answers, None)
        if group is not None and group[0] == row[0]:
            own, group = group[1], next(answers, None)
        try:
            made = trial_checksum(row[2:13], row[13:], own)
        except (struct.error, TypeError, AttributeError, ValueError, OverflowError):
            made = None
        yield row[0], row[1], made


def _computed_events(
    driver: sqlite3.Connection, places: Mapping[str, str]
) -> Iterator[tuple[int, object, bytes | None]]:
    for key, trial, event, at, kept in driver.execute(_EVENTS.format(**places)).fetchall():
        try:
            yield key, kept, event_checksum(trial, event, at)
        except struct.error:
            yield key, kept, None


def _fetched(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows


def _grouped(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, list[Any]]]:
    """Rows of answers, in the order of their trials, by trial."""
    key: int | None = None
    group: list[Any] = []
    for trial, *answer in rows:
        if trial != key:
            if key is not None:
                yield key, group
            key, group = trial, []
        group.append(tuple(answer))
    if key is not None:
        yield key, group
