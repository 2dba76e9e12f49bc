"""Verified copies of a study's database in `backups/`,
made through SQLite while the study is in use."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from prism_desktop.engine.clocks import is_ahead
from prism_desktop.engine.errors import CorruptStudyError, DiskFullError, StudyError
from prism_desktop.engine.files import make_folder, move, remove, sync
from prism_desktop.engine.hearing import check_wanted
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.backup_files import BEFORE_MIGRATION, backups, stamped
from prism_desktop.engine.study.database import connect, explained, interruptible

KEEP = 10
KEEP_BEFORE_MIGRATION = 3
DAY = 86_400.0
_log = logging.getLogger(__name__)
_PAGES = 4_000  # of a database that are copied at a time


def back_up(
    file: Path,
    *,
    before_schema: int | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> Path:
    """Copy a study's database, check the copy and only then give it its name.

    Old copies are pruned.

    Args:
        file: the database, which others may be writing to meanwhile.
        before_schema: the schema version that the database is about to be brought to.
        tell: is told which share of it is copied.

    Raises:
        DiskFullError, StudyError: the copy could not be written; older copies are untouched.
        CorruptStudyError: the copy is damaged, so the original is.
    """
    folder = file.parent / "backups"
    prefix = "study" if before_schema is None else f"{BEFORE_MIGRATION}-{before_schema}"
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
            f"No backup could be written to {folder} ({error.strerror}). Older ones were kept."
        ) from error
    finally:
        with suppress(OSError):
            remove(part)
    _prune(folder)
    return target


def back_up_by_itself(file: Path) -> Path:
    """As `back_up`, where nobody waits for it: a failure is logged, too."""
    try:
        return back_up(file)
    except Exception as error:
        _log.warning("The automatic backup failed, and the study is open all the same: %s", error)
        raise


def is_due(file: Path) -> bool:
    """Whether the newest backup (or the study itself) is more than a day old, or from a clock that
    was ahead, and the study has changed since.

    So it is where the backups cannot be looked at: `back_up` says why.
    """
    now = time.time()
    try:
        copies = backups(file.parent)
        since = copies[0].stat().st_mtime if copies else _fact(file, "created")
    except OSError:
        return True
    if now - since < DAY and not is_ahead(since, now):
        return False
    return not copies or _fact(copies[0], "revision") != _fact(file, "revision")


def _copy(file: Path, target: Path, tell: Callable[[float], None]) -> None:
    def hear(_status: int, left: int, pages: int) -> None:
        check_wanted()
        tell(1 - left / max(1, pages))

    with (
        closing(connect(file)) as source,
        closing(connect(target, "rwc")) as copy,
    ):
        source.backup(copy, pages=_PAGES, progress=hear, sleep=0.01)
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


def _fact(file: Path, key: str) -> float:
    try:
        with closing(connect(file)) as connection:
            return float(
                connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
            )
    except (sqlite3.Error, TypeError, ValueError):
        return -1


def _prune(folder: Path) -> None:
    copies = backups(folder.parent)
    milestones = [copy for copy in copies if copy.name.startswith(BEFORE_MIGRATION)]
    daily = [copy for copy in copies if not copy.name.startswith(BEFORE_MIGRATION)]
    for copy in daily[KEEP:] + milestones[KEEP_BEFORE_MIGRATION:]:
        remove(copy)
