"""The loader of a run: reads what Explore shows of it, in a job."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import RestOfRun, read_rest, read_run, take_rest
from prism_desktop.ui.job import Job


class RunLoader(QObject):
    """One reading at a time."""

    read = Signal(object)  # RunData
    missed = Signal()  # it was cancelled by hand, or failed and that was reported
    completed = Signal(object)  # RunData that was read, of which all is known now

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._job: Job | None = None
        self._leaving: dict[int, RunData] = {}  # whose models are being put away

    @property
    def busy(self) -> bool:
        """Whether a run is still to come."""
        return self._job is not None

    def forget(self) -> None:
        """What is being read is no longer wanted; neither signal follows."""
        if self._job is not None:
            self._job.cancel()
        self._job = None

    def put_away(self, data: RunData) -> None:
        """End the process that holds the model of a run that is shown no more."""
        self._leaving[id(data)] = data

        def left(_: object) -> None:
            self._leaving.pop(id(data), None)

        self._context.ask(data.close, left, owner=self, what="Putting the model away")

    def close(self, shown: RunData | None) -> None:
        """End all those processes now, and that of the run that is shown.

        In the window's thread, for the worker answers no more; they end even if the panel was
        destroyed before its window was closed.
        """
        for data in (*self._leaving.values(), *(() if shown is None else (shown,))):
            data.close()

    def start(self, run: Path, names: Mapping[str, str]) -> None:
        """Read a run; `names` says what to call each labeler."""
        self.forget()
        taken: list[RunData] = []

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, RunData):
                taken.append(found)

        def done() -> None:
            if self._job is not job:
                return
            self._job = None
            if taken:
                self._complete(taken[0])
                self.read.emit(taken[0])
            else:
                self.missed.emit()

        self._job = job = self._context.jobs.start(
            read_run(run, names), "Reading the run", events=on_events, owner=self
        )
        job.failed.connect(self._context.report)
        job.finished.connect(done)

    def _complete(self, data: RunData) -> None:
        """Read what is left of a large run, while it is shown already."""
        if not data.unread:
            return

        def on_events(events: list[Any]) -> None:
            found = operations.result(events)
            if isinstance(found, RestOfRun) and self._job is job:
                take_rest(data, found)
                if found.damage:
                    self._context.message(" ".join(found.damage), "warn")

        def done() -> None:
            if self._job is not job:
                return
            self._job = None
            if data.unread:
                self.missed.emit()
            else:
                self.completed.emit(data)

        self._job = job = self._context.jobs.start(
            read_rest(data), "Reading the answers", quiet=True, events=on_events, owner=self
        )
        job.failed.connect(self._context.report)
        job.finished.connect(done)
