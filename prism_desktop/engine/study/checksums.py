"""Checksums of trials: a bit of an answer or a time that changes on the disk is found.

A checksum covers everything that a trial says, by names that never change: the labeler's code, the
image's hash, the attribute's name, the identifiers of sessions, imports and other trials. What may
be worded anew (a display name, a question, an image's name or place) is not in it. A withdrawal is
an entry of `trial_event`, which has a checksum of its own; of the trial's mark only the state in
which it was recorded is covered, and the log says the rest. Sessions of which something is noted
and protocols have one too.

What later versions learned to store of a trial is added only where there is some, so that a trial
without it has the checksum that it was recorded with.

It finds damage, not forgery: whoever writes a database can write its checksums.
"""

import json
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple


class StoredAnswer(NamedTuple):
    """What the database holds about one question of a trial."""

    attribute: str
    value: int | None  # None: skipped
    raw: float | None
    skip_reason: str | None = None
    onset: float | None = None
    seconds: float | None = None
    strength: int | None = None


Answers = Sequence[StoredAnswer]

_NONE: Final = (None, None, None, None)
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
t.probability, t.recorded, t.dropped_frames, t.flags, t.block, t.strategy
FROM {trial} AS t LEFT JOIN {labeler} AS p ON p.id = t.labeler_id
LEFT JOIN {session} AS s ON s.id = t.session_id LEFT JOIN {stimulus} AS l ON l.id = t.left_id
LEFT JOIN {stimulus} AS r ON r.id = t.right_id LEFT JOIN {trial} AS c ON c.id = t.supersedes_id
LEFT JOIN {trial} AS e ON e.id = t.repeat_of_id LEFT JOIN {import} AS i ON i.id = t.import_id
WHERE {where} ORDER BY t.id"""
_ANSWERS: Final = """SELECT a.trial_id, n.name, a.value, a.raw, a.skip_reason, a.onset, a.seconds,
a.strength FROM {answer} AS a LEFT JOIN {attribute} AS n ON n.id = a.attribute_id
WHERE a.trial_id IN (SELECT t.id FROM {trial} AS t WHERE {where}) ORDER BY a.trial_id"""
_TABLES: Final = (
    "trial", "answer", "labeler", "session", "stimulus", "attribute", "import", "trial_event",
    "protocol",
)  # fmt: skip
_PLACES: Final = {table: f'"{table}"' for table in _TABLES}
_EVENTS: Final = """SELECT v.id, v.checksum, t.uid, v.event, v.at FROM {trial_event} AS v
LEFT JOIN {trial} AS t ON t.id = v.trial_id"""
_SESSIONS: Final = """SELECT s.id, s.checksum, s.uid, p.code, s.started, s.ended, o.uid, s.timing
FROM {session} AS s LEFT JOIN {labeler} AS p ON p.id = s.labeler_id
LEFT JOIN {protocol} AS o ON o.id = s.protocol_id"""
_PROTOCOLS: Final = """SELECT o.id, o.checksum, o.uid, o.version, o.created, o.text
FROM {protocol} AS o"""


def trial_checksum(
    texts: Sequence[str | None],
    numbers: Sequence[float | None],
    answers: Answers,
    more: Sequence[str | None] = (None, None, None),
) -> bytes:
    """The checksum of a trial.

    Args:
        texts: the trial's identifier, its labeler, session, kind, left and right image, reason of a
            skip, the trials that it corrects and repeats, source and import.
        numbers: its place in the session, onset, seconds, whether it was skipped, whether it was
            recorded as withdrawn, probability, when it was recorded (unix s), dropped frames.
        answers: to the attributes, in any order.
        more: its flags as they are stored, its block and its strategy.
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
    ordered = answers if len(answers) == 1 else sorted(answers, key=lambda each: each[0])
    for attribute, value, raw, *_ in ordered:
        if value is not None:
            # no number is below -1e300, so that "none" is none of them
            content += attribute.encode() + _answer(value, -1e301 if raw is None else raw)
    later = [each for each in ordered if each[1] is None or each[3:] != _NONE]
    if later or any(each is not None for each in more):
        asked = [(each[0], each[1] is None, *each[3:]) for each in later]
        content += json.dumps([*more, asked]).encode()
    return sha256(content).digest()[:_LENGTH]


