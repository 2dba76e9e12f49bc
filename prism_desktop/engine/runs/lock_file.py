"""One process at a time works in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from prism_desktop.engine.atomic import read_json, write_json
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.processes_alive import alive, birth


@contextlib.contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Work in a folder that no other living process works in; a dead one's claim counts no more.

    Args:
        folder: is there already.
        what: for the refusal, as a sentence's subject: "The search NAME".

    Raises:
        RunError: if another process works there.
    """
    told = read_json(folder / layout.OWNER) or {}
    if alive(told.get("pid"), str(told.get("born", ""))):
        raise RunError(f"{what} goes on already, in process {told['pid']}.")
    write_json(folder / layout.OWNER, {"pid": os.getpid(), "born": birth(os.getpid())})
    try:
        yield
    finally:
        (folder / layout.OWNER).unlink(missing_ok=True)
