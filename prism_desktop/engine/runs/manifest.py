"""The manifest of a finished run: the sizes and checksums of its files.

It tells a file that a failing disk, a copy that was cut short or another program changed from the
one that the run wrote. It is written when the run ends, and belongs to that end: whoever goes on
with the run, or discards it, removes it first. Runs of earlier versions have none.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from filelock import Timeout

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import lock, remove
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, open_foreign
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.stored import Count, FilePath, Stored

_BLOCK = 1 << 20  # bytes read at a time
_TICK = 2.0  # seconds; of the coarsest clock of a file system
# What may grow in a folder that has ended, with its beginning as it was; and what may come to it.
_GROWING = (layout.EVENTS, layout.LOG, layout.JOURNAL)
_LATER = (
    layout.ADAPTED, layout.RESUME_LOCK, layout.MANIFEST, layout.MARKS_LOCK, layout.OWNER,
    layout.OWNER_LOCK, layout.JOB,
)  # fmt: skip
# What may change at any time by a person's hand, or by whoever finds the run left alone.
_BY_HAND = (layout.CONTROL, layout.LABEL, layout.STATUS)
_PATIENCE = 5.0  # seconds that another process may take to change a mark; nobody waits for ever
_DIFFERS = "it is not what the run wrote"


class FileMark(Stored):
    """A file as it was written."""

    bytes: Count
    sha256: str


class Manifest(Stored):
    """A folder's files by their path within it, `/` between its parts: manifest.json."""

    files: dict[FilePath, FileMark]
    sha256: str  # of the marks themselves

    @classmethod
    def of(cls, files: dict[str, FileMark]) -> "Manifest":
        """With its own checksum."""
        return cls(files=files, sha256=_of_marks(files))


def write_manifest(folder: Path) -> None:
    """Mark all files of a folder as they are now, durably."""
    marks = {name: _mark(folder / name) for name in _names(folder)}
    with _alone(folder):
        # An order or a name may have come meanwhile; whoever gives one from now on sees the marks.
        late = {name: _mark(folder / name) for name in _BY_HAND if (folder / name).is_file()}
        Manifest.of({**marks, **late}).save(folder / layout.MANIFEST)


@contextmanager
def changing(folder: Path, name: str, *, begin: bool = False) -> Iterator[None]:
    """Change one file inside the block, and mark it anew; the marks of the others stay.

    It has no mark meanwhile, so that a kill leaves none that accuses it; if the block fails and
    leaves the file as it was, it has the mark that it had. One process at a time is in such a
    block of a folder, so that what is read in it is what is written over.

    Args:
        folder: may have marks.
        name: the file's path within it.
        begin: if there are no marks, or none that can be read, begin with this one. Else nothing is
            marked then, and whoever checks the folder is told of marks that cannot be read.
    """
    with _alone(folder):
        marks, state = _marks(folder), _state(folder / name)
        before = None if marks is None else marks.pop(name, None)
        if marks is not None and before is not None:
            Manifest.of(marks).save(folder / layout.MANIFEST)
        try:
            yield
        except BaseException:
            if before is not None and _state(folder / name) == state:
                with suppress(OSError):
                    Manifest.of({**(marks or {}), name: before}).save(folder / layout.MANIFEST)
            raise
        marks = _marks(folder)  # again: whoever goes on with a run takes them away
        if marks is not None or begin:
            found = {**(marks or {}), name: _mark(folder / name)}
            Manifest.of(found).save(folder / layout.MANIFEST)


def _state(path: Path) -> tuple[int, ...]:
    """Tells a file from one that was written anew; empty if there is none."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    held = lock(folder / layout.MARKS_LOCK)
    with suppress(Timeout):
        held.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        held.release()


def _marks(folder: Path) -> dict[str, FileMark] | None:
    """The marks of a folder's files; None where there are none that can be read."""
    try:
        manifest = read_manifest(folder)
    except UnreadableError:
        return None
    return None if manifest is None else dict(manifest.files)


