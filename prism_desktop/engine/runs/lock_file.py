"""One process at a time works in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.processes_alive import alive, birth
from prism_desktop.engine.runs.stored import Stored


class _Owner(Stored):
    pid: int | None = None
    born: str = ""  # tells the process from a later one with the same number


@contextlib.contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Work in a folder that no other living process works in; a dead one's claim counts no more.

    Args:
        folder: is there already.
        what: for the refusal, as a sentence's subject: "The search NAME".

    Raises:
        RunError: if another process works there.
    """
    owner = _Owner.load(folder / layout.OWNER) or _Owner()
    if alive(owner.pid, owner.born):
        raise RunError(f"{what} goes on already, in process {owner.pid}.")
    _Owner(pid=os.getpid(), born=birth(os.getpid())).save(folder / layout.OWNER)
    try:
        yield
    finally:
        (folder / layout.OWNER).unlink(missing_ok=True)
