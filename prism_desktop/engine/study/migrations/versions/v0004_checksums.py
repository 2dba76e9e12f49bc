"""Checksums of trials and of their log, and a log that is append-only as trials are.

What a checksum was when this revision came is written out here, apart from `checksums`: what that
module says later must not change what an older study becomes on its way.
"""

import sqlite3
import struct
from collections.abc import Iterator
from hashlib import sha256
from itertools import groupby
from typing import Any

from alembic import op

from prism_desktop.engine.study.database import driver_of

revision = "0004"
down_revision = "0003"

_CHUNK = 20_000  # rows that exist as the driver's tuples at one time
_TRIALS = """SELECT t.id, t.uid, p.code, s.uid, t.kind, l.sha256, r.sha256, t.skip_reason, c.uid,
e.uid, t.source, i.uid, t.place, t.onset, t.seconds, t.skipped,
CASE (SELECT event FROM trial_event AS v WHERE v.trial_id = t.id ORDER BY v.id LIMIT 1)
WHEN 'withdrawn' THEN 0 WHEN 'restored' THEN 1 ELSE t.withdrawn END,
t.probability, t.recorded, t.dropped_frames
FROM trial AS t LEFT JOIN labeler AS p ON p.id = t.labeler_id
LEFT JOIN session AS s ON s.id = t.session_id LEFT JOIN stimulus AS l ON l.id = t.left_id
LEFT JOIN stimulus AS r ON r.id = t.right_id LEFT JOIN trial AS c ON c.id = t.supersedes_id
LEFT JOIN trial AS e ON e.id = t.repeat_of_id LEFT JOIN import AS i ON i.id = t.import_id
ORDER BY t.id"""
_ANSWERS = """SELECT a.trial_id, n.name, a.value, a.raw FROM answer AS a
LEFT JOIN attribute AS n ON n.id = a.attribute_id ORDER BY a.trial_id"""
_EVENTS = """SELECT v.id, t.uid, v.event, v.at FROM trial_event AS v
LEFT JOIN trial AS t ON t.id = v.trial_id"""


def upgrade() -> None:
    """Trials of before get the checksum of what they say now."""
    driver = driver_of(op.get_bind())
    for table in ("trial", "trial_event"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN checksum BLOB")
    _fill_trials(driver)
    rows = [(_made(_event, *row), key) for key, *row in driver.execute(_EVENTS).fetchall()]
    driver.executemany("UPDATE trial_event SET checksum = ? WHERE id = ?", rows)
    refuse = "BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END"
    imported = "(SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL"
    # The steps of imported ratings may be put right later.
    op.execute(
        "CREATE TRIGGER trial_checksum_fixed BEFORE UPDATE OF checksum ON trial "
        f"WHEN OLD.import_id IS NULL {refuse}"
    )
    op.execute(f"CREATE TRIGGER trial_event_fixed BEFORE UPDATE ON trial_event {refuse}")
    op.execute(
        f"CREATE TRIGGER trial_event_kept BEFORE DELETE ON trial_event WHEN {imported} {refuse}"
    )


def _fill_trials(driver: sqlite3.Connection) -> None:
    answers = groupby(_fetched(driver.execute(_ANSWERS)), key=lambda row: row[0])
    trial, given = next(answers, (None, ()))
    pending = []
    for key, *row in _fetched(driver.execute(_TRIALS)):
        own: list[tuple[Any, ...]] = []
        while trial is not None and trial <= key:
            if trial == key:
                own = [answer[1:] for answer in given]
            trial, given = next(answers, (None, ()))
        pending.append((_made(_trial, row, own), key))
        if len(pending) == _CHUNK:
            driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)
            pending.clear()
    driver.executemany("UPDATE trial SET checksum = ? WHERE id = ?", pending)


def _trial(row: list[Any], answers: list[tuple[Any, ...]]) -> bytes:
    """Texts, then numbers, then the answers; -1 and -1e301 stand for none."""
    texts = row[:11]
    place, onset, seconds, skipped, withdrawn, probability, recorded, dropped = row[11:]
    numbers = (place, _or(onset), _or(seconds), skipped, withdrawn, _or(probability), recorded)
    content = "\0".join("\1" if each is None else each for each in texts).encode()
    content += struct.pack("<8d", *numbers, _or(dropped))
    for attribute, value, raw in answers if len(answers) == 1 else sorted(answers):
        content += attribute.encode() + struct.pack("<2d", value, -1e301 if raw is None else raw)
    return content


def _event(trial: str, event: str, at: float) -> bytes:
    return f"{trial}\0{event}".encode() + struct.pack("<d", at)


def _or(number: float | None) -> float:
    return -1.0 if number is None else number


def _made(content: Any, *of: object) -> bytes | None:
    """The checksum of what a function makes of a row; None of a row that holds what cannot be."""
    try:
        return sha256(content(*of)).digest()[:8]
    except (struct.error, TypeError, AttributeError, ValueError, OverflowError):
        return None


def _fetched(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows
