"""The disk shim: `disk_shim.c`, compiled when it is first needed, and its switches.

`arm` works in a process that was started with `environment()`; `library()` is None where there is
no C compiler or no LD_PRELOAD.
"""

import ctypes
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("disk_shim.c")
WRITE, SYNC, TRUNCATE, CREATE, NAME, ALLOCATE = 1, 2, 4, 8, 16, 32
DISK = WRITE | SYNC | TRUNCATE | CREATE | NAME
MODES = ("count", "record", "kill all", "kill one", "fail")
FOREVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Arm:
    """What happens at which step below a folder."""

    mode: str = "count"  # one of MODES
    at: int = 0  # the step that kills or is the first to fail, from 1
    until: int = FOREVER  # the first that does not fail again
    error: int = 0  # errno of a step that fails
    tear: bool = False  # half of a write is done before the kill
    kinds: int = DISK


@functools.cache
def library() -> Path | None:
    """The compiled shim; None where it cannot be had."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    folder = Path(tempfile.gettempdir()) / f"prism-disk-shim-{os.getuid()}-{os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    made = folder / "disk_shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"]
    done = subprocess.run([*command, "-lpthread"], capture_output=True, check=False)
    return made if done.returncode == 0 else None


def environment() -> Mapping[str, str]:
    """What a process is started with so that the shim is in it."""
    return {**os.environ, "LD_PRELOAD": str(library())}


def arm(root: Path, what: Arm, trace: int = -1) -> None:
    """Begin in this process and in those that it forks from here on."""
    ctypes.CDLL(None).shim_arm(
        MODES.index(what.mode), os.fsencode(root), what.kinds, ctypes.c_long(what.at),
        ctypes.c_long(what.until), what.error, int(what.tear), trace,
    )  # fmt: skip


def disarm() -> None:
    """Nothing is counted, recorded or refused any more in this process."""
    ctypes.CDLL(None).shim_disarm()


def count() -> int:
    """Steps so far, of all processes that were armed together."""
    counted = ctypes.CDLL(None).shim_count
    counted.restype = ctypes.c_long
    return int(counted())


def mark(text: str) -> None:
    """A word among the recorded steps."""
    ctypes.CDLL(None).shim_mark(text.encode())
