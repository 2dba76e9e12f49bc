"""A change that was cut off while SQLite kept the old pages in a journal of its own.

Studies keep a log (WAL), which needs no care. But while an older study, or a backup that was put in
the place of the database, is brought up to date, the database has a journal, and one that is left
by a kill must be rolled back by somebody who may write.
"""

from contextlib import closing
from pathlib import Path

from prism_desktop.engine.errors import CorruptStudyError
from prism_desktop.engine.files import connect
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.study.database import explained

_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")  # how a journal ends that does


def is_hot(file: Path) -> bool:
    """Whether a change of a database was cut off, and not yet undone."""
    try:
        return _journal(file).stat().st_size > 0
    except OSError:
        return False


def roll_back(file: Path) -> None:
    """Undo a change that was cut off; nothing happens where none was, or while it goes on.

    Raises:
        CorruptStudyError: the journal is not of this program: it names a file elsewhere, which
            SQLite would delete.
        StudyError: the database is in use, or cannot be written.
    """
    if not is_hot(file):
        return
    with open_foreign(_journal(file)) as journal:
        journal.seek(max(0, _journal(file).stat().st_size - len(_NAMES_ANOTHER)))
        if journal.read() == _NAMES_ANOTHER:
            raise CorruptStudyError(
                f"{_journal(file)} was not written by this program, because it names another "
                "file. Nothing was changed; move it away and open the study again."
            )
    with explained(file), closing(connect(file, "rw")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master")  # the first look undoes it


def _journal(file: Path) -> Path:
    return file.with_name(file.name + "-journal")
