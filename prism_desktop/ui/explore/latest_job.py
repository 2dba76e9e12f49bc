"""Long work for a view, of which only the latest counts."""

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QObject

from prism_desktop.engine.events import Progress
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.operations import result
from prism_desktop.ui.job import Job


class LatestJob:
    """At most one piece of work at a time: a newer one takes its place, and what an older one that
    was cancelled still tells is dropped."""

    def __init__(self, context: AppContext, owner: QObject) -> None:
        self._context, self._owner = context, owner
        self._job: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._job is not None

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._job is not None:
            self._job.cancel()
        self._job = None

    def start(
        self,
        work: Iterable[Any],
        title: str,
        take: Callable[[Any], object],
        failed: Callable[[Exception], object],
        tell: Callable[[Progress], object] | None = None,
    ) -> None:
        """Begin in place of what went on; the value of its `Done` goes to `take`, how far it is to
        `tell`."""
        self.stop()

        def on_events(events: list[Any]) -> None:
            if self._job is not job:
                return
            if (found := result(events)) is not None:
                take(found)
            elif tell is not None and isinstance(events[-1], Progress):
                tell(events[-1])

        def fail(error: Exception) -> None:
            if self._job is job:
                failed(error)

        def done() -> None:
            if self._job is job:
                self._job = None

        self._job = job = self._context.jobs.start(
            work, title, quiet=True, events=on_events, owner=self._owner
        )
        job.failed.connect(fail)
        job.finished.connect(done)
