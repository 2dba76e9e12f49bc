"""Jobs: long work, a generator in a thread of its own; its events come once a frame."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from prism_desktop.ui.lifetimes import Lifetime, Lifetimes

FRAME = 16  # ms between deliveries
# events that may wait; a faster worker is held back, so that memory and one delivery stay bounded
PENDING = 20_000
_QUIET = 1.0  # s that closing waits for a quiet job: it only reads
_log = logging.getLogger(__name__)


class Job(QObject):
    """Work in a thread; its events reach the window in batches, once a frame.

    The worker never touches Qt: the window's own timer fetches what has come. So a fast worker
    cannot starve the event loop, and `cancel` takes effect between any two events.

    The first four signals are its owner's: once that is gone the job is cancelled and they are
    silent. `closed` is for those who keep account of jobs."""

    events = Signal(list)  # oldest first, never empty
    ended = Signal(bool)  # True if cancelled
    failed = Signal(Exception)  # in place of `ended`
    finished = Signal()  # after `ended` or `failed`
    closed = Signal()  # the work has ended, whoever still listens

    def __init__(
        self,
        work: Iterable[Any],
        title: str,
        lifetime: Lifetime,
        parent: QObject | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """`lifetime` is that of the object which the job works for."""
        super().__init__(parent)
        self.title, self.quiet = title, quiet
        self._lifetime = lifetime
        self._work: Iterator[Any] = iter(work)
        self._cancelled = threading.Event()
        self._done = threading.Event()
        self._room = threading.Condition()
        self._waiting: deque[Any] = deque()
        self._error: Exception | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._deliver)
        self._thread = threading.Thread(target=self._run, name=f"job {title}", daemon=True)

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def start(self) -> "Job":
        self._lifetime.add_listener(self.cancel)
        self._timer.start()
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the work to end after its present event.

        Its `finally` blocks run, then `ended(True)` comes.
        """
        self._cancelled.set()
        with self._room:
            self._room.notify_all()

    def abandon(self) -> None:
        """Cancel, and tell nobody anything any more."""
        self.cancel()
        self._timer.stop()

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to end; True if it did."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for event in self._work:
                self._put(event)
                if self._cancelled.is_set():
                    break
        except Exception as error:  # carried to the window, which words or logs it
            self._error = error
        finally:
            self._close()
            self._done.set()

    def _put(self, event: Any) -> None:
        with self._room:
            self._room.wait_for(lambda: len(self._waiting) < PENDING or self._cancelled.is_set())
            self._waiting.append(event)

    def _close(self) -> None:
        try:
            if isinstance(self._work, Generator):
                self._work.close()
        except Exception as error:
            self._error = self._error or error

    def _deliver(self) -> None:
        done = self._done.is_set()  # read first: what came before it is then in the queue
        with self._room:
            batch = list(self._waiting)
            self._waiting.clear()
            self._room.notify_all()
        if batch and not self._lifetime.over:
            self.events.emit(batch)
        if not done:
            return
        self._timer.stop()
        self._lifetime.remove_listener(self.cancel)
        if not self._lifetime.over:
            if self._error is not None:
                self.failed.emit(self._error)
            else:
                self.ended.emit(self._cancelled.is_set())
        if not self._lifetime.over:  # a slot may have closed the window
            self.finished.emit()
        self.closed.emit()


class Jobs(QObject):
    """The running jobs; closing the window cancels them."""

    started = Signal(Job)

    def __init__(self, lifetimes: Lifetimes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lifetimes = lifetimes
        self._running: list[Job] = []

    def __len__(self) -> int:
        return len(self._running)

    def start(
        self,
        work: Iterable[Any],
        title: str,
        *,
        owner: QObject,
        quiet: bool = False,
        events: Callable[[list[Any]], None] | None = None,
    ) -> Job:
        """Begin `work`, a generator of events.

        Args:
            title: shown beside the progress bar.
            owner: the object that the job works for; its end cancels the job.
            quiet: not announced by `started`, so that the window's progress strip leaves it alone.
            events: connected before the first event can come.
        """
        job = Job(work, title, self._lifetimes.of(owner), self, quiet=quiet)
        self._running.append(job)
        job.closed.connect(self._forget)
        if events is not None:
            job.events.connect(events)
        if not quiet:
            self.started.emit(job)
        return job.start()

    def cancel(self, then: Callable[[], None]) -> None:
        """Cancel all without waiting; `then` follows when those that may be writing have ended."""
        left = [job for job in self._running if not job.quiet]

        def ended(job: Job) -> None:
            left.remove(job)
            if not left:
                then()

        for job in left:
            job.closed.connect(partial(ended, job))
        for job in self._running:
            job.cancel()
        if not left:
            then()

    def close(self, seconds: float = 5.0) -> None:
        """Cancel all and wait for them, `seconds` in all.

        What does not end in time dies with the program.
        """
        for job in self._running:
            job.abandon()
        end = time.monotonic() + seconds
        for job in self._running:
            patience = end - time.monotonic()
            if (
                not job.wait(max(0.0, min(patience, _QUIET) if job.quiet else patience))
                and not job.quiet
            ):
                _log.warning("The job %r did not end within %.0f s.", job.title, seconds)
        self._running.clear()

    def _forget(self) -> None:
        job = self.sender()
        if isinstance(job, Job):
            if job in self._running:
                self._running.remove(job)
            job.deleteLater()
