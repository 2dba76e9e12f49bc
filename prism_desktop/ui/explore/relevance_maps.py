"""Relevance maps of one face, computed one labeler after another; each is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import FaceRelevance, LabelerRelevance
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.job import Job


@dataclass(frozen=True, slots=True)
class MapRequest:
    """What maps are of."""

    face: int
    attribute: str
    kind: str
    over: int | None = None  # the second face of a pair


class RelevanceMaps(QObject):
    """At most one job computes; another face, attribute or kind ends it, and `stop` does too."""

    came = Signal(str)  # the labeler whose map is there now
    moved = Signal()  # computing began or ended
    failed = Signal(str)  # why no more come

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._data: RunData | None = None
        self._request: MapRequest | None = None
        self._labelers: tuple[str, ...] = ()
        self._kept: dict[tuple[MapRequest, str], FaceRelevance] = {}  # the run's
        self._job: Job | None = None
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether a map is being computed."""
        return self._job is not None

    def forget(self) -> None:
        """Another run: none of its maps is known."""
        self.want(None, None, ())
        self._kept.clear()

    def want(self, data: RunData | None, asked: MapRequest | None, labelers: Sequence[str]) -> None:
        """Compute what is missing for these labelers, in this order; None for nothing."""
        if asked != self._request or data is not self._data:
            self._stopped = False
        self._data, self._request, self._labelers = data, asked, tuple(labelers)
        self._start(() if self._stopped else self._labelers)

    def found(self, labeler: str) -> FaceRelevance | None:
        """The map of one labeler, if it is there."""
        return None if self._request is None else self._kept.get((self._request, labeler))

    def missing(self, labelers: Sequence[str] | None = None) -> list[str]:
        """The labelers without a map."""
        return [
            each
            for each in (self._labelers if labelers is None else labelers)
            if self.found(each) is None
        ]

    def first(self, labeler: str) -> None:
        """Compute this labeler's before the others'; only this one's if the others were stopped."""
        if self.found(labeler) is None:
            others = [] if self._stopped else [each for each in self._labelers if each != labeler]
            self._start([labeler, *others])

    def stop(self) -> None:
        """Compute no more until asked to."""
        self._stopped = True
        self._start(())

    def go_on(self) -> None:
        """Compute what is missing after all."""
        self._stopped = False
        self._start(self._labelers)

    def _start(self, labelers: Sequence[str]) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = None
        data, asked, missing = self._data, self._request, self.missing(labelers)
        if data is not None and asked is not None and missing:
            self._compute(data, asked, missing)
        self.moved.emit()

    def _compute(self, data: RunData, asked: MapRequest, labelers: Sequence[str]) -> None:
        """Compute these in one job; results of another run or face are kept but not announced."""

        def on_events(events: list[Any]) -> None:
            if data is not self._data:
                return
            for event in events:
                if isinstance(event, LabelerRelevance):
                    self._kept[asked, event.labeler] = event.found
                    if asked == self._request:
                        self.came.emit(event.labeler)

        def failed(error: Exception) -> None:
            if self._job is job:
                self._stopped = True
                self.failed.emit(str(error))

        def done() -> None:
            if self._job is job:
                self._job = None
                self.moved.emit()

        work = operations.maps(data, asked.face, labelers, asked.attribute, asked.kind, asked.over)
        self._job = job = self._context.jobs.start(
            work, "Relevance maps", quiet=True, events=on_events, owner=self
        )
        job.failed.connect(failed)
        job.finished.connect(done)
