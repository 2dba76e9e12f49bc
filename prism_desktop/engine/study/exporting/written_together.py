"""Files of an export that get their names together, once all of them are whole, or not at all."""

import errno
import re
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import DiskFullError, InputError, UnsafeFileError
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.files import make_folder, move, refuse_own, remove_tree
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.hearing import responsive
from prism_desktop.engine.paths import typed

_PART: Final = re.compile(r"\.export-[0-9a-f]{8}", re.ASCII)
_ABANDONED: Final = 3600.0  # s after which no export can be at work
Fill = Callable[[Path], Generator[Event[tuple[Path, ...]], None, None]]


def written_together(
    folder: Path | str, fill: Fill, what: str
) -> Iterator[Event[tuple[Path, ...]]]:
    """Let `fill` write files into a folder of their own, and move them into `folder` at the end.

    Args:
        folder: where they go; made if it does not exist. Files of the same names are replaced.
        fill: writes them below the folder that it is given, and yields its progress.
        what: is told while nothing else is.

    Yields:
        Progress, then Done with the paths of the files. Closing the generator before that leaves
        nothing behind.

    Raises:
        InputError: a folder that cannot be written, or one of a study's own.
        DiskFullError: there was no room left.
    """
    target = absolute(typed(folder))
    refuse_own(target)
    part = target / f".export-{uuid.uuid4().hex[:8]}"
    try:
        _sweep(target)
        yield from responsive(_placed(target, part, fill), what)
    finally:
        with suppress(OSError):  # of work that could not be interrupted
            remove_tree(part)


def _placed(target: Path, part: Path, fill: Fill) -> Generator[Event[tuple[Path, ...]], None, None]:
    try:
        make_folder(part, fresh=True)
        yield from fill(part)
        paths = tuple(sorted(_moved(part, target)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFullError(
                f"There was no room left for the export in {target}; no file was changed."
            ) from error
        raise InputError(
            f"The export cannot be written to {target} ({error.strerror}); no file was changed."
        ) from error
    finally:
        remove_tree(part)
    yield Done(paths)


def _sweep(target: Path) -> None:
    """What an export that was killed left there an hour ago or earlier."""
    for left in target.glob(".export-*"):
        with suppress(OSError, UnsafeFileError):
            old = left.lstat().st_mtime < time.time() - _ABANDONED
            if _PART.fullmatch(left.name) and not left.is_symlink() and old:
                remove_tree(left)


def _moved(part: Path, target: Path) -> Iterator[Path]:
    """Put every file in its place, now that all are whole."""
    for path in sorted(path for path in part.rglob("*") if path.is_file()):
        place = target / path.relative_to(part)
        make_folder(place.parent)
        move(path, place)
        yield place
