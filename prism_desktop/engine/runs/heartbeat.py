"""A sign of life of whoever works on a run, for those on other computers; and how it leaves a run
that others went on with, as they heard nothing of it."""

import contextlib
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

from prism_desktop.engine.errors import PrismError, TakenOverError
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Discarded, Finished, Stopped
from prism_desktop.engine.runs.status import BEAT_SECONDS, check_ours

_Event = TypeVar("_Event")


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


def while_ours(
    run: RunFolder, session: Generator[_Event, None, None]
) -> Generator[_Event, None, None]:
    """The events of a run's session, as long as the run is this process's.

    When it is not any more the session is told by an exception, after which, unlike one that is
    closed, it keeps nothing.

    Raises:
        TakenOverError: the run is no longer this process's.
    """
    with contextlib.closing(session):
        for event in session:
            if not isinstance(event, Finished | Stopped | Discarded):  # its own last word
                try:
                    check_ours(run.path)
                except TakenOverError as error:
                    session.throw(error)
                    raise
            yield event
