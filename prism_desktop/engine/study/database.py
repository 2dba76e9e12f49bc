"""Connections to a study's database: each lives in a thread
of its own, and SQLite's errors become sentences."""

import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from prism_desktop.engine import files, hearing
from prism_desktop.engine.errors import (
    CorruptStudyError,
    DiskFullError,
    ReadOnlyStudyError,
    StudyDiskError,
    StudyError,
    StudyGoneError,
    StudyLockedError,
)
from prism_desktop.engine.study.backup_files import backups
from prism_desktop.engine.study.confirmed import quoted

T = TypeVar("T")
BUSY_SECONDS = 10.0
_BESIDE = 1 << 16  # bytes
_STEPS: Final = 100_000  # of SQLite's machine between two looks, some milliseconds
_LOOK: Final = 0.05  # s between two looks whether anybody waits still
_LONGEST: Final = 256 << 20  # bytes of one text; the longest report of an import has a tenth of it
_NO_TEXT: Final = "Could not decode to UTF-8"  # how the driver's error begins


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
        self._running: object = None  # what the thread does
        self._changing = threading.Lock()  # that
        self._identity = _identity(file)
        self._log: tuple[int, int] | None = None
        try:
            with explained(file):
                self._connection = self._submit(
                    lambda: _connect(file, writable=writable, immutable=immutable)
                ).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def write(self, function: Callable[[Connection], T]) -> T:
        """Run `function` in a transaction that is on the disk
        when this returns, or did not happen at all.

        Raises:
            StudyGoneError: the database is not where it was opened.
        """

        def transaction() -> T:
            self._refuse_gone()
            with self._connection.begin():
                done = function(self._connection)
            self._refuse_gone()  # else it was written to a file that has lost its name
            return done

        return self._run(transaction)

    def read(self, function: Callable[[Connection], T], *, replaced: bool = False) -> T:
        """Run `function` in one consistent snapshot of everything that was written before.

        What is still open of a study that was deleted or moved can be looked at.

        Raises:
            StudyGoneError: another database has the name of this one, and the images, runs and
                embeddings beside it are not this one's; with `replaced`, that does not matter.
        """

        def snapshot() -> T:
            here = _identity(self._file)
            if not replaced and here is not None and here != self._identity:
                raise StudyGoneError(
                    f"The study {self._file.parent} was replaced by another while it was open. "
                    "Open it again to go on."
                )
            with self._connection.begin():
                return function(self._connection)

        def lenient() -> T:
            """Texts are decoded by SQLite's driver, the quick way, until one of them is damaged."""
            try:
                return snapshot()
            except (OperationalError, sqlite3.OperationalError) as error:
                if _NO_TEXT not in str(error):
                    raise
            driver_of(self._connection).text_factory = decoded
            return snapshot()

        return self._run(lenient)

    def close(self) -> None:
        """Close the connection and end its thread; again is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            self._submit(lambda: _disconnect(self._connection)).result()
        finally:
            self._thread.shutdown()

    def _refuse_gone(self) -> None:
        """Raises: StudyGoneError: other files, or none, have the names of those that are open."""
        log = self._file.with_name(self._file.name + "-wal")
        here, logged = _identity(self._file), _identity(log)
        if self._log is None:  # made with the first transaction
            self._log = logged
        if here is None or here != self._identity or logged != self._log:
            raise StudyGoneError(
                f"The study {self._file.parent} is no longer where it was opened: it was deleted, "
                "moved, replaced or unmounted, so this step was not stored in it."
            )

    def _run(self, function: Callable[[], T]) -> T:
        if self._closed:
            raise StudyError(f"The study {self._file.parent} was closed; open it again.")
        task, unwanted = object(), hearing.order()
        with explained(self._file):
            future = self._submit(lambda: self._perform(function, task, unwanted))
            try:
                while unwanted is not None and not wait([future], _LOOK).done:
                    if unwanted.is_set():
                        self._interrupt(task)
                return future.result()
            finally:  # whoever waits may be interrupted
                while not future.done():
                    self._interrupt(task)
                    wait([future], _LOOK)

    def _perform(
        self, function: Callable[[], T], task: object, unwanted: threading.Event | None
    ) -> T:
        """Do a task, which may be interrupted meanwhile and only then."""
        with self._changing:
            self._running = task
        before = hearing.follow(unwanted)
        try:
            return function()
        finally:
            hearing.follow(before)
            with self._changing:
                self._running = None

    def _interrupt(self, task: object) -> None:
        """End what a task asks of SQLite, if it is at work: what it wrote is undone."""
        with self._changing:
            if self._running is task:
                driver_of(self._connection).interrupt()

    def _submit(self, function: Callable[[], T]) -> "Future[T]":
        return self._thread.submit(function)


def _connect(file: Path, *, writable: bool, immutable: bool) -> Connection:
    """SQLAlchemy's only connection over one of SQLite's, which
    is closed again if a pragma shows that the file is no database."""
    connection = connect(file, "rw" if writable else "ro", immutable=immutable)
    try:
        if writable:
            connection.text_factory = decoded
        connection.execute("PRAGMA foreign_keys = ON")
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        return _engine(connection, writable=writable).connect()
    except BaseException:
        connection.close()
        raise


def connect(
    file: Path, mode: Literal["ro", "rw", "rwc"] = "ro", *, immutable: bool = False
) -> sqlite3.Connection:
    """SQLite's connection to a file that may come from anywhere: every one is made here.

    Nothing of the file's schema may call functions with side effects, cells are checked as they are
    read, the schema cannot be written as a table, and no text may fill the memory. Transactions are
    begun and ended by the caller.
    """
    connection = files.connect(
        file, mode, immutable=immutable, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        harden(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def harden(connection: sqlite3.Connection) -> None:
    """Distrust what the file holds."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA, False)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA temp_store = MEMORY")


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file has this name now; None for none."""
    try:
        status = os.stat(file, follow_symlinks=False)  # noqa: PTH116, with every answer
    except OSError:
        return None
    return status.st_dev, status.st_ino


def decoded(content: bytes) -> str:
    """A text with every damaged byte shown as one that is."""
    return content.decode("utf-8", "replace")


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
def interruptible(connection: sqlite3.Connection) -> Iterator[None]:
    """Inside the block a long query ends if nobody waits for the work in this thread any more.

    Raises:
        UnwantedError: it did.
    """
    unwanted = hearing.order()
    if unwanted is not None:
        connection.set_progress_handler(unwanted.is_set, _STEPS)
    try:
        yield
    except sqlite3.OperationalError:
        hearing.check_wanted()
        raise
    finally:
        connection.set_progress_handler(None, 0)


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
    except UnicodeDecodeError as error:  # SQLite names what is damaged, in bytes that are no text
        study = file.parent
        raise CorruptStudyError(f"The database of {study} is damaged. {rescue(study)}") from error


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
    damaged = name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_TOOBIG"))
    if damaged or "unsupported file format" in str(error):  # which has no name of its own
        return CorruptStudyError(f"The database of {study} is damaged. {rescue(study)}")
    if name.startswith("SQLITE_BUSY"):
        return StudyLockedError(
            f"Another program holds the database of {study}. {kept} Close it and try again."
        )
    if name.startswith("SQLITE_IOERR"):
        if not _has_room(study):  # SQLite tells only some of its calls so
            return DiskFullError(f"The disk of {study} is full. {kept} Make room and try again.")
        what = "failed to read" if "READ" in name else "could not be read or written for"
        return StudyDiskError(
            f"The disk {what} the study {study} ({name}). {kept} Try again; if it happens again, "
            "check the disk and copy the study to another."
        )
    if name.startswith("SQLITE_NOMEM"):
        return StudyDiskError(
            f"There was not enough memory to work with the study {study}. {kept} Close other "
            "programs and try again."
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
    return (
        f"It was left as it is. `prism-desktop study check --repair {quoted(str(study))}` mends "
        f"what can be mended; {newest_backup(study)}."
    )


def newest_backup(study: Path) -> str:
    """How to go back to it, without a full stop."""
    copies = backups(study)
    if not copies:
        return "there is no backup of it"
    return (
        f"the newest backup is {copies[0]}: to go back to it, move study.sqlite3* away and copy "
        "the backup to study.sqlite3"
    )
