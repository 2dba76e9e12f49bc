"""One process at a time works in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from prism_desktop.engine.atomic import read_json, write_json
from prism_desktop.engine.errors import RunError

LOCK = "owner.lock"  # locked by the operating system, which lets go of it when the process dies
NOTE = "owner.json"  # who holds it; means nothing while nobody does


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Work in a folder that no other living process works in.

    Args:
        folder: is there already.
        what: for the refusal, as a sentence's subject: "The search NAME".

    Raises:
        RunError: if another process works there.
    """
    lock = FileLock(folder / LOCK, thread_local=False)  # a generator may be closed by any thread
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = (read_json(folder / NOTE) or {}).get("pid", "unknown")
        raise RunError(f"{what} goes on already, in process {pid}.") from None
    try:
        write_json(folder / NOTE, {"pid": os.getpid()})
        yield
    finally:
        (folder / NOTE).unlink(missing_ok=True)
        lock.release()
