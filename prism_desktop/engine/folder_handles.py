"""Folders held open, and the way to a file walked folder by folder, without following a link.

The outermost folder of ours that a path lies in may be reached through links, as somebody typed it;
below it a stranger may have put a link anywhere, and none is followed.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prism_desktop.engine import access
from prism_desktop.engine.errors import UnsafeFileError
from prism_desktop.engine.foreign_files import kind_of

STUDY_FILE = "study.sqlite3"  # that makes a folder a study
EXPORTS = "exports"  # in a study, for whatever somebody wants written there
# Of each kind of folder what it always holds; the names are those of `runs/layout.py`.
_MARKS = ((STUDY_FILE,), ("config.json", "data"), ("leaderboard.json",), ("search.json",))
# Parts of a study, told as such where the database is not there.
_PARTS = frozenset({"runs", "cache", "comparisons", "curves", "search", "backups", "embeddings"})
_BY_HANDLE = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
STUDY_FOLDERS = _PARTS | {"images", "thumbnails", "repairs"}
_ALWAYS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"))
_FILE = _ALWAYS | getattr(os, "O_NONBLOCK", 0)  # so that no pipe is waited for
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_JUNCTION = 0xA0000003  # what Windows calls IO_REPARSE_TAG_MOUNT_POINT


# Numbers of errors of the system -> what lies in the place.
MISPLACED: Final = {
    errno.EISDIR: "is a folder, where a file belongs",
    errno.ENOTDIR: "is no folder, where one belongs",
    errno.ENOTEMPTY: "holds files that this program did not make",
    errno.EEXIST: "holds files that this program did not make",
}


class MisplacedError(UnsafeFileError, OSError):
    """Something lies where something else belongs."""

    def __init__(self, path: Path, number: int) -> None:
        """Say so of a path; the number is one of `MISPLACED`."""
        super().__init__(number, os.strerror(number), str(path))

    def __str__(self) -> str:
        found = MISPLACED[self.errno or errno.ENOTDIR]
        return f"{self.filename} {found}, so nothing was changed there. Move it away and try again."


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is held open while something is done to what lies in it."""

    path: Path
    handle: int | None  # None on Windows, where paths are looked at instead

    def name(self, name: str) -> str:
        """What the system's calls are given."""
        return name if self.handle is not None else str(self.path / name)

    def status(self, name: str) -> os.stat_result | None:
        """Of what lies there itself, not of what it leads to; None for nothing."""
        try:
            return os.stat(self.name(name), dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, name: str, flags: int, *, alone: bool) -> int:
        """A handle of a plain file.

        Raises:
            UnsafeFileError: it is none, or has a second name although it has to be `alone`.
        """
        self.refuse_odd(name, alone=alone)
        handle = os.open(self.name(name), flags | _FILE, 0o666, dir_fd=self.handle)
        try:
            _refuse_odd(self.path / name, os.fstat(handle), alone=alone)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def refuse_odd(self, name: str, *, alone: bool) -> None:
        """Raises: UnsafeFileError: something lies there that must not be written to."""
        status = self.status(name)
        if status is not None:
            _refuse_odd(self.path / name, status, alone=alone)

    def unlink(self, name: str) -> None:
        """Delete a file, or a link itself, if it is there."""
        try:
            os.unlink(self.name(name), dir_fd=self.handle)
        except FileNotFoundError:
            pass
        except OSError as error:  # with the whole path; of a folder a Mac says that it may not
            status = self.status(name)
            if status is not None and stat.S_ISDIR(status.st_mode):
                raise MisplacedError(self.path / name, errno.EISDIR) from error
            raise OSError(error.errno, error.strerror, str(self.path / name)) from error

    @contextmanager
    def inside(self, name: str) -> "Iterator[Folder]":
        """A folder of this one.

        Raises:
            UnsafeFileError: it is a link.
        """
        status = self.status(name)
        if status is not None and leads_away(status):
            raise refused_link(self.path / name, "folder")
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise MisplacedError(self.path / name, errno.ENOTDIR)
        if self.handle is None:
            yield Folder(self.path / name, None)
            return
        try:
            handle = os.open(name, _FOLDER | _ALWAYS, dir_fd=self.handle)
        except OSError as error:  # with the whole path
            raise OSError(error.errno, error.strerror, str(self.path / name)) from error
        try:
            yield Folder(self.path / name, handle)
        finally:
            os.close(handle)

    def settle(self) -> None:
        """Wait until the names in it are on the disk, where a power cut could undo a rename."""
        if self.handle is not None:
            try:
                os.fsync(self.handle)
            except OSError as error:  # some disks of others' making cannot do that for folders
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise

    def make(self, name: str) -> None:
        """Make a folder; raises FileExistsError if anything lies there."""
        os.mkdir(self.name(name), dir_fd=self.handle)


