"""Faults of a disk, real wherever the machine allows it."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.fixtures.failing_reads import failing_reads


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill a mounted disk to its last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Mount a disk anew, for reading only."""
    mount("-o", "remount,ro", disk)
    try:
        yield
    finally:
        mount("-o", "remount,rw", disk)


@contextlib.contextmanager
def limited(disk: Path) -> Iterator[None]:
    """No file may become larger than a few bytes, as on a disk with a quota."""
    with _limit(resource.RLIMIT_FSIZE, 16):
        yield


@contextlib.contextmanager
def few_files(disk: Path) -> Iterator[None]:
    """Hardly any file may be opened beside those that are open."""
    opened = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    with _limit(resource.RLIMIT_NOFILE, opened + 3):
        taken = []
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(taken.pop())
        try:
            yield
        finally:
            for handle in taken:
                os.close(handle)


@contextlib.contextmanager
def unreadable(disk: Path) -> Iterator[None]:
    """The disk gives nothing of any file to this process."""
    with failing_reads(lambda path: disk in path.parents):
        yield


@contextlib.contextmanager
def _limit(kind: int, most: int) -> Iterator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def mount(*words: object) -> None:
    """Mount something, which only root may."""
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)
