"""Connections to a study's database: each lives in a thread
of its own, and SQLite's errors become sentences."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from prism_desktop.engine.errors import (
    CorruptStudyError,
    DiskFullError,
    ReadOnlyStudyError,
    StudyDiskError,
    StudyError,
    StudyLockedError,
)
from prism_desktop.engine.files import connect

T = TypeVar("T")
BUSY_SECONDS = 10.0
_BESIDE = 1 << 16  # bytes


class Database:
    """One connection in one thread. Functions are handed in and run there, one after the other.

    The thread exists so that callers in any thread may share the connection, which must never cross
    a thread.
    """

    def __init__(self, file: Path, *, writable: bool, immutable: bool = False) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="study-writer" if writable else "study-reader"
        )
        self._closed = False
        try:
            self._connection = self._run(
                lambda: _connect(file, writable=writable, immutable=immutable)
            )
        except BaseException:
            self._thread.shutdown()
            raise

    def write(self, function: Callable[[Connection], T]) -> T:
        """Run `function` in a transaction that is on the disk
        when this returns, or did not happen at all."""

        def transaction() -> T:
            with self._connection.begin():
                return function(self._connection)

        return self._run(transaction)

    def read(self, function: Callable[[Connection], T]) -> T:
        """Run `function`, which sees everything that was
        written before, in one consistent snapshot."""

        def snapshot() -> T:
            with self._connection.begin():
                return function(self._connection)

        return self._run(snapshot)

    def close(self) -> None:
        """Close the connection and end its thread; again is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            self._submit(lambda: _disconnect(self._connection)).result()
        finally:
            self._thread.shutdown()

    def _run(self, function: Callable[[], T]) -> T:
        if self._closed:
            raise StudyError(f"The study {self._file.parent} was closed; open it again.")
        with explained(self._file):
            return self._submit(function).result()

    def _submit(self, function: Callable[[], T]) -> "Future[T]":
        return self._thread.submit(function)


def _connect(file: Path, *, writable: bool, immutable: bool) -> Connection:
    """SQLAlchemy's only connection over one of SQLite's, which
    is closed again if a pragma shows that the file is no database."""
    connection = connect(
        file,
        "rw" if writable else "ro",
        immutable=immutable,
        timeout=BUSY_SECONDS,
        isolation_level=None,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        return _engine(connection, writable=writable).connect()
    except BaseException:
        connection.close()
        raise


def _disconnect(connection: Connection) -> None:
    try:
        connection.close()
    finally:
        connection.engine.dispose()


def _engine(opened: sqlite3.Connection, *, writable: bool) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A read-then-write transaction that starts as a reader can fail at its first write; this
        # one cannot.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for many rows: SQLAlchemy's own cost as much again as the rows."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into `StudyError`s that say what was kept."""
    try:
        yield
    except DBAPIError as error:
        sentence = _explanation(error.orig, file.parent)
        if sentence is None:
            raise
        raise sentence from error
    except sqlite3.Error as error:
        sentence = _explanation(error, file.parent)
        if sentence is None:
            raise
        raise sentence from error


def _explanation(error: Any, study: Path) -> StudyError | None:
    """The sentence for an error of SQLite, by the beginning of its extended name.

    None for an error that only a mistake in this program can cause; that one is raised as it is.
    """
    name = getattr(error, "sqlite_errorname", None) or ""
    kept = "Nothing of this step was saved; everything before it was kept."
    if name == "SQLITE_FULL":
        return DiskFullError(f"The disk of {study} is full. {kept} Make room and try again.")
    if name.startswith("SQLITE_READONLY"):
        return ReadOnlyStudyError(f"The study {study} cannot be written. {kept}")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return CorruptStudyError(f"The database of {study} is damaged. {rescue(study)}")
    if name.startswith("SQLITE_BUSY"):
        return StudyLockedError(
            f"Another program holds the database of {study}. {kept} Close it and try again."
        )
    if name.startswith("SQLITE_IOERR"):
        if not _has_room(study):  # SQLite tells only some of its calls so
            return DiskFullError(f"The disk of {study} is full. {kept} Make room and try again.")
        return StudyDiskError(
            f"The disk of {study} could not be read or written ({name}). {kept} Try again; if it "
            "happens again, check the disk and copy the study to another."
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return StudyDiskError(
            f"The database of {study} cannot be opened. Check that the folder can be read and "
            "written."
        )
    return None


def _has_room(study: Path) -> bool:
    """Whether a disk has room for what SQLite keeps beside a database."""
    try:
        return shutil.disk_usage(study).free >= _BESIDE
    except OSError:
        return True


def rescue(study: Path) -> str:
    """What to do about a damaged database."""
    copies = sorted(
        (copy for copy in (study / "backups").glob("*.sqlite3") if copy.is_file()),
        key=lambda copy: copy.stat().st_mtime,
    )
    if not copies:
        return "It was left as it is, and there is no backup of it."
    return (
        f"It was left as it is. The newest backup is {copies[-1]}; to go back to it, move "
        "study.sqlite3* away and copy the backup to study.sqlite3."
    )
