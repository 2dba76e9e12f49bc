"""One writer per study: a lock that the operating system
drops when its holder dies, with a note of who holds it."""

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import IO

from prism_desktop.engine.errors import ReadOnlyStudyError, StudyError, StudyLockedError

NAME = "study.lock"
_BYTE = 1 << 20  # Windows locks are mandatory, so the locked byte lies far behind the note


class WriterLock:
    """Held from construction until `release`.

    A note left behind by a killed program does not matter: the lock itself died with it.

    Raises:
        StudyLockedError: another program, or another window of this one, writes to the study.
        ReadOnlyStudyError: the folder cannot be written.
    """

    def __init__(self, study: Path) -> None:
        path = study / NAME
        try:
            path.touch()
            self._file: IO[bytes] = path.open("r+b")
        except OSError as error:
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
                unlock_file(self._file)

    def _take(self, study: Path) -> None:
        """Lock the file, or say who holds it or why that cannot be done there."""
        try:
            locked = lock_file(self._file)
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
        self._file.write(json.dumps(note).encode())
        self._file.flush()


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_bytes())
        if note["pid"] == os.getpid() and note["host"] == platform.node():
            return "in this program"
        return (
            f"in another window or command (process {note['pid']} on {note['host']}, since "
            f"{note['since']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "in another window or command"


if sys.platform == "win32":
    import msvcrt

    def lock_file(file: IO[bytes]) -> bool:
        """Take the lock if nobody holds it.

        The operating system drops it when this process ends.
        """
        file.seek(_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            file.seek(0)
        return True

    def unlock_file(file: IO[bytes]) -> None:
        """Give the lock back."""
        file.seek(_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def lock_file(file: IO[bytes]) -> bool:
        """Take the lock if nobody holds it.

        The operating system drops it when this process ends.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock_file(file: IO[bytes]) -> None:
        """Give the lock back."""
        fcntl.flock(file, fcntl.LOCK_UN)


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


def network_share(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The kind of network share that the folder lies on, None
    for a local disk or where that cannot be told cheaply."""
    folder = folder.resolve()
    if str(folder).startswith("\\\\"):
        return "a Windows share"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best, kind = "", ""
    for line in lines:
        _, point, filesystem, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and folder.is_relative_to(point):
            best, kind = point, filesystem
    return kind if kind in _REMOTE else None
