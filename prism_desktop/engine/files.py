"""Everything that the program writes, makes, moves, deletes and locks on a disk.

A study, a run or a comparison may come from a stranger, who can put a link anywhere in it. So the
way to a file is walked folder by folder, from the outermost folder of ours (`_root`; that one may
be reached through links, as somebody typed it) and by handles that are held open: below it no link
is followed. Files are replaced whole, by a new file that gets their name. What is written in place
may have no second name elsewhere, and nothing but plain files is written at all. Deleted are only
names that the caller knows, and links themselves, never what they lead to.

No other module of the program opens a file for writing (`tests/test_architecture.py`). A function
that a library needs a path for is given one as `beside`.
"""

import errno
import json
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO
from urllib.parse import quote

from filelock import FileLock

from prism_desktop.engine import access
from prism_desktop.engine.errors import UnsafeFileError
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, kind_of, open_foreign

_STUDY = "study.sqlite3"
# Of each kind of folder what it always holds; the names are those of `runs/layout.py`.
_MARKS = ((_STUDY,), ("config.json", "data"), ("leaderboard.json",), ("search.json",))
# Parts of a study, told as such where the database is not there.
_PARTS = frozenset({"runs", "cache", "comparisons", "curves", "search", "backups", "embeddings"})
_BY_HANDLE = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_ALWAYS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"))
_FILE = _ALWAYS | getattr(os, "O_NONBLOCK", 0)  # so that no pipe is waited for
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_COPIED = 1 << 20  # bytes at a time
_JUNCTION = 0xA0000003  # what Windows calls IO_REPARSE_TAG_MOUNT_POINT


@dataclass(frozen=True, slots=True)
class _Folder:
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
        with suppress(FileNotFoundError):
            os.unlink(self.name(name), dir_fd=self.handle)

    @contextmanager
    def inside(self, name: str) -> "Iterator[_Folder]":
        """A folder of this one.

        Raises:
            UnsafeFileError: it is a link.
        """
        status = self.status(name)
        if status is not None and _leads_away(status):
            raise _link(self.path / name, "folder")
        if self.handle is None:
            yield _Folder(self.path / name, None)
            return
        try:
            handle = os.open(name, _FOLDER | _ALWAYS, dir_fd=self.handle)
        except OSError as error:  # with the whole path
            raise OSError(error.errno, error.strerror, str(self.path / name)) from error
        try:
            yield _Folder(self.path / name, handle)
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


@contextmanager
def whole(path: Path, *, durable: bool = True, ending: str = "") -> Iterator[Path]:
    """Give a new file beside `path` to be filled, then put it in place of `path` in one step.

    If the block raises, `path` stays as it was.

    Args:
        path: replaced if it is there.
        durable: wait until the bytes, and then the name, are on the disk.
        ending: of the new file's name, for libraries that go by it.

    Raises:
        UnsafeFileError: there is a link, or no plain file, in the way.
    """
    place = _absolute(path)
    with _parent(place) as folder:
        folder.refuse_odd(place.name, alone=False)
        beside = f".{place.name}.{secrets.token_hex(4)}.tmp{ending}"
        os.close(folder.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, alone=True))
        try:
            yield folder.path / beside
            if durable:
                handle = folder.open(beside, os.O_RDWR, alone=True)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
            _rename(folder, beside, folder, place.name)
            if durable:
                folder.settle()
        finally:
            folder.unlink(beside)


