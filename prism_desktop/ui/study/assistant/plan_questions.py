"""Plans made in the background; a newer question makes the ones before it void."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.reading.file_reading import KeptTables
    from prism_desktop.engine.study.store import Study


class PlanQuestions(QObject):
    """Asks for plans, one at a time; only the answer to the newest question is told."""

    planned = Signal(object)  # ImportPlan
    progressed = Signal(object)  # Progress
    failed = Signal(Exception)
    stopped = Signal()  # without an answer

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._job: Job | None = None
        self._number = 0
        self._kept: KeptTables | None = None  # what was read of the files at hand
        self._files: tuple[Path, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None

    def ask(self, study: "Study", files: Sequence[Path], recipe: Recipe, replacing: str) -> None:
        """Plan the import of these files; `replacing` is the import that it takes the place of."""
        self._drop()
        number = self._number
        if self._kept is None or self._files != tuple(files):
            self._kept, self._files = operations.kept_tables(), tuple(files)
        work = operations.plan_import(study, files, recipe, replacing=replacing, kept=self._kept)
        job = self._context.jobs.start(
            work,
            "Checking the files",
            quiet=True,
            owner=self,
            events=lambda events: self._hear(number, events),
        )
        self._job = job
        job.failed.connect(lambda error: self._fail(number, error))
        job.ended.connect(lambda _: self._end(number))

    def forget(self) -> None:
        """Let go of what was read."""
        self.stop()
        self._kept, self._files = None, ()

    def stop(self) -> None:
        """Give up what is asked; `stopped` follows at once."""
        if self._job is not None:
            self._drop()
            self.stopped.emit()

    def _drop(self) -> None:
        """From now on nothing is heard of the job that goes on."""
        self._number += 1
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _hear(self, number: int, events: list[Any]) -> None:
        if number != self._number:
            return
        done = next((event for event in events if isinstance(event, Done)), None)
        if done is not None:
            self._job = None
            self._number += 1
            self.planned.emit(done.value)
            return
        last = next((event for event in reversed(events) if isinstance(event, Progress)), None)
        if last is not None:
            self.progressed.emit(last)

    def _fail(self, number: int, error: Exception) -> None:
        if number == self._number:
            self._job = None
            self.failed.emit(error)

    def _end(self, number: int) -> None:
        if number == self._number:
            self._job = None
            self.stopped.emit()
