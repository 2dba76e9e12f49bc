"""A sign of life of whoever works on a run, for those on other computers."""

import contextlib
import threading
from collections.abc import Iterator

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.status import BEAT_SECONDS


@contextlib.contextmanager
def beating(run: RunFolder, seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Within, the run's status says every few seconds that this process works on it.

    Args:
        run: whose status names this process.
        seconds: between two beats.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds):
            # a disk that is full or away for a moment; the next beat may do
            with contextlib.suppress(OSError, PrismError):
                run.beat()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
