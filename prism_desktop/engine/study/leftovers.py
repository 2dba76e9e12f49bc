"""What a killed program leaves in a study, swept by the next one that may write to it.

Only names that this program makes are touched, and nothing below the folders of runs, whose
trainings may live. Comparisons and searches sweep their own folders (`runs.lock_file`).
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import UnsafeFileError
from prism_desktop.engine.files import BESIDE, remove, remove_tree
from prism_desktop.engine.study.images import COPIES, remove_leftovers
from prism_desktop.engine.study.records import ImageId

_BACKUP: Final = re.compile(
    r"\.(?:study|before-(?:schema-\d{1,6}|[a-z]+))-(\d{1,9})\.part(?:-journal|-wal|-shm)?", re.ASCII
)
_MADE: Final = re.compile(r"study\.part(?:-journal|-wal|-shm)?", re.ASCII)
_PLACES: Final = (
    "", "backups", "embeddings", "repairs", "images", "images/??", "thumbnails", "thumbnails/??",
)  # fmt: skip
# Where others may write while a study is open; nothing takes them an hour.
_SHARED: Final = ("cache", "comparisons/*", "search", "search/*", "curves")
_SCRATCH: Final = re.compile("shots-[0-9a-f]{8}")  # data for measuring a curve
_HOUR: Final = 3600.0  # s
_KEPT: Final = 7 * 86_400.0  # s that copies of a killed import wait for the next one


def sweep(study: Path, known: Callable[[], Collection[ImageId]]) -> None:
    """Remove leftovers; for the one process that may write to the study.

    Args:
        study: the study's folder.
        known: gives the images that the study has; called only if an import was killed.
    """
    remove_leftovers(study, known)
    for file in _found(study):
        with contextlib.suppress(OSError, UnsafeFileError):
            remove(file)
    for folder in (study / "cache").glob("shots-*"):
        with contextlib.suppress(OSError, UnsafeFileError):
            old = folder.lstat().st_mtime < time.time() - _KEPT
            if old and _SCRATCH.fullmatch(folder.name) and not folder.is_symlink():
                remove_tree(folder)


def _found(study: Path) -> Iterator[Path]:
    for place in _PLACES:
        for folder in [study] if not place else study.glob(place):
            for file in _plain_files(folder):
                made = not place and _MADE.fullmatch(file.name)
                dead = place == "backups" and _is_dead(file.name)
                if BESIDE.fullmatch(file.name) or made or dead:
                    yield file
    yield from _older(study / COPIES, _KEPT)
    for place in _SHARED:
        for folder in study.glob(place):
            yield from (file for file in _older(folder, _HOUR) if BESIDE.fullmatch(file.name))


def _older(folder: Path, seconds: float) -> Iterator[Path]:
    limit = time.time() - seconds
    for file in _plain_files(folder):
        with contextlib.suppress(OSError):
            if file.lstat().st_mtime < limit:
                yield file


def _plain_files(folder: Path) -> Iterator[Path]:
    """Files in a folder that is no link."""
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        yield from (folder / name for name in names)


def _is_dead(name: str) -> bool:
    """Whether it is a backup in the making whose process is gone."""
    found = _BACKUP.fullmatch(name)
    if found is None:
        return False
    import psutil  # which is slow to import, and seldom needed

    process = int(found[1])
    return process == os.getpid() or not psutil.pid_exists(process)
