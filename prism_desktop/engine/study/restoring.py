"""Going back to a backup: a study's database takes one's place, after a backup of itself."""

from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine import access, files
from prism_desktop.engine.errors import CorruptStudyError, InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study import backup, opening
from prism_desktop.engine.study.backup_files import backups
from prism_desktop.engine.study.repair import fold_in_log, kept_bytes
from prism_desktop.engine.study.writer_lock import WriterLock


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was done.

    Attributes:
        restored: the backup that the study holds now.
        kept: a copy of what it held before; None if its database was gone.
    """

    restored: Path
    kept: Path | None

    def summary(self) -> str:
        """A sentence or two."""
        before = (
            f"What it was before is kept as {self.kept.name} among the backups."
            if self.kept is not None
            else "There was no database, so nothing else had to be kept."
        )
        return f"The study is as it was in the backup {self.restored.name}. {before}"


def restore(study: Path, name: str) -> RestoreReport:
    """Put a backup in place of a study's database; the study may not be open.

    Images, runs and other files stay as they are. A backup of an older version is brought up to
    date when the study is opened next.

    Args:
        study: the study's folder.
        name: of a file among its backups.

    Raises:
        InputError: there is no such backup.
        CorruptStudyError: the backup is damaged; nothing was changed.
        StudyLockedError, ReadOnlyStudyError: the study is open elsewhere, or cannot be written.
    """
    study = real(typed(study))
    file = study / opening.FILE
    access.refuse_held_back(file)
    copy = _found(study, name)
    opening.refuse_network_share(study)
    lock = WriterLock(study)
    part = file.with_name(opening.PART)
    try:
        backup.verify(copy)
        opening.identify(copy)
        kept = _keep(file, copy)
        files.copy(copy, part)
        for ending in ("-wal", "-shm", "-journal"):  # what belongs to the database that goes
            files.remove(file.with_name(file.name + ending))
        files.move(part, file)
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename or copy} was removed meanwhile, so the study was left as it was. "
            "Choose a backup again."
        ) from error
    except OSError as error:
        raise_fault(error, file, kept="The study was left as it was.")
        raise
    finally:
        files.remove(part)
        lock.release()
    return RestoreReport(copy, kept)


def _found(study: Path, name: str) -> Path:
    copies = backups(study)
    found = next((copy for copy in copies if copy.name == name), None)
    if found is None:
        there = few([copy.name for copy in copies], 5) or "none yet"
        raise InputError(
            f"There is no backup {name!r} in {study / 'backups'}, which has {there}. Nothing was "
            "changed."
        )
    return found


def _keep(file: Path, chosen: Path) -> Path | None:
    """A backup of the database as it is; of a damaged one, its bytes. The chosen one stays."""
    if not file.exists():
        return None
    opening.refuse_special(file)
    try:
        kept = backup.back_up(file, before="before-restore", spared=chosen)
        fold_in_log(file)  # refuses while others read
    except CorruptStudyError:
        return kept_bytes(file)
    return kept
