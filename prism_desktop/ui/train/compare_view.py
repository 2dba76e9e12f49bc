"""The Compare view: methods side by side on one study, while they are trained and afterwards."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter

from prism_desktop.engine.experiments.measurement import measure_in_worker
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.runs.estimates import BOUNDS, bounds
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Batch
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train import leaderboard_data, operations
from prism_desktop.ui.train.comparison_page import ComparisonListing, ComparisonPage
from prism_desktop.ui.train.leaderboard_columns import Row, badge, swapped_value, title
from prism_desktop.ui.train.leaderboard_data import ComparisonRecord
from prism_desktop.ui.train.leaderboard_plots import KINDS, LeaderboardPlots
from prism_desktop.ui.train.leaderboard_table import LeaderboardTable
from prism_desktop.ui.train.operations import ComparisonRequest
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.file_export import save_figure, save_table
from prism_desktop.ui.widgets.whole_table import WholeTable

_HEAD = (
    "method", "accuracy", *BOUNDS, "micro", "gain", *(f"gain_{bound}" for bound in BOUNDS), "p",
    "improved", "worst_labeler", "worst_labeler_name", "worst_gain",
    "swapped_gain", "nll", "ece", "parameters", "seconds", "gate",
)  # fmt: skip


class CompareView(ComparisonPage):
    """The leaderboard of one comparison at a time, what goes on above it, plots below."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(
            context,
            "Choose methods at the left and start. All learn from the same answers and are tested "
            "on the same held-out faces; finished runs are used again. You can go on working "
            "meanwhile.",
        )
        self._names: dict[str, str] = {}
        self._measuring: Job | None = None
        theme = context.theme
        self.table, self.plots = LeaderboardTable(theme), LeaderboardPlots(theme)
        self.table.chosen.connect(self._show_method)
        self.plots.measure.clicked.connect(lambda _=False: self.measure())
        self.plots.export.clicked.connect(lambda _=False: self._export_plot())
        self.remarks, self.control = label("", "small", wrap=True), label("", "notice", wrap=True)
        self._gains = button("Export &gains", self._export_gains, "quiet", tip="As SVG, PDF or PNG")
        self._csv = button("E&xport table", self._export_table, "quiet", tip="As CSV")
        self._lay_out()

    def _reading(self) -> Callable[[Path], tuple[ComparisonListing, ...]]:
        return leaderboard_data.list_leaderboards

    def _work(self, study: Path, request: ComparisonRequest) -> Iterator[Batch]:
        return operations.compare(study, request)

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
        self._measuring = None
        self.plots.wait(False)
        super().open_study()

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

    def _lay_out(self) -> None:
        """The leaderboard over the plots."""
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
        self._lay_around(split)

    def _leaderboard(self) -> ComparisonRecord | None:
        found = self._chosen()
        return found if isinstance(found, ComparisonRecord) else None

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
