"""The streams of a worker process: one pair for its calls, and where everything else is printed."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from prism_desktop.engine.files import append


@contextlib.contextmanager
def private_streams() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Standard input and output for this module alone: libraries
    read nothing, and what they print goes to errors."""
    source = os.fdopen(os.dup(0), "rb")  # closed with the process, as a thread reads it
    with os.fdopen(os.dup(1), "wb", buffering=0) as target, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        yield source, target


@contextlib.contextmanager
def print_into(path: Path) -> Iterator[None]:
    """Let what is printed go into a file, and close it: not every system deletes what is open."""
    before = os.dup(2)
    try:
        with append(path) as output:
            _redirect(output.fileno())
        yield
    finally:
        _redirect(before)
        os.close(before)


def _redirect(target: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(target, stream.fileno())