def event_checksum(trial: str, event: str, at: float) -> bytes:
    """The checksum of an entry in the log of withdrawals; `at` in unix s."""
    return sha256(f"{trial}\0{event}".encode() + _event(at)).digest()[:_LENGTH]


def session_checksum(
    uid: str,
    labeler: str,
    started: float | None,
    ended: float | None,
    protocol: str | None,
    timing: str | None,
) -> bytes | None:
    """The checksum of what is noted of a session; None where nothing is."""
    noted = (started, ended, protocol, timing)
    return None if noted == _NONE else _of_json((uid, labeler, *noted))


def protocol_checksum(uid: str, version: int, created: float, text: str) -> bytes:
    """The checksum of a version of the protocol; `created` in unix s."""
    return _of_json((uid, version, created, text))


def _of_json(values: Sequence[str | float | None]) -> bytes:
    return sha256(json.dumps(values).encode()).digest()[:_LENGTH]


def fill(driver: sqlite3.Connection, where: str = "1", parameters: Sequence[object] = ()) -> None:
    """Give trials the checksums of what they say now, in chunks; `where` is about trial `t`."""
    pending: list[tuple[bytes | None, int]] = []
    for key, _, made in _computed(driver, _PLACES, where, parameters):
        pending.append((made, key))
        if len(pending) == _CHUNK:
            driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)
            pending.clear()
    driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)


def fill_others(driver: sqlite3.Connection) -> None:
    """Give entries in the log of withdrawals, sessions and protocols the checksums of what they say
    now."""
    for table in _OTHERS:
        found = _computed_others(driver, _PLACES, table)
        rows = [(made if isinstance(made, bytes) else None, key) for key, _, made in found]
        driver.executemany(f"UPDATE {table} SET checksum = ? WHERE id = ?", rows)


def altered(driver: sqlite3.Connection, places: Mapping[str, str]) -> list[int]:
    """The numbers of trials that say something else than when they were recorded.

    `places` says where the rows of a table are, as SQL.
    """
    found = _computed(driver, places, "1", ())
    return [key for key, kept, made in found if made is None or kept != made]


def altered_others(driver: sqlite3.Connection, places: Mapping[str, str]) -> dict[str, int]:
    """Table -> how many of its rows are not what was written, of tables that have some."""
    counts = {
        table: sum(kept != made for _, kept, made in _computed_others(driver, places, table))
        for table in _OTHERS
    }
    return {table: count for table, count in counts.items() if count}


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
            made = trial_checksum(row[2:13], row[13:21], own, row[21:])
        except (struct.error, TypeError, AttributeError, ValueError, OverflowError):
            made = None
        yield row[0], row[1], made


def _computed_others(
    driver: sqlite3.Connection, places: Mapping[str, str], table: str
) -> Iterator[tuple[int, object, object]]:
    """(Number, checksum kept, checksum made); another one than any kept for values that cannot
    be."""
    query, make = _OTHERS[table]
    for key, kept, *values in driver.execute(query.format(**places)).fetchall():
        try:
            yield key, kept, make(*values)
        except (struct.error, TypeError, ValueError):
            yield key, kept, _UNKNOWN


_UNKNOWN: Final = object()
_OTHERS: Final[Mapping[str, tuple[str, Callable[..., bytes | None]]]] = {
    "trial_event": (_EVENTS, event_checksum),
    "session": (_SESSIONS, session_checksum),
    "protocol": (_PROTOCOLS, protocol_checksum),
}


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
