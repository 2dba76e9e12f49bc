"""The writer lock: one program writes to a study; the operating system drops the lock when its
holder dies."""

import errno
import json
import os
import platform
import time
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor, unlock_descriptor

from prism_desktop.engine.errors import ReadOnlyStudyError, StudyError, StudyLockedError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import open_in_place
from prism_desktop.engine.foreign_files import open_foreign, real

NAME = "study.lock"
# The first byte is the locked one, and nobody else can read that on Windows.
_NOTE_AT = 1
_NOTE_BYTES = 4096  # that a note has at most
# Whoever may not write here may still read.
_NOT_TO_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC}


class WriterLock:
    """Held from construction until `release`.

    A note left behind by a killed program does not matter: the lock itself died with it.

    Raises:
        StudyLockedError: another program, or another window of this one, writes to the study.
        ReadOnlyStudyError: the folder cannot be written.
        PrismError: the disk or this process has reached another of its limits.
        UnsafeFileError: the lock's file is a link.
    """

    def __init__(self, study: Path) -> None:
        path = study / NAME
        try:
            self._file: BinaryIO = open_in_place(path)
        except OSError as error:
            if error.errno not in _NOT_TO_WRITE:
                raise_fault(error, path, kept="Nothing was changed.")
            raise ReadOnlyStudyError(
                f"The study {study} cannot be written ({error.strerror}). Nothing was changed; "
                "open it read-only."
            ) from error
        try:  # a lock that is refused must not keep the file open
            self._take(study)
            self._sign()
        except BaseException:
            self._file.close()
            raise

    def release(self) -> None:
        """Let others write; again is harmless."""
        if not self._file.closed:
            with self._file:
                self._file.truncate(0)
                unlock_descriptor(self._file.fileno())

    def _take(self, study: Path) -> None:
        """Lock the file, or say who holds it or why that cannot be done there."""
        try:
            locked = lock_descriptor(self._file.fileno(), blocking=False)
        except OSError as error:
            reason = f"The disk of {study} cannot lock files ({error.strerror})"
            raise StudyError(f"{reason}. Nothing was changed; move it to a local disk.") from error
        if not locked:
            raise StudyLockedError(
                f"The study {study} is open {_holder(study / NAME)}. Nothing was changed; close "
                "it there, or open it read-only."
            )

    def _sign(self) -> None:
        note = {
            "pid": os.getpid(),
            "host": platform.node(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        self._file.truncate(0)
        self._file.write(b" " * _NOTE_AT + json.dumps(note).encode())


def _holder(path: Path) -> str:
    try:
        with open_foreign(path, _NOTE_BYTES) as file:
            file.seek(_NOTE_AT)
            note = json.loads(file.read())
        if note["pid"] == os.getpid() and note["host"] == platform.node():
            return "in this program"
        return (
            f"in another window or command (process {note['pid']} on {note['host']}, since "
            f"{note['since']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "in another window or command"


_MOUNTS = Path("/proc/self/mounts")
_REMOTE = {
    "nfs",
    "nfs3",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ncpfs",
    "fuse.sshfs",
    "fuse.davfs",
    "davfs",
    "fuse.rclone",
}


def network_share(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network share that the folder lies on, None
    for a local disk or where that cannot be told cheaply."""
    if str(real(folder)).startswith("\\\\"):
        return "a Windows share"
    kind = file_system(folder, mounts)
    return kind if kind in _REMOTE else None


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str:
    """The kind of file system that the folder lies on, as Linux names it; elsewhere empty."""
    folder = real(folder)
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        _, point, filesystem, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and folder.is_relative_to(point):
            best, kind = point, filesystem
    return kind