def remove_manifest(folder: Path) -> None:
    """Say that the folder's files will change."""
    remove(folder / layout.MANIFEST)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest; None where there is none. Raises UnreadableError if it cannot be read."""
    path = folder / layout.MANIFEST
    found = Manifest.from_file(path)
    if found is not None and found.sha256 != _of_marks(found.files):
        raise UnreadableError(path, "it is not what was written")
    return found


def check_file(folder: Path, name: str, *, whole: bool = True) -> None:
    """Make sure that a file is the one that the run wrote, where that is known.

    A file is read once for this, and again only when its size or time has changed.

    Args:
        folder: of the run, or of somebody who entered it.
        name: the file's path within it.
        whole: else only its size is looked at, and whoever shows it asks again for the whole.

    Raises:
        UnreadableError: it is another one; or the manifest says so of a file that is gone.
    """
    _check(folder, read_manifest(folder), name, whole=whole)


def check_folder(folder: Path, under: str = "") -> None:
    """The same of all files whose path within the folder begins with `under`."""
    manifest = read_manifest(folder)
    for name in manifest.files if manifest is not None else ():
        if name.startswith(under):
            _check(folder, manifest, name)


def _check(folder: Path, manifest: Manifest | None, name: str, *, whole: bool = True) -> None:
    if manifest is None:
        return
    mark = manifest.files.get(name)
    if mark is None:
        if manifest.files and not any((folder / each).exists() for each in manifest.files):
            raise UnreadableError(folder / layout.MANIFEST, "it is another folder's")
        return
    try:
        why = _difference(folder / name, mark, name in _GROWING, whole=whole)
    except OSError as error:
        raise unreadable(folder / name, error) from error
    if why:
        raise UnreadableError(folder / name, why)


def differences(folder: Path) -> Iterator[tuple[str, str]]:
    """The files that are not what the run wrote, each with a phrase that says why; all are read.

    Raises:
        UnreadableError: the manifest cannot be read.
    """
    manifest = read_manifest(folder)
    for name, mark in manifest.files.items() if manifest is not None else ():
        try:
            why = _difference(folder / name, mark, name in _GROWING, fresh=True)
        except OSError as error:
            why = error.strerror or "it cannot be read"
        if why:
            yield name, why


def _of_marks(files: dict[str, FileMark]) -> str:
    text = "\n".join(f"{name} {mark.bytes} {mark.sha256}" for name, mark in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _names(folder: Path) -> list[str]:
    """The files that a manifest marks; links and hidden files are none of the run's."""
    found = []
    for here, folders, files in os.walk(folder):
        inside = Path(here).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (inside / name).as_posix() not in _LATER
        )
        for file in sorted(files):
            name = (inside / file).as_posix()
            hidden = file.startswith(".") or name in _LATER
            if not hidden and stat.S_ISREG((Path(here) / file).lstat().st_mode):
                found.append(name)
    return found


def _mark(path: Path) -> FileMark:
    size = path.stat().st_size  # of one that grows meanwhile, the beginning
    return FileMark(bytes=size, sha256=_beginning.__wrapped__(path, size))


def _difference(
    path: Path, mark: FileMark, growing: bool, *, fresh: bool = False, whole: bool = True
) -> str:
    """Why a file is not the marked one, as a phrase; empty if it is, or may be unless the `whole`
    is looked at.

    Raises:
        OSError: it is there, and the system does not give it.
    """
    try:
        status = path.stat()
        if status.st_size < mark.bytes or (status.st_size > mark.bytes and not growing):
            return f"it has {counted(status.st_size, 'byte')}, and the run wrote {mark.bytes:,}"
        if not whole:
            return ""
        state = status.st_ino, status.st_size, status.st_mtime_ns
        # a file may change twice within a tick of the clock that its time is taken from
        settled = abs(time.time() - status.st_mtime) > _TICK
        read = _beginning if settled and not fresh else _beginning.__wrapped__
        found = read(path, mark.bytes, *state)
    except FileNotFoundError:
        return "it is gone"
    return "" if found == mark.sha256 else _DIFFERS


@lru_cache(4096)
def _beginning(path: Path, count: int, *_state: int) -> str:
    """Hexadecimal SHA-256 of a file's first bytes; `_state` tells the file from a changed one."""
    digest = hashlib.sha256()
    with open_foreign(path, MAX_WEIGHTS) as file:
        while count > 0 and (block := file.read(min(_BLOCK, count))):
            digest.update(block)
            count -= len(block)
    return digest.hexdigest()
