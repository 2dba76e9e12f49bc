"""A page of comparisons, of either task: which one is shown, what goes on, and how it is ended."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs.run_events import Batch, ComparisonBegun, ItemBegun, ItemEnded
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train.comparison_progress import ComparisonProgress
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.waiting_page import WaitingPage


class ComparisonListing(Protocol):
    """One comparison, as far as the page looks at it."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def finished(self) -> bool:
        """Whether no method is still to come."""

    def title(self) -> str:
        """What is compared, in a line."""


class ComparisonPage(QWidget):
    """One comparison at a time, chosen above, and what goes on below it.

    Who inherits it reads and shows comparisons of a task, and begins them.
    """

    begun = Signal(Path)  # a run of the comparison
    refused = Signal(str)  # why a comparison could not start
    ended = Signal()  # what it was at, one way or another
    wanted = Signal()  # a comparison, as the form describes it
    turned = Signal()  # another page is in front

    def __init__(self, context: AppContext, how: str) -> None:
        """`how` says what a comparison is, where there is none yet."""
        super().__init__()
        self.context = context
        self._leaderboards: tuple[ComparisonListing, ...] = ()
        self._job: Job | None = None
        self._listed = False  # whether the study's comparisons were read
        self._wanted = ""  # the folder of the comparison under way
        self.choice = QComboBox()
        self.choice.setAccessibleName("Comparison")
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.choice.currentIndexChanged.connect(lambda _: self._show())
        self.progress = ComparisonProgress()
        self.progress.cancelled.connect(self.cancel)
        begin = ("Start the comparison", self.wanted.emit)
        title = "Nothing has been compared yet"
        self.empty = EmptyState(context.theme, "train", title, how, (begin,))

    def _reading(self) -> Callable[[Path], tuple[ComparisonListing, ...]]:
        """What reads a study's comparisons, the newest first."""
        raise NotImplementedError

    def _work(self, study: Path, request: Any) -> Iterator[Batch]:
        """What trains a comparison."""
        raise NotImplementedError

    def _show(self) -> None:
        """Show the comparison that is chosen, or none."""
        raise NotImplementedError

    @property
    def bare(self) -> bool:
        """Whether there is only the hint to start one."""
        return self._pages.currentWidget() is self.empty

    @property
    def busy(self) -> bool:
        """Whether a comparison goes on."""
        return self._job is not None

    def open_study(self) -> None:
        """Another study, or none: nothing of the one before stays."""
        self._job, self._wanted, self._leaderboards = None, "", ()
        self._listed = False
        self.progress.hide()
        self._offer(())
        self.refresh()

    def refresh(self) -> None:
        """Read the study's comparisons again."""
        study = self.context.study
        if study is not None:
            path, read = Path(study.path), self._reading()
            self.context.ask(
                lambda: read(path),
                self._list,
                owner=self,
                what="Reading the comparisons",
                topic=f"comparisons of {type(self).__name__}",
            )

    def _list(self, found: tuple[ComparisonListing, ...]) -> None:
        self._listed = True
        self._offer(found)

    def start(self, request: Any) -> None:
        """Train what a comparison lacks; the leaderboard grows meanwhile."""
        study = self.context.study
        if study is None or self._job is not None:
            return
        self.progress.begin()
        self._pages.setCurrentIndex(0 if self._leaderboards else 2)
        work = self._work(Path(study.path), request)
        self._job = job = self.context.jobs.start(
            work, "Comparing methods", quiet=True, events=self._receive, owner=self
        )
        job.failed.connect(self._failed)
        job.finished.connect(lambda: self._ended(job))

    def cancel(self) -> None:
        """End the comparison; what is finished stays."""
        if self._job is not None:
            self._job.cancel()

    def _lay_around(self, content: QWidget) -> None:
        """The choice of a comparison above its content, what goes on below."""
        self._pages = QStackedWidget()
        for page in (content, self.empty, QWidget(), WaitingPage("Reading the comparisons…")):
            self._pages.addWidget(page)
        self._pages.currentChanged.connect(lambda _: self.turned.emit())
        self._head = columns(label("Comparison", "title"), self.choice, gap=2 * GRID)
        # the progress is below: it goes by itself, and nothing moves for it
        layout = rows(self._head, self._pages, self.progress, gap=GRID + 4)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _offer(self, found: tuple[ComparisonListing, ...]) -> None:
        """List the comparisons; the one that was shown stays so while it is there."""
        if found == self._leaderboards and found:
            return
        before, self._leaderboards = self.choice.currentData(), found
        self.choice.blockSignals(True)
        self.choice.clear()
        for leaderboard in found:
            self.choice.addItem(
                one_line(leaderboard.title()) + ("" if leaderboard.finished else " (not finished)"),
                leaderboard.path.name,
            )
        # one that has just begun has no leaderboard yet, so the one before stays in view
        places = (self.choice.findData(name) for name in (self._wanted, before) if name)
        place = next((place for place in places if place >= 0), 0)
        self.choice.setCurrentIndex(place if found else -1)
        self.choice.blockSignals(False)
        self.choice.setVisible(bool(found))
        bare = 1 if self._listed else 3
        self._pages.setCurrentIndex(0 if found else 2 if self.busy else bare)
        self._show()

    def _chosen(self) -> ComparisonListing | None:
        place = self.choice.currentIndex()
        return self._leaderboards[place] if 0 <= place < len(self._leaderboards) else None

    def _receive(self, batches: list[Batch]) -> None:
        if self._job is None or self.sender() not in (None, self._job):
            return
        events = [event for batch in batches for event in batch]
        for run in self.progress.receive(events):
            self.begun.emit(run)
        for event in events:
            if isinstance(event, ComparisonBegun):
                self._wanted = Path(event.path).name
            if isinstance(event, ItemEnded):
                self.refresh()
            if isinstance(event, ItemBegun | ItemEnded):
                self.context.changed.emit(Changes(runs=True))

    def _failed(self, error: Exception) -> None:
        # about what the form says, so it stands there
        if isinstance(error, PrismError) and not self._wanted:
            self.refused.emit(str(error))
        else:
            self.context.report(error)

    def _ended(self, job: Job) -> None:
        if job is not self._job:
            return
        self._job, self._wanted = None, ""
        self.progress.hide()
        self._pages.setCurrentIndex(0 if self._leaderboards else 1)
        self.refresh()
        self.context.changed.emit(Changes(runs=True))
        self.ended.emit()
