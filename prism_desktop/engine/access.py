"""Which studies this process may only read.

A second window, a window that was opened to look only, or one on a disk that cannot be written
holds its study back here while it is open; whatever would change something in the study's folder,
be it an answer, a run, a comparison or a cache, asks before it does. A process that works for this
one is told with each call (`held`, `holding`).
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prism_desktop.engine import paths
from prism_desktop.engine.errors import ReadOnlyStudyError

_lock = threading.Lock()
_held: dict[object, tuple[Path, str]] = {}


def hold_back(study: Path, why: str) -> Callable[[], None]:
    """From now on refuse to change anything in a study's folder.

    Args:
        study: the folder.
        why: a sentence for whoever tries.

    Returns:
        Lets go again; harmless if that was done.
    """
    ticket = object()
    with _lock:
        _held[ticket] = Path(os.path.realpath(study)), why

    def let_go() -> None:
        with _lock:
            _held.pop(ticket, None)

    return let_go


def held() -> dict[str, str]:
    """Folder of a study that is held back -> why."""
    with _lock:
        return {str(study): why for study, why in _held.values()}


@contextlib.contextmanager
def holding(studies: Mapping[str, str]) -> Iterator[None]:
    """Hold back what another process does, as its `held` says."""
    with contextlib.ExitStack() as kept:
        for study, why in studies.items():
            kept.callback(hold_back(Path(study), why))
        yield


def reason(path: Path) -> str:
    """Why nothing may be changed at a path; empty if it may, or if nobody knows a reason."""
    with _lock:
        held = list(_held.values())
    if not held:
        return ""
    place = Path(os.path.realpath(path))
    return next((why for study, why in held if place.is_relative_to(study)), "")


def refuse_held_back(path: Path) -> None:
    """Ask before anything is changed at a path.

    Raises:
        ReadOnlyStudyError: it lies in a study that this process may only read.
    """
    if why := reason(path):
        raise ReadOnlyStudyError(f"{why} Nothing was changed.")


def cache_folder(study: Path) -> Path:
    """Where what was computed of a study is kept: with it or, where it may only be read, with the
    user."""
    if not reason(study) and os.access(study, os.W_OK):
        return study / "cache"
    name = hashlib.sha256(str(Path(os.path.realpath(study))).encode()).hexdigest()[:16]
    return paths.cache() / "read-only" / name
