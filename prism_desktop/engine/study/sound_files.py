"""Databases that were looked through row by row and found sound, so that one which nobody touched
since is not looked through again: of a million trials that takes seconds.

Nothing of this lies in a study's folder, and nothing there is trusted. The user's configuration
keeps what the disk says of the file: its device and number, its size, and when its content and its
entry last changed. Nobody can set the last of these but by changing the machine's clock; a file
that was received, replaced, restored or written in any way has another. Where a disk does not keep
it exactly (FAT, shares, other systems than Linux), every opening looks through everything.
"""

import os
import time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from prism_desktop import __version__
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.study.remembered import recall, remember_newest
from prism_desktop.engine.study.row_rules import KEYS, RULES, STAND_INS
from prism_desktop.engine.study.writer_lock import file_system

_FILE: Final = "looked_through.json"
_MOST: Final = 100  # databases that are remembered
_LARGE: Final = 8 << 20  # bytes; smaller ones are looked through in a twentieth of a second
_SETTLED: Final = 2.0  # s; a change sooner after another may bear the same time
_EXACT: Final = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "overlay")
)


def state(file: Path) -> str | None:
    """What the disk says of a database; another text once it was changed in any way.

    None where that cannot be told, or just now: a log lies beside it, or it has changed a moment
    ago. To be asked while a connection that has begun to read keeps the log from being written
    back.
    """
    if file_system(file.parent) not in _EXACT:
        return None
    log = file.with_name(f"{file.name}-wal")
    try:
        if log.exists() and log.stat().st_size:
            return None
        found = file.lstat()
    except OSError:
        return None
    newest = max(found.st_mtime, found.st_ctime)
    if found.st_size < _LARGE or not newest < time.time() - _SETTLED:
        return None
    numbers = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return " ".join(map(str, (*numbers, _rules())))


def is_sound(file: Path, found: str) -> bool:
    """Whether a database was found sound in this state."""
    return _known().get(_key(file)) == found


def note(file: Path, found: str) -> None:
    """Remember that a database is sound in this state. What cannot be written is left."""
    known = _known()
    known.pop(_key(file), None)
    remember_newest(_FILE, {**known, _key(file): found}, _MOST)


def _known() -> dict[str, str]:
    return {key: each for key, each in recall(_FILE).items() if isinstance(each, str)}


def _key(file: Path) -> str:
    """A file as text that another can hold, and that names nobody's folder."""
    return sha256(os.fsencode(real(file))).hexdigest()


@cache
def _rules() -> str:
    """What was looked for: a program that knows more looks again."""
    return sha256(repr((__version__, KEYS, RULES, STAND_INS)).encode()).hexdigest()
