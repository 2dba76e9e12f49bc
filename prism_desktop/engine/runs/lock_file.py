"""One process at a time works in a folder."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import Timeout

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.files import BESIDE, lock, remove, remove_tree
from prism_desktop.engine.foreign_files import is_plain_file
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.process_identity import host_mark
from prism_desktop.engine.runs.stored import Stored

# Data that a process takes beside their place: of a comparison, in a folder that it holds; of a
# search, in one where other computers may be at it.
_TAKEN: Final = re.compile(
    r"\.(?:data-\d{1,6}-(\d{1,9})|(\d{1,9})-\d{1,20}(?:-([0-9a-f]{8}))?)", re.ASCII
)


class _Owner(Stored):
    """Who holds a lock; means nothing while nobody does."""

    pid: int | None = None


@contextlib.contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Work in a folder that no other living process works in; what a killed one left is removed.

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
        for name in os.listdir(folder):  # noqa: PTH208
            if BESIDE.fullmatch(name) and is_plain_file(folder / name):
                remove(folder / name)
        sweep_taken(folder)
        yield
    finally:
        try:
            remove(folder / layout.OWNER)
        finally:
            owned.release()


def sweep_taken(folder: Path) -> None:
    """Remove data that killed processes of this computer took and did not put in place."""
    import psutil

    for path in folder.glob(".*-*"):
        found = _TAKEN.fullmatch(path.name)
        if found is None or (found[3] or host_mark()) != host_mark():
            continue
        if not psutil.pid_exists(int(found[1] or found[2])):
            remove_tree(path, layout.is_ours)
