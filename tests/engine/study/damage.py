"""Damage done to a study's database behind the store's back."""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from prism_desktop.engine.study.store import Study


def altered(study: Study, *statements: str) -> Path:
    """Close a study and run SQL in its database, with its guards put aside meanwhile."""
    study.close()
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as connection:
        with unguarded(connection):
            for statement in statements:
                connection.execute(statement)
        connection.commit()
    return study.path


@contextmanager
def unguarded(connection: sqlite3.Connection) -> Iterator[None]:
    """Without triggers and references."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    triggers = connection.execute(query).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.execute(sql)


def flipped(value: object, bit: int) -> object:
    """A value with one bit of it turned over, as a disk might keep it; None has none."""
    if isinstance(value, int):
        whole = struct.unpack("<Q", struct.pack("<q", value))[0] ^ (1 << bit % 64)
        return struct.unpack("<q", struct.pack("<Q", whole))[0]
    if isinstance(value, float):
        (whole,) = struct.unpack("<Q", struct.pack("<d", value))
        return struct.unpack("<d", struct.pack("<Q", whole ^ (1 << bit % 64)))[0]
    content = bytearray(value.encode() if isinstance(value, str) else bytes(value))  # type: ignore[arg-type]
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(content)
