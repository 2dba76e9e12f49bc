"""Everything that the program writes, makes, moves, deletes and locks on a disk.

A study, a run or a comparison may come from a stranger, who can put a link anywhere in it. So the
way to a file is walked folder by folder, from the outermost folder of ours (`root_of`; that one may
be reached through links, as somebody typed it) and by handles that are held open: below it no link
is followed. Files are replaced whole, by a new file that gets their name. What is written in place
may have no second name elsewhere, and nothing but plain files is written at all. Deleted are only
names that the caller knows, and links themselves, never what they lead to.

No other module of the program opens a file for writing (`tests/test_doors.py`). A function
that a library needs a path for is given one as `beside`.
"""

import errno
import json
import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TextIO
from urllib.parse import quote

from filelock import FileLock

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.folder_handles import (
    EXPORTS,
    MISPLACED,
    STUDY_FILE,
    STUDY_FOLDERS,
    Folder,
    MisplacedError,
    absolute,
    leads_away,
    parent_of,
    refused_link,
    root_of,
)
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, open_foreign

# The names that `whole` gives; a process that is killed leaves such files.
_ENDING: Final = re.compile(r"\.\w{1,12}", re.ASCII)  # of a name that says a format
BESIDE: Final = re.compile(rf"\..+\.[0-9a-f]{{8}}\.tmp({_ENDING.pattern}){{0,2}}", re.ASCII)
_COPIED = 1 << 20  # bytes at a time
_SHORTENED = 200  # bytes of a name


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
    place = absolute(path)
    with parent_of(place) as folder:
        folder.refuse_odd(place.name, alone=False)
        # shortened, so that a name as long as the disk allows can have one beside it
        name = os.fsencode(place.name)[:_SHORTENED].decode(errors="ignore")
        beside = f".{name}.{secrets.token_hex(4)}.tmp{ending}"
        try:
            os.close(folder.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, alone=True))
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
            try:
                folder.unlink(beside)
            except BaseException:  # an order to end may come just here
                folder.unlink(beside)
                raise


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
    such as `/dev/stdout`. A link that the user named is followed, unless it lies in a study."""
    place = _named(path)
    if place is None:
        with _somebody_reads(path):
            write(path)
        return
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    ending = "".join(filter(_ENDING.fullmatch, place.suffixes[-2:]))
    with whole(place, durable=False, ending=ending) as beside:
        write(beside)


def refuse_own(place: Path) -> None:
    """Let no output that somebody named take the place of what a study, a run or a comparison
    consists of. In a study there is room for outputs in `exports/`, and for new files beside its
    database.

    Args:
        place: absolute; a file, or a folder whose files would be replaced.

    Raises:
        InputError: it lies among those.
    """
    root, ours = root_of(place)
    if not ours:
        root, ours = root_of(place / "name")  # the folder itself may be one
        if not ours:
            return
    parts = place.relative_to(root).parts
    if parts[:1] == (EXPORTS,):
        return
    study = (root / STUDY_FILE).exists()
    own = parts[:1] == () or parts[0] in STUDY_FOLDERS or parts[0].startswith("study.")
    if study and len(parts) == 1 and not own:
        return
    what = f"Beside them, {root / EXPORTS} has room for it" if study else "Choose another place"
    raise InputError(
        f"{place} is, or would lie among, the files of {root} itself, which nothing may take the "
        f"place of. {what}."
    )


class _TriedError(Exception):
    """Nothing is to be written: it was only tried."""


@contextmanager
def named_in_time(path: Path) -> Iterator[None]:
    """Find out before long work whether `write_named` will write there; within, a pipe stays open.

    Raises:
        OSError, UnsafeFileError: as `write_named` would; an empty file was made and deleted.
    """

    def give_up(_: Path) -> None:
        raise _TriedError

    if _named(path) is None:
        with _somebody_reads(path):
            yield
        return
    with suppress(_TriedError):
        write_named(path, give_up)
    yield


def _named(path: Path) -> Path | None:
    """Where a file that the user named lies; None: what is there is no file, but a device or a
    pipe, which takes what is written without a file beside it.

    Raises:
        OSError: the system does not know such a name, or there is a socket.
    """
    place = absolute(path)
    _, ours = root_of(place)
    refuse_own(place)
    try:
        status = os.lstat(place) if ours else os.stat(place)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        status = None  # `whole` says so
    if status is not None and stat.S_ISSOCK(status.st_mode):
        raise OSError(errno.EINVAL, "it is a socket", str(path))
    kinds = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    if status is not None and not any(is_one(status.st_mode) for is_one in kinds):
        return None
    return place if ours else Path(os.path.realpath(path))


@contextmanager
def _somebody_reads(path: Path) -> Iterator[None]:
    """Hold a pipe open to write, without waiting for a reader.

    Raises:
        OSError: nobody reads it.
    """
    if not path.is_fifo():
        yield
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(errno.EINVAL, "nobody reads this pipe", str(path)) from error
    try:
        yield
    finally:
        os.close(handle)


def text_file(beside: Path, encoding: str = "utf-8") -> TextIO:
    """Open a file that `whole` gave, or a new one, for text; line ends stay as they are."""
    return beside.open("w", encoding=encoding, newline="")


def put_text(beside: Path, text: str) -> None:
    """Fill a file that `whole` gave, or a new one, with a text; line ends stay as they are."""
    with text_file(beside) as file:
        file.write(text)


def put_bytes(beside: Path, content: bytes) -> None:
    """Fill a file that `whole` gave, or a new one, with bytes."""
    beside.write_bytes(content)


def copy(source: Path, target: Path, limit: int = MAX_WEIGHTS, *, durable: bool = True) -> None:
    """Copy a plain file, whole or not at all.

    Raises:
        RefusedFileError: the source is none, or larger than `limit` bytes.
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
    place = absolute(path)
    if not root_of(place)[1]:
        place.mkdir(parents=True, exist_ok=not fresh)
        return
    with parent_of(place, make=True) as folder:
        try:
            folder.make(place.name)
        except FileExistsError:
            status = folder.status(place.name)
            if status is not None and leads_away(status):
                raise refused_link(place, "folder") from None
            if fresh or status is None:
                raise
            if not stat.S_ISDIR(status.st_mode):
                raise MisplacedError(place, errno.ENOTDIR) from None


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
    with suppress(FileNotFoundError, NotADirectoryError), parent_of(absolute(path)) as folder:
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
    place = absolute(path)
    with suppress(FileNotFoundError, NotADirectoryError), parent_of(place) as folder:
        _clear(folder, place.name, "", ours or (lambda _: True), left)
    return tuple(left)


