"""The stories of a study's runs: read once where they have ended, followed where they go on."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import Story


class Stories(QObject):
    """Knows what each run has told; the window may close meanwhile and find a run again."""

    grown = Signal(str)  # a run told more
    ended = Signal(str)  # a run that was followed has ended

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._stories: dict[str, Story] = {}
        self._watches: dict[str, Job] = {}
        self._read: set[str] = set()

    def of(self, row: RunRow) -> Story:
        """A run's story; an ended run's is read now if it was not yet, and `grown` follows."""
        name = row.run.name
        if row.live:
            self.follow(row)
        elif name not in self._read and name not in self._watches:
            read = self._read
            read.add(name)

            def take(told: list[dict[str, Any]]) -> None:
                if read is self._read:  # still the study it was asked for
                    self._take(name, told)

            self._context.ask(lambda: operations.history(row.run.path), take, owner=self)
        return self._stories.setdefault(name, Story())

    def follow(self, row: RunRow) -> None:
        """Follow a run that goes on until it ends."""
        name = row.run.name
        if name in self._watches:
            return
        self._stories[name] = Story()
        self._read.add(name)

        def hear(batches: list[list[dict[str, Any]]]) -> None:
            told = [event for batch in batches for event in batch]
            if told and self._watches.get(name) is job:
                self._stories[name].tell(told)
                self.grown.emit(name)

        def end() -> None:
            if self._watches.get(name) is job:  # not one let go of with its study
                del self._watches[name]
                self.ended.emit(name)

        job = self._context.jobs.start(
            operations.watch(row.run.path), f"watch {name}", quiet=True, events=hear, owner=self
        )
        self._watches[name] = job
        job.failed.connect(self._context.report)
        job.finished.connect(end)

    def forget(self) -> None:
        """Another study: let go of everything; the runs themselves go on."""
        for job in self._watches.values():
            job.cancel()
        self._watches.clear()
        self._stories.clear()
        self._read = set()

    def _take(self, name: str, told: list[dict[str, Any]]) -> None:
        story = self._stories.setdefault(name, Story())
        story.tell(told)
        self.grown.emit(name)
