"""One process at a time works in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.files import lock, remove
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.stored import Stored


class _Owner(Stored):
    """Who holds a lock; means nothing while nobody does."""

    pid: int | None = None


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Work in a folder that no other living process works in.

    Args:
        folder: is there already.
        what: for the refusal, as a sentence's subject: "The search NAME".

    Raises:
        RunError: if another process works there.
    """
    owned = lock(folder / layout.OWNER_LOCK)
    try:
        owned.acquire(timeout=0)
    except Timeout:
        owner = _Owner.load(folder / layout.OWNER) or _Owner()
        pid = "unknown" if owner.pid is None else owner.pid
        raise RunError(f"{what} goes on already, in process {pid}.") from None
    try:
        _Owner(pid=os.getpid()).save(folder / layout.OWNER)
        yield
    finally:
        try:
            remove(folder / layout.OWNER)
        finally:
            owned.release()
