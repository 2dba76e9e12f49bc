"""The Compare view: methods side by side on one study, while they are trained and afterwards."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSplitter, QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.experiments.measurement import measure_in_worker
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs.estimates import BOUNDS, bounds
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Batch, ComparisonBegun, ItemBegun, ItemEnded
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train import leaderboard_data, operations
from prism_desktop.ui.train.comparison_progress import ComparisonProgress
from prism_desktop.ui.train.leaderboard_columns import Row, badge, swapped_value, title
from prism_desktop.ui.train.leaderboard_data import ComparisonRecord
from prism_desktop.ui.train.leaderboard_plots import KINDS, LeaderboardPlots
from prism_desktop.ui.train.leaderboard_table import LeaderboardTable
from prism_desktop.ui.train.operations import ComparisonRequest
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.file_export import save_figure, save_table
from prism_desktop.ui.widgets.waiting_page import WaitingPage
from prism_desktop.ui.widgets.whole_table import WholeTable

_HEAD = (
    "method", "accuracy", *BOUNDS, "micro", "gain", *(f"gain_{bound}" for bound in BOUNDS), "p",
    "improved", "worst_labeler", "worst_labeler_name", "worst_gain",
    "swapped_gain", "nll", "ece", "parameters", "seconds", "gate",
)  # fmt: skip


class CompareView(QWidget):
    """The leaderboard of one comparison at a time, what goes on above it, plots below."""

    begun = Signal(Path)  # a run of the comparison
    refused = Signal(str)  # why a comparison could not start
    ended = Signal()  # what it was at, one way or another
    wanted = Signal()  # a comparison, as the form describes it
    turned = Signal()  # another page is in front

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self._leaderboards: tuple[ComparisonRecord, ...] = ()
        self._names: dict[str, str] = {}
        self._job: Job | None = None
        self._measuring: Job | None = None
        self._listed = False  # whether the study's comparisons were read
        self._wanted = ""  # the folder of the comparison under way
        theme = context.theme
        self.choice = QComboBox()
        self.choice.setAccessibleName("Comparison")
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.choice.currentIndexChanged.connect(lambda _: self._show())
        self.progress = ComparisonProgress()
        self.progress.cancelled.connect(self.cancel)
        self.table, self.plots = LeaderboardTable(theme), LeaderboardPlots(theme)
        self.table.chosen.connect(self._show_method)
        self.plots.measure.clicked.connect(lambda _=False: self.measure())
        self.plots.export.clicked.connect(lambda _=False: self._export_plot())
        self.remarks, self.control = label("", "small", wrap=True), label("", "notice", wrap=True)
        self._gains = button("Export &gains", self._export_gains, "quiet", tip="As SVG, PDF or PNG")
        self._csv = button("E&xport table", self._export_table, "quiet", tip="As CSV")
        self.empty = EmptyState(
            theme,
            "train",
            "Nothing has been compared yet",
            "Choose methods at the left and start. All learn from the same answers and are tested "
            "on the same held-out faces; finished runs are used again. You can go on working "
            "meanwhile.",
            (("Start the comparison", self.wanted.emit),),
        )
        self._lay_out()

    @property
    def bare(self) -> bool:
        """Whether there is only the hint to start one."""
        return self._pages.currentWidget() is self.empty

    @property
    def busy(self) -> bool:
        """Whether a comparison goes on."""
        return self._job is not None

    @property
    def measuring(self) -> bool:
        """Whether a curve is being measured."""
        return self._measuring is not None

    def curves(self) -> tuple[str, ...]:
        """The pages of curves that have some in the comparison shown: "shots", "curve"."""
        leaderboard = self._leaderboard()
        return tuple(
            what
            for what in ("shots", "curve")
            if leaderboard is not None and leaderboard_data.curve_lines(leaderboard, what)
        )

    def name_labelers(self, names: dict[str, str]) -> None:
        """What to call each labeler."""
        if names != self._names:
            self._names = self.table.leaderboard.names = names
            self._show_method(self.table.method)

    def open_study(self) -> None:
        """Another study, or none: nothing of the one before stays."""
        self._job, self._measuring, self._wanted, self._leaderboards = None, None, "", ()
        self._listed = False
        self.plots.wait(False)
        self.progress.hide()
        self._offer(())
        self.refresh()

    def refresh(self) -> None:
        """Read the study's comparisons again."""
        study = self.context.study
        if study is not None:
            path = Path(study.path)
            self.context.ask(
                lambda: leaderboard_data.list_leaderboards(path),
                self._list,
                owner=self,
                what="Reading the comparisons",
                topic="leaderboards",
            )

    def _list(self, found: tuple[ComparisonRecord, ...]) -> None:
        self._listed = True
        self._offer(found)

    def start(self, request: ComparisonRequest) -> None:
        """Train what a comparison lacks; the leaderboard grows meanwhile."""
        study = self.context.study
        if study is None or self._job is not None:
            return
        self.progress.begin()
        self._pages.setCurrentIndex(0 if self._leaderboards else 2)
        work = operations.compare(Path(study.path), request)
        self._job = job = self.context.jobs.start(
            work, "Comparing methods", quiet=True, events=self._receive, owner=self
        )
        job.failed.connect(self._failed)
        job.finished.connect(lambda: self._ended(job))

    def measure(self) -> None:
        """Measure the curve in front for the chosen method."""
        leaderboard, method, page = self._leaderboard(), self.table.method, self.plots.pages.current
        run = leaderboard.run(method) if leaderboard is not None else None
        if run is None or page not in KINDS or self._measuring is not None:
            return
        self.plots.wait(True)
        self.context.begin()
        work = measure_in_worker(KINDS[page], RunFolder(run))
        self._measuring = job = self.context.jobs.start(
            work, f"Measuring {method_title(method)}", owner=self
        )
        job.failed.connect(self.context.report)
        job.finished.connect(lambda: self._measured(job))

    def cancel(self) -> None:
        """End the comparison; what is finished stays."""
        if self._job is not None:
            self._job.cancel()

    def _lay_out(self) -> None:
        """The choice of a comparison above; below it the leaderboard over the plots."""
        above = rows(
            columns(label("Leaderboard", "strong"), None, self._gains, self._csv),
            self.control,
            WholeTable(self.table),
            self.remarks,
            gap=GRID,
        )
        above.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        above.setStretch(2, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(frame("card", above))
        split.addWidget(self.plots)
        split.setHandleWidth(GRID + 4)
        split.setSizes([352, 448])
        split.setChildrenCollapsible(False)
        self._pages = QStackedWidget()
        for page in (split, self.empty, QWidget(), WaitingPage("Reading the comparisons…")):
            self._pages.addWidget(page)
        self._pages.currentChanged.connect(lambda _: self.turned.emit())
        self._head = columns(label("Comparison", "title"), self.choice, gap=2 * GRID)
        # the progress is below: it goes by itself, and nothing moves for it
        layout = rows(self._head, self._pages, self.progress, gap=GRID + 4)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _offer(self, found: tuple[ComparisonRecord, ...]) -> None:
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

    def _leaderboard(self) -> ComparisonRecord | None:
        place = self.choice.currentIndex()
        return self._leaderboards[place] if 0 <= place < len(self._leaderboards) else None

    def _show(self) -> None:
        leaderboard = self._leaderboard()
        self.table.leaderboard.words = self.context.words
        self.table.show_rows(leaderboard.methods if leaderboard is not None else ())
        remarks = leaderboard.remarks() if leaderboard is not None else []
        self.remarks.setText(" ".join(remarks))
        self.remarks.setVisible(bool(remarks))
        said, good = leaderboard.control() if leaderboard is not None else ("", True)
        self.control.setText(said)
        self.control.setVisible(bool(said))
        restyle(self.control, kind="good" if good else "bad")
        self._show_method(self.table.method)

    def _show_method(self, method: str) -> None:
        self.plots.show_leaderboard(self._leaderboard(), method, self._names)

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

    def _measured(self, job: Job) -> None:
        if job is self._measuring:
            self._measuring = None
            self.plots.wait(False)
            self.refresh()
            self.context.changed.emit(Changes(runs=True))

    def _export_table(self) -> None:
        leaderboard = self._leaderboard()
        if leaderboard is not None:
            save_table(
                self,
                self.context,
                f"leaderboard {leaderboard.path.name}",
                _HEAD,
                (_line(row, self._names) for row in self.table.leaderboard.rows),
            )

    def _export_gains(self) -> None:
        self._save("gains", f"gains {self.choice.currentData()}")

    def _export_plot(self) -> None:
        what = self.plots.pages.current
        self._save(what, f"{self.table.method} per labeler" if what == "labelers" else what)

    def _save(self, what: str, name: str) -> None:
        leaderboard, method, names = self._leaderboard(), self.table.method, dict(self._names)
        if leaderboard is not None:
            save_figure(
                self,
                self.context,
                name,
                lambda path: operations.draw_leaderboard(path, what, leaderboard, method, names),
            )


def _line(row: Row, names: Mapping[str, str]) -> tuple[object, ...]:
    """A method's numbers, unrounded."""
    result = row.result
    test, gain, worst = result.test, result.gain, result.worst
    value, p = (gain.value, gain.p) if gain else (None, None)
    least: tuple[object, ...] = (None,) * 3
    if worst:
        least = (worst.labeler, names.get(worst.labeler, worst.labeler), worst.difference)
    return (
        title(row), test.macro.accuracy, *bounds(test.macro), test.micro.accuracy,
        value, *bounds(gain), p, result.improved, *least, swapped_value(row), test.nll, test.ece,
        result.parameters, result.seconds,
        badge(row),
    )  # fmt: skip