def write_whole(path: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Let `write` fill a file that takes the place of `path` in one step; see `whole`."""
    with whole(path, durable=durable) as beside:
        write(beside)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file's content in one step."""
    with whole(path, durable=durable) as beside:
        beside.write_bytes(content)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file's text in one step; line ends stay as they are."""
    write_bytes(path, text.encode(), durable=durable)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step; raises ValueError on numbers that JSON lacks."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_named(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file that the user named: whole or not at all, or straight into a device
    such as `/dev/stdout`. A link that the user named is followed."""
    place = Path(os.path.realpath(path))
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    if place.exists() and not place.is_file() and not place.is_dir():
        write(path)
        return
    with whole(place, durable=False, ending="".join(place.suffixes[-2:])) as beside:
        write(beside)


def text_file(beside: Path, encoding: str = "utf-8") -> TextIO:
    """Open a file that `whole` gave, or a new one, for text; line ends stay as they are."""
    return beside.open("w", encoding=encoding, newline="")


def put_text(beside: Path, text: str) -> None:
    """Fill a file that `whole` gave, or a new one, with a text; line ends stay as they are."""
    with text_file(beside) as file:
        file.write(text)


def copy(source: Path, target: Path, limit: int = MAX_WEIGHTS, *, durable: bool = True) -> None:
    """Copy a plain file, whole or not at all.

    Raises:
        UnreadableFileError: the source is none, or larger than `limit` bytes.
        UnsafeFileError: as `whole`.
    """
    with (
        open_foreign(source, limit) as file,
        whole(target, durable=durable) as beside,
        beside.open("wb") as copied,
    ):
        while block := file.read(_COPIED):
            copied.write(block)


def append(path: Path) -> BinaryIO:
    """Open a file to add to its end, made if it is not there; unbuffered.

    Raises:
        UnsafeFileError: it is a link, no plain file, or has a second name elsewhere.
    """
    return os.fdopen(_in_place(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab", buffering=0)


def open_in_place(path: Path) -> BinaryIO:
    """Open a file to read and change it, made if it is not there; unbuffered.

    Raises:
        UnsafeFileError: as `append`.
    """
    return os.fdopen(_in_place(path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0)


def in_place(path: Path) -> Path:
    """Make sure that a library which only takes paths may change a file; made if it is not there.

    Raises:
        UnsafeFileError: as `append`.
    """
    os.close(_in_place(path, os.O_RDWR | os.O_CREAT))
    return path


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write to a file without a buffer, which may take a part at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def lock(path: Path, poll_seconds: float = 0.05) -> FileLock:
    """A lock of the operating system on a file, to be acquired and released in any thread.

    Raises:
        UnsafeFileError: as `append`.
    """
    return FileLock(in_place(path), poll_interval=poll_seconds, thread_local=False)


def make_folder(path: Path, *, fresh: bool = False) -> None:
    """Make a folder, and those above it.

    Args:
        path: may be there already.
        fresh: it may not be.

    Raises:
        UnsafeFileError: there is a link in the way.
        FileExistsError: with `fresh` if something is there, else if that is no folder.
    """
    place = _absolute(path)
    if not _root(place)[1]:
        place.mkdir(parents=True, exist_ok=not fresh)
        return
    with _parent(place, make=True) as folder:
        try:
            folder.make(place.name)
        except FileExistsError:
            status = folder.status(place.name)
            if status is not None and _leads_away(status):
                raise _link(place, "folder") from None
            if fresh or status is None or not stat.S_ISDIR(status.st_mode):
                raise


@contextmanager
def scratch_folder(place: Path, beginning: str) -> Iterator[Path]:
    """Make a folder in another one, which is made too, and delete it at the end with all that was
    put there.

    Raises:
        UnsafeFileError: as `make_folder`.
    """
    made = place / f"{beginning}{secrets.token_hex(4)}"
    make_folder(made, fresh=True)
    try:
        yield made
    finally:
        with suppress(OSError):
            remove_tree(made)


def remove(path: Path) -> None:
    """Delete a file, or a link itself, if it is there.

    Raises:
        UnsafeFileError: there is a link on the way to it.
    """
    with suppress(FileNotFoundError, NotADirectoryError), _parent(_absolute(path)) as folder:
        folder.unlink(path.name)


def remove_tree(path: Path, ours: Callable[[str], bool] | None = None) -> tuple[str, ...]:
    """Delete a folder; links in it go, and nothing that they lead to.

    Args:
        path: of the folder; nothing happens if there is none.
        ours: whether the program made what has this name, such as "data/meta.json" or, a folder,
            "data/"; the rest stays. None: the caller made all of it.

    Returns:
        The names, within the folder, of what was left.

    Raises:
        UnsafeFileError: there is a link on the way to it.
    """
    left: list[str] = []
    place = _absolute(path)
    with suppress(FileNotFoundError, NotADirectoryError), _parent(place) as folder:
        _clear(folder, place.name, "", ours or (lambda _: True), left)
    return tuple(left)


def move(source: Path, target: Path) -> None:
    """Give a file or a folder another name or place, instead of a file that has it; the name is
    on the disk when this returns.

    Raises:
        UnsafeFileError: there is a link on either way.
    """
    source, target = _absolute(source), _absolute(target)
    with _parent(source) as old, _parent(target) as new:
        for folder, path in ((old, source), (new, target)):
            status = folder.status(path.name)
            if status is not None and _leads_away(status) and _root(path)[1]:
                raise _link(path, "file")
        _rename(old, source.name, new, target.name)
        new.settle()
        if old.path != new.path:
            old.settle()


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def connect(
    file: Path, mode: Literal["ro", "rw", "rwc"] = "ro", *, immutable: bool = False, **options: Any
) -> sqlite3.Connection:
    """Open an SQLite database, having made sure that neither it nor the files that SQLite keeps
    beside it lead elsewhere.

    Args:
        file: the database.
        mode: to be read, written, or also made.
        immutable: nobody can write it, so that no files beside it are needed.
        options: of `sqlite3.connect`.

    Raises:
        UnsafeFileError: one of the files is a link, no plain file, or has a second name elsewhere;
            of a database that is only read a second name does no harm.
    """
    place = _absolute(file)
    with _parent(place, write=mode != "ro") as folder:
        folder.refuse_odd(place.name, alone=mode != "ro")
        for ending in ("-wal", "-shm", "-journal"):
            folder.refuse_odd(place.name + ending, alone=True)
        address = database_address(file, mode, immutable=immutable)
        opened: sqlite3.Connection = sqlite3.connect(address, uri=True, **options)
        return opened


def database_address(file: Path, mode: str = "ro", *, immutable: bool = False) -> str:
    """The file as SQLite's URI, safe for names with "?" and "#"."""
    path = quote(_absolute(file).as_posix(), safe="/:")
    root, more = "" if path.startswith("/") else "/", "&immutable=1" if immutable else ""
    return f"file:{root}{path}?mode={mode}{more}"


def _absolute(path: Path) -> Path:
    # not `resolve`, which would follow the links that are looked for
    return Path(os.path.abspath(path))  # noqa: PTH100


def _root(path: Path) -> tuple[Path, bool]:
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
def _parent(path: Path, *, make: bool = False, write: bool = True) -> Iterator[_Folder]:
    """The folder that an absolute path's last part lies in, held open.

    Raises:
        UnsafeFileError: there is a link on the way, below the outermost folder of ours.
        ReadOnlyStudyError: the study there may only be read, unless not `write`.
    """
    if write:
        access.require_writable(path)
    root, _ = _root(path)
    handle = os.open(root, _FOLDER | getattr(os, "O_CLOEXEC", 0)) if _BY_HANDLE else None
    try:
        with _below(_Folder(root, handle), path.relative_to(root).parts[:-1], make) as folder:
            yield folder
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def _below(folder: _Folder, parts: tuple[str, ...], make: bool) -> Iterator[_Folder]:
    if not parts:
        yield folder
        return
    if make and folder.status(parts[0]) is None:
        with suppress(FileExistsError):
            folder.make(parts[0])
    with folder.inside(parts[0]) as inner, _below(inner, parts[1:], make) as last:
        yield last


def _in_place(path: Path, flags: int) -> int:
    place = _absolute(path)
    with _parent(place) as folder:
        return folder.open(place.name, flags, alone=True)


def _rename(old: _Folder, source: str, new: _Folder, target: str) -> None:
    os.replace(old.name(source), new.name(target), src_dir_fd=old.handle, dst_dir_fd=new.handle)


def _clear(
    folder: _Folder, name: str, within: str, ours: Callable[[str], bool], left: list[str]
) -> None:
    """Delete what lies in a folder under a name; `within` is its name as `ours` knows it."""
    status = folder.status(name)
    if status is None:
        return
    inner = stat.S_ISDIR(status.st_mode) and not _leads_away(status)
    try:
        if inner:
            with folder.inside(name) as own:
                listed = os.listdir(own.path if own.handle is None else own.handle)  # noqa: PTH208
                for one in sorted(listed):
                    _clear(own, one, f"{within}/{one}" if within else one, ours, left)
            if not within or ours(f"{within}/"):
                os.rmdir(folder.name(name), dir_fd=folder.handle)
        elif not within or ours(within):
            folder.unlink(name)
        else:
            left.append(within)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            left.append(within or name)


def _leads_away(status: os.stat_result) -> bool:
    """Whether it is a symbolic link, or a junction of Windows."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def _refuse_odd(path: Path, status: os.stat_result, *, alone: bool) -> None:
    if _leads_away(status):
        raise _link(path, "file")
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
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


def _link(path: Path, real: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path} is a link, which could lead anywhere, so nothing was written or deleted there. "
        f"Put a real {real} in its place and try again."
    )
