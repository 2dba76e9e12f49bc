"""The first hundred bytes of a study's database, made anew where damage to them hides the rest.

They say how the pages behind them are to be read. All of it is known: this program writes every
database alike, and the version of its schema stands in a table, too.
"""

import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from prism_desktop.engine import files
from prism_desktop.engine.foreign_files import open_foreign, read_foreign
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.database import connect, harden

SIZE: Final = 100
_LARGEST: Final = 1 << 30  # bytes of a database that are read into the memory
_SIZES: Final = tuple(512 << step for step in range(8))  # of pages
_USUAL: Final = 4096
_TABLES: Final = {"alembic_version", "stimulus", "labeler", "trial", "answer"}
_MAGIC: Final = b"SQLite format 3\0"
# SQLite's fields, see https://www.sqlite.org/fileformat.html#the_database_header
_FIELDS: Final = ">16sH2s4s12I20s2I"
_SHARES: Final = bytes((0, 64, 32, 32))  # reserved bytes of a page, and how full it may be
_JOURNALS: Final = (b"\2\2", b"\1\1")  # the log of an open study, or a journal


def mended(file: Path) -> bytes | None:
    """The header as it should be; None if it is, or if nothing can be made of the rest.

    A newer version's database, what is no study's or cannot be read, is left alone.
    """
    try:
        if _is_sound(file):
            return None
        content = read_foreign(file, _LARGEST)
    except OSError:
        return None
    found = _sound(content)
    return None if found is None or content.startswith(found) else found


def replace(file: Path, header: bytes) -> None:
    """Write the header; nothing else in the file is changed.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    files.write_bytes(file, header + read_foreign(file, _LARGEST)[SIZE:])


def _is_sound(file: Path) -> bool:
    """Whether the header is one that this program writes and reads every page by, looked at where
    the file lies: only what is damaged is worth the memory."""
    with open_foreign(file, _LARGEST) as opened:
        start = opened.read(SIZE)
        length = opened.seek(0, os.SEEK_END)
    parts = slice(60), slice(64, SIZE)  # before and after the version
    known = _headers(start, length)
    if not any(all(start[part] == made[part] for part in parts) for made in known):
        return False
    try:
        with closing(connect(file, immutable=True)) as connection:
            version, sound = _read_through(connection)
    except sqlite3.Error:
        return False
    return sound and start[60:64] == struct.pack(">I", version)


def _sound(content: bytes) -> bytes | None:
    """The header with which the pages can be read, if possible all of them."""
    readable = None
    for header in _headers(content[:SIZE], len(content)):
        version, sound = _look(header[:18] + _JOURNALS[1] + header[20:] + content[SIZE:])
        if not 1 <= version <= schema.SCHEMA_VERSION:
            continue
        made = header[:60] + struct.pack(">I", version) + header[64:]
        if sound:
            return made
        readable = readable or made
    return readable


def _headers(start: bytes, length: int) -> Iterator[bytes]:
    """What the header may have been, the likeliest first; what can be true is kept."""
    (
        _, told, journal, _, changes, _, trunk, free, cookie, _, cache, *_, library
    ) = struct.unpack_from(_FIELDS, start.ljust(SIZE, b"\0"))  # fmt: skip
    journal = journal if journal in _JOURNALS else _JOURNALS[0]
    told = 65536 if told == 1 else told
    for size in dict.fromkeys([*(size for size in _SIZES if size == told), _USUAL, *_SIZES]):
        pages, rest = divmod(length, size)
        if rest or not pages:
            continue
        kept = (trunk, free) if max(trunk, free) <= pages else (0, 0)
        for freelist in dict.fromkeys([kept, (0, 0)]):
            yield struct.pack(
                _FIELDS, _MAGIC, 1 if size == 65536 else size, journal, _SHARES, changes, pages,
                *freelist, cookie, 4, cache, 0, 1, 0, 0, schema.APPLICATION_ID, bytes(20), changes,
                library,
            )  # fmt: skip


def _look(content: bytes) -> tuple[int, bool]:
    """As `_read_through`, of a database in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        try:
            opened.deserialize(content)
            harden(opened)
        except sqlite3.Error:
            return 0, False
        return _read_through(opened)


def _read_through(opened: sqlite3.Connection) -> tuple[int, bool]:
    """The version of a study's schema, 0 for what is none, and whether every page is sound."""
    try:
        rows = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not {row[0] for row in rows} >= _TABLES:
            return 0, False
        version = int(opened.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        verdict = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.Error, UnicodeError, TypeError, ValueError):
        return 0, False
    return version, verdict == "ok"
