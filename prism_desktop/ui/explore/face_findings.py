"""What takes a while to find out about the faces that are looked at, in a job of its own."""

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.events import Event
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job


class FaceFindings(QObject):
    """At most one question is looked into; another one ends it."""

    came = Signal()  # the answer to the question that is asked now
    failed = Signal(str)  # why there is none

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._key: object = None
        self._job: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None

    def want(self, key: object, work: Callable[[], Iterator[Event[Any]]] | None) -> None:
        """Look into a question, unless it is the one that is asked already; None for none."""
        if key == self._key and work is not None:
            return
        if self._job is not None:
            self._job.cancel()
        self._key, self._job = key, None
        if work is not None:
            self._start(work())

    def forget(self) -> None:
        """Ask for nothing any more."""
        self.want(None, None)

    def _start(self, work: Iterator[Event[Any]]) -> None:
        told: list[str] = []

        def done() -> None:
            if self._job is not job:
                return
            self._job = None
            if told:
                self.failed.emit(told[0])
            else:
                self.came.emit()

        self._job = job = self._context.jobs.start(
            work, "Looking at the faces", quiet=True, owner=self
        )
        job.failed.connect(lambda error: told.append(str(error)))
        job.finished.connect(done)
