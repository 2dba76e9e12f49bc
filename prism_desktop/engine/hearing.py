"""Work that hears at any time: it is done in a thread, so that whoever waits for it need not.

An event of long work can be long in coming: one call into a library, one large query. What is
wrapped in `responsive` tells something ten times a second, and closing it returns within a second.
"""

import queue
import threading
from collections.abc import Generator
from contextlib import closing
from typing import Final, TypeVar

from prism_desktop.engine.events import Event, Progress

T = TypeVar("T")
_EVERY: Final = 0.1  # s between two events
# s that closing waits for the work to put everything away; it goes on doing so after that
_PATIENCE: Final = 1.0


class UnwantedError(BaseException):
    """Nobody waits for this work any more; not caught by any, whose `finally` blocks run."""


class _Here(threading.local):
    unwanted: threading.Event | None = None


_here = _Here()


def order() -> threading.Event | None:
    """What is set once nobody waits for the work in this thread; None if it cannot be."""
    return _here.unwanted


def follow(unwanted: threading.Event | None) -> threading.Event | None:
    """The work in this thread is done for that of another; returns what was said before."""
    before, _here.unwanted = _here.unwanted, unwanted
    return before


def check_wanted() -> None:
    """For a long loop without events: raises `UnwantedError` if nobody waits for it any more."""
    if _here.unwanted is not None and _here.unwanted.is_set():
        raise UnwantedError


def responsive(
    events: Generator[Event[T], None, None], what: str
) -> Generator[Event[T], None, None]:
    """The same events, and the last progress again while the next is long in coming.

    The work never runs ahead of whoever asks for its events. Closed in the middle of something
    that cannot be interrupted, it ends there later, in silence.

    Args:
        events: the work.
        what: the first progress says, until the work says its own.
    """
    unwanted = threading.Event()
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
    told: queue.SimpleQueue[Event[T] | BaseException | None] = queue.SimpleQueue()
    thread = threading.Thread(
        target=_work, args=(events, unwanted, asked, told), name=what, daemon=True
    )
    thread.start()
    last = Progress(0, None, what)
    try:
        while True:
            asked.put(True)
            while True:
                try:
                    event = told.get(timeout=_EVERY)
                    break
                except queue.Empty:
                    yield last
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, Progress):
                last = event
            yield event
    finally:
        event = None
        unwanted.set()
        asked.put(False)
        thread.join(_PATIENCE)


def _work(
    events: Generator[Event[T], None, None],
    unwanted: threading.Event,
    asked: "queue.SimpleQueue[bool]",
    told: "queue.SimpleQueue[Event[T] | BaseException | None]",
) -> None:
    follow(unwanted)
    try:
        with closing(events):
            while asked.get():
                told.put(next(events, None))
    except BaseException as error:  # carried to whoever waits
        told.put(error)