def move(source: Path, target: Path) -> None:
    """Give a file or a folder another name or place, instead of a file that has it; the name is
    on the disk when this returns.

    Raises:
        UnsafeFileError: there is a link on either way.
    """
    source, target = absolute(source), absolute(target)
    with parent_of(source) as old, parent_of(target) as new:
        for folder, path in ((old, source), (new, target)):
            status = folder.status(path.name)
            if status is not None and leads_away(status) and root_of(path)[1]:
                raise refused_link(path, "file")
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
    place = absolute(file)
    with parent_of(place, write=mode != "ro") as folder:
        folder.refuse_odd(place.name, alone=mode != "ro")
        for ending in ("-wal", "-shm", "-journal"):
            folder.refuse_odd(place.name + ending, alone=True)
        address = database_address(file, mode, immutable=immutable)
        opened: sqlite3.Connection = sqlite3.connect(address, uri=True, **options)
        return opened


def database_address(file: Path, mode: str = "ro", *, immutable: bool = False) -> str:
    """The file as SQLite's URI, safe for names with "?" and "#"."""
    path = quote(absolute(file).as_posix(), safe="/:")
    root, more = "" if path.startswith("/") else "/", "&immutable=1" if immutable else ""
    return f"file:{root}{path}?mode={mode}{more}"


def _in_place(path: Path, flags: int) -> int:
    place = absolute(path)
    with parent_of(place) as folder:
        return folder.open(place.name, flags, alone=True)


def _rename(old: Folder, source: str, new: Folder, target: str) -> None:
    names = old.name(source), new.name(target)
    try:
        os.replace(*names, src_dir_fd=old.handle, dst_dir_fd=new.handle)
    except OSError as error:
        if error.errno is not None and error.errno in MISPLACED:
            raise MisplacedError(new.path / target, error.errno) from error
        raise


def _clear(
    folder: Folder, name: str, within: str, ours: Callable[[str], bool], left: list[str]
) -> None:
    """Delete what lies in a folder under a name; `within` is its name as `ours` knows it."""
    status = folder.status(name)
    if status is None:
        return
    inner = stat.S_ISDIR(status.st_mode) and not leads_away(status)
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
