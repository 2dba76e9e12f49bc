"""The last resort against work that does not hear: its process ends itself.

An order is heard between two events of the work. One that comes during a long computation, which
may be a single call into a library, would wait for its end. So where the order wants nothing of the
work any more, a second thread ends the process, and whoever started it puts the run's folder right
(`settling.settle_run`); `status.read_status` tells the same to everybody who comes before.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism_desktop.engine.runs.control import Control

UNHEARD = 75  # exit code of a process that ended itself
_UNHEARD_SECONDS = 1.0  # since the work last asked
_ENDING_SECONDS = 5.0  # for work that heard the order to put everything away
_LOOK_SECONDS = 0.1


def leave_within(seconds: float) -> None:
    """End this process in so many seconds, if work in a thread of its own still holds it then.

    For one that has put away all that must be kept.
    """
    timer = threading.Timer(seconds, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    os._exit(UNHEARD)


@contextlib.contextmanager
def enforced(control: "Control", end: Callable[[], object] = _exit) -> Iterator[None]:
    """While the work inside goes on, call `end` if an order that ends it is not heard."""
    done = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(control, done, end), name="last resort", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(control: "Control", done: threading.Event, end: Callable[[], object]) -> None:
    since: float | None = None  # when the order was seen first
    while not done.wait(_LOOK_SECONDS):
        if not control.ends():
            since = None
            continue
        now = time.monotonic()
        since = now if since is None else since
        # asked after the order was given: it is at ending
        heard = control.heard > since
        if now - since > (_ENDING_SECONDS if heard else _UNHEARD_SECONDS):
            end()
            return
