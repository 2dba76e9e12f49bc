"""The progress of a study's runs: read once where they have ended, followed where they go on."""

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.runs.run_events import Batch, LoggedEvent
from prism_desktop.engine.runs.stopping import has_checkpoints
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import RunProgress


class ProgressStore(QObject):
    """Each run's `RunProgress`; the window may close meanwhile and find a run again."""

    grown = Signal(str)  # a run told more
    ended = Signal(str)  # a run that was followed has ended

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._progress: dict[str, RunProgress] = {}
        self._watches: dict[str, Job] = {}
        self._read: set[str] = set()

    def of(self, row: RunRow) -> RunProgress:
        """A run's progress; an ended run is read now if it was not yet, and `grown` follows."""
        name = row.run.name
        if row.live:
            self.follow(row)
        elif name not in self._read and name not in self._watches:
            read = self._read
            read.add(name)

            def take(told: list[LoggedEvent]) -> None:
                if read is self._read:  # still the study it was asked for
                    self._take(name, told)

            self._context.ask(
                lambda: operations.history(row.run.path),
                take,
                owner=self,
                what="Reading the curves",
            )
        return self._progress.setdefault(name, _fresh(row))

    def follow(self, row: RunRow) -> None:
        """Follow a run that goes on until it ends."""
        name = row.run.name
        if name in self._watches:
            return
        self._progress[name] = _fresh(row)
        self._read.add(name)

        def receive(batches: list[Batch]) -> None:
            told = [event for batch in batches for event in batch]
            if told and self._watches.get(name) is job:
                self._progress[name].update(told)
                self.grown.emit(name)

        def end() -> None:
            if self._watches.get(name) is job:  # not one let go of with its study
                del self._watches[name]
                self.ended.emit(name)
                self._wait_for_baselines(row)

        job = self._context.jobs.start(
            operations.watch(row.run.path), f"watch {name}", quiet=True, events=receive, owner=self
        )
        self._watches[name] = job
        job.failed.connect(self._context.report)
        job.finished.connect(end)

    def _wait_for_baselines(self, row: RunRow) -> None:
        """Tell once more that a run has ended when what it is read against is there, too."""
        path, name = row.run.path, row.run.name
        if not operations.awaits_baselines(path):
            return
        read = self._read
        job = self._context.jobs.start(
            operations.wait_for_baselines(path), f"baselines of {name}", quiet=True, owner=self
        )

        def told() -> None:
            if read is self._read:  # still the study that was open
                self.ended.emit(name)

        job.finished.connect(told)

    def forget(self) -> None:
        """Another study: let go of everything; the runs themselves go on."""
        for job in self._watches.values():
            job.cancel()
        self._watches.clear()
        self._progress.clear()
        self._read = set()

    def _take(self, name: str, told: list[LoggedEvent]) -> None:
        progress = self._progress.setdefault(name, RunProgress())
        progress.update(told)
        self.grown.emit(name)


def _fresh(row: RunRow) -> RunProgress:
    run = row.run
    return RunProgress(by_steps=has_checkpoints(run.method, features=run.features, task=run.task))