def absolute(path: Path) -> Path:
    """The whole path of something, its links left as they are.

    Raises:
        UnsafeFileError: it goes up again and out of a folder of ours, as no name of ours does.
    """
    # not `resolve`, which would follow the links that are looked for
    place = Path(os.path.abspath(path))  # noqa: PTH100
    if ".." in path.parts[1:]:
        before = Path(os.path.abspath(Path(*path.parts[: path.parts.index("..", 1)])))  # noqa: PTH100
        root, ours = root_of(before / "name")
        if ours and not place.is_relative_to(root):
            raise UnsafeFileError(
                f"{path} leads out of {root}, so nothing was written or deleted there. Name the "
                "place without “..”."
            )
    return place


def root_of(path: Path) -> tuple[Path, bool]:
    """The outermost folder of ours that a path lies in; or its parent, and False."""
    below = path.name
    outermost = None
    for folder in path.parents:
        if any(all(_lies(folder, name) for name in names) for names in _MARKS) or (
            below in _PARTS and folder != path.parent and _lies(folder, "runs")
        ):
            outermost = folder
        below = folder.name
    return (path.parent, False) if outermost is None else (outermost, True)


def _lies(folder: Path, name: str) -> bool:
    return os.path.lexists(os.path.join(folder, name))  # noqa: PTH118


@contextmanager
def parent_of(path: Path, *, make: bool = False, write: bool = True) -> Iterator[Folder]:
    """The folder that an absolute path's last part lies in, held open.

    Raises:
        UnsafeFileError: there is a link on the way, below the outermost folder of ours.
        ReadOnlyStudyError: the study there may only be read, unless not `write`.
    """
    if write:
        access.refuse_held_back(path)
    root, _ = root_of(path)
    handle = os.open(root, _FOLDER | getattr(os, "O_CLOEXEC", 0)) if _BY_HANDLE else None
    try:
        with _below(Folder(root, handle), path.relative_to(root).parts[:-1], make) as folder:
            yield folder
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def _below(folder: Folder, parts: tuple[str, ...], make: bool) -> Iterator[Folder]:
    if not parts:
        yield folder
        return
    if make and folder.status(parts[0]) is None:
        with suppress(FileExistsError):
            folder.make(parts[0])
    with folder.inside(parts[0]) as inner, _below(inner, parts[1:], make) as last:
        yield last


def leads_away(status: os.stat_result) -> bool:
    """Whether it is a symbolic link, or a junction of Windows."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def _refuse_odd(path: Path, status: os.stat_result, *, alone: bool) -> None:
    if leads_away(status):
        raise refused_link(path, "file")
    if stat.S_ISDIR(status.st_mode):
        raise MisplacedError(path, errno.EISDIR)
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFileError(
            f"{path} is {kind_of(status.st_mode) or 'no plain file'}, so nothing was written to "
            "it. Remove it and try again."
        )
    if alone and status.st_nlink > 1:
        raise UnsafeFileError(
            f"{path} is the same file as another one (a hard link), which would change with it, so "
            "nothing was written. Put a copy in its place and try again."
        )


def refused_link(path: Path, real: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path} is a link, which could lead anywhere, so nothing was written or deleted there. "
        f"Put a real {real} in its place and try again."
    )
