"""Verified copies of a study's database in `backups/`,
made through SQLite while the study is in use."""

import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.clocks import is_ahead
from prism_desktop.engine.errors import (
    CorruptStudyError,
    DiskFullError,
    PrismError,
    StudyError,
)
from prism_desktop.engine.files import make_folder, move, remove, sync
from prism_desktop.engine.hearing import check_wanted
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.backup_files import (
    USUAL,
    BackupRecord,
    backups,
    made_at,
    stamped,
    thinned,
)
from prism_desktop.engine.study.database import connect, explained, interruptible
from prism_desktop.engine.study.expected_schema import described as differing
from prism_desktop.engine.study.expected_schema import differences
from prism_desktop.engine.study.queries import COUNTED, CURRENT

EVERY = 1800.0  # s between two backups of a study that changes
_PAGES = 4_000  # of a database that are copied at a time
_STEPS: Final = 100_000  # of SQLite's machine between two looks
_LOOKS: Final = 500  # after which a look into a backup is given up; it takes one
_WAIT: Final = 0.05  # s between two looks whether another backup is done
_COUNT: Final = "SELECT count(*) FROM trial"
# trials had no flags at first
_ANSWERED: Final = (f"t.skipped = 0 AND {COUNTED}", f"t.skipped = 0 AND {CURRENT}")
_one = threading.Lock()  # held while a backup is made or thinned; several threads make them


def back_up(
    file: Path,
    *,
    before: str = "",
    tell: Callable[[float], None] = lambda _: None,
    spared: Path | None = None,
) -> Path:
    """Copy a study's database, check the copy and only then give it its name.

    Old copies are pruned. Of several threads one after the other makes its copy.

    Args:
        file: the database, which others may be writing to meanwhile.
        before: what is about to happen, one of `backup_files.BEFORE`, for an upgrade with the
            version that the database is brought to; empty where nothing is.
        tell: is told which share of it is copied.
        spared: a copy that stays, however old it is.

    Raises:
        DiskFullError, StudyError: the copy could not be written; older copies are untouched.
        CorruptStudyError: the copy is damaged, so the original is.
    """
    with _alone():
        made = _made(file, before or USUAL, tell)
        _prune(made.parent, spared)
    return made


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for the backup that another thread makes, as long as anybody waits for this one."""
    while not _one.acquire(timeout=_WAIT):
        check_wanted()
    try:
        yield
    finally:
        _one.release()


def _made(file: Path, prefix: str, tell: Callable[[float], None]) -> Path:
    folder = file.parent / "backups"
    part = folder / f".{prefix}-{os.getpid()}.part"
    try:
        make_folder(folder)
        remove(part)
        with explained(file):
            _copy(file, part, tell)
            _verify(part, file)
        target = folder / f"{stamped(folder, f'{prefix}-')}.sqlite3"
        sync(part)
        move(part, target)
    except (OSError, DiskFullError) as error:
        if isinstance(error, DiskFullError) or error.errno == 28:  # ENOSPC
            raise DiskFullError(
                f"The disk of {folder} is full, so no backup was made. Older ones were kept."
            ) from error
        raise StudyError(
            f"No backup could be written to {folder} ({error.strerror}). Older ones were kept. "
            "Make that folder writable and try again."
        ) from error
    finally:
        with suppress(OSError):
            remove(part)
    return target


def is_due(file: Path) -> bool:
    """Whether the newest backup (or the study itself) is half an hour old, or from a clock that
    was ahead, and the study has changed since.

    So it is where the backups cannot be looked at: `back_up` says why.
    """
    now = time.time()
    try:
        copies = backups(file.parent)
        since = made_at(copies[0]) if copies else (_fact(file, "created") or 0.0)
    except OSError:
        return True
    if now - since < EVERY and not is_ahead(since, now):
        return False
    return has_changed(file)


def has_changed(file: Path) -> bool:
    """Whether the study says something else than its newest backup, or has none."""
    try:
        copies = backups(file.parent)
    except OSError:
        return True
    revision = _fact(file, "revision")
    return not copies or revision is None or _fact(copies[0], "revision") != revision


def back_up_before(file: Path, before: str) -> None:
    """A backup before a step that changes much, where answers would be lost that no backup has.

    The step itself is one transaction, so a failure is only noted, by its exception.

    Raises:
        StudyError: as `back_up`.
    """
    if _trials(file) and has_changed(file):
        back_up(file, before=before)


def described(study: Path) -> tuple[BackupRecord, ...]:
    """The study's backups with what they hold, newest first."""
    found = []
    for copy in backups(study):
        with suppress(OSError):  # it was thinned meanwhile
            status = copy.stat()
            found.append(BackupRecord(copy, made_at(copy), status.st_size, _answered(copy)))
    return tuple(found)


def verify(copy: Path) -> None:
    """Make sure that a backup is a whole study.

    Raises:
        CorruptStudyError: it is not.
    """
    with explained(copy), closing(connect(copy)) as connection, interruptible(connection):
        # first, because what is foreign would run with the check
        odd = differences(connection, _version(connection))
        verdict = differing(odd) if odd else _verdict(connection)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    if verdict != "ok" or application != schema.APPLICATION_ID:
        raise CorruptStudyError(f"The backup {copy} is damaged ({verdict}). Nothing was changed.")


def _trials(file: Path) -> int | None:
    found = _value(file, _COUNT)
    return found if isinstance(found, int) else None


def _answered(file: Path) -> int | None:
    """Answered trials, as analyses count them; as far as an older version can tell."""
    counts = (_value(file, f"{_COUNT} AS t WHERE {which}") for which in _ANSWERED)
    return next((found for found in counts if isinstance(found, int)), None)


def _fact(file: Path, key: str) -> float | None:
    try:
        return float(_value(file, "SELECT value FROM meta WHERE key = ?", key))
    except (TypeError, ValueError):
        return None


def _value(file: Path, query: str, *parameters: str) -> Any:
    """What a quick query finds in a study or a backup that may come from anywhere; None where
    that cannot be told."""
    looks = itertools.count()
    try:
        with closing(connect(file)) as connection:
            connection.set_progress_handler(lambda: next(looks) >= _LOOKS, _STEPS)
            version = _version(connection)
            if not 1 <= version <= schema.SCHEMA_VERSION or differences(connection, version):
                return None
            row = connection.execute(query, parameters).fetchone()
            return None if row is None else row[0]
    except (sqlite3.Error, OSError, UnicodeError, PrismError):
        return None


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _copy(file: Path, target: Path, tell: Callable[[float], None]) -> None:
    def hear(_status: int, left: int, pages: int) -> None:
        check_wanted()
        tell(1 - left / max(1, pages))

    with (
        closing(connect(file)) as source,
        closing(connect(target, "rwc")) as copy,
    ):
        # Within one snapshot: else every answer given meanwhile would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES, progress=hear, sleep=0.01)
        source.execute("ROLLBACK")
        # One file that stands alone, without a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _verify(copy: Path, file: Path) -> None:
    with closing(connect(copy)) as connection, interruptible(connection):
        verdict = _verdict(connection)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    if verdict != "ok" or application != schema.APPLICATION_ID:
        raise CorruptStudyError(
            f"The database of {file.parent} is damaged ({verdict}), so no backup was made of it; "
            "older ones were kept."
        )


def _verdict(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])


def _prune(folder: Path, spared: Path | None) -> None:
    copies = backups(folder.parent)
    for copy in thinned(copies, time.time()):
        if copy != spared:
            remove(copy)
