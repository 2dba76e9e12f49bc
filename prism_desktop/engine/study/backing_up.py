"""A backup of a study that may be open elsewhere: who only reads needs no lock."""

from collections.abc import Generator, Iterator
from pathlib import Path

from prism_desktop.engine import access
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.hearing import responsive
from prism_desktop.engine.paths import typed
from prism_desktop.engine.study import opening
from prism_desktop.engine.study.backup import back_up


def backing_up(study: Path) -> Iterator[Event[Path]]:
    """Write a verified copy of a study's database to its backups, beside whoever writes to it.

    The copy is of one moment, so that answers go on being stored meanwhile.

    Args: study: its folder.

    Yields:
        Progress, then Done with the copy; closing the generator leaves the backups as they were.

    Raises:
        StudyError: there is no study, an older version wrote it, or no copy could be written.
        CorruptStudyError: the database is damaged.
    """
    file = real(typed(study)) / opening.FILE
    access.refuse_held_back(file)
    opening.refuse_network_share(file.parent)
    opening.open_reader(file).close()  # says what cannot be read, and why
    return responsive(_copied(file), "Backing up")


def _copied(file: Path) -> Generator[Event[Path], None, None]:
    yield Progress(0, None, "Backing up")
    yield Done(back_up(file))
