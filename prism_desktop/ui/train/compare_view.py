"""The Compare view: methods side by side on one study, while they are trained and afterwards."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSplitter, QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.experiments.measurement import measure_in_worker
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.records import Changes
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.train import comparisons_read
from prism_desktop.ui.train.comparison_progress import UnderWay
from prism_desktop.ui.train.comparisons_read import Board
from prism_desktop.ui.train.leaderboard_columns import badge, title
from prism_desktop.ui.train.leaderboard_plots import KINDS, BoardPlots
from prism_desktop.ui.train.leaderboard_table import BoardTable
from prism_desktop.ui.train.operations import Asked
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, restyle, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.file_export import save_figure, save_table

_HEAD = (
    "method", "accuracy", "low", "high", "micro", "gain", "gain_low", "gain_high", "p", "improved",
    "worst_labeler",
    "worst_gain", "swapped_gain", "nll", "ece", "parameters", "seconds", "gate",
)  # fmt: skip


class CompareView(QWidget):
    """The leaderboard of one comparison at a time, what goes on above it, plots below."""

    begun = Signal(Path)  # a run of the comparison
    refused = Signal(str)  # why a comparison could not start

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self._boards: tuple[Board, ...] = ()
        self._names: dict[str, str] = {}
        self._job: Job | None = None
        self._measuring: Job | None = None
        self._wanted = ""  # the folder of the comparison under way
        theme = context.theme
        self.choice = QComboBox()
        self.choice.setAccessibleName("Comparison")
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.choice.currentIndexChanged.connect(lambda _: self._show())
        self.under_way = UnderWay()
        self.under_way.cancelled.connect(self.cancel)
        self.table, self.plots = BoardTable(theme), BoardPlots(theme)
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
        )
        self._lay_out()

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
        board = self._board()
        return tuple(
            what
            for what in ("shots", "curve")
            if board is not None and comparisons_read.lines(board, what)
        )

    def name_labelers(self, names: dict[str, str]) -> None:
        """What to call each labeler."""
        if names != self._names:
            self._names = self.table.board.names = names
            self._show_method(self.table.method)

    def open_study(self) -> None:
        """Another study, or none: nothing of the one before stays."""
        self._job, self._measuring, self._wanted, self._boards = None, None, "", ()
        self.plots.wait(False)
        self.under_way.hide()
        self._offer(())
        self.refresh()

    def refresh(self) -> None:
        """Read the study's comparisons again."""
        study = self.context.study
        if study is not None:
            path = Path(study.path)
            self.context.ask(
                lambda: comparisons_read.boards(path), self._offer, owner=self, topic="boards"
            )

    def start(self, asked: Asked) -> None:
        """Train what a comparison lacks; the leaderboard grows meanwhile."""
        study = self.context.study
        if study is None or self._job is not None:
            return
        self.under_way.begin()
        self._pages.setCurrentIndex(0 if self._boards else 2)
        work = comparisons_read.compare(Path(study.path), asked)
        self._job = job = self.context.jobs.start(
            work, "Comparing methods", quiet=True, events=self._hear, owner=self
        )
        job.failed.connect(self._failed)
        job.finished.connect(lambda: self._ended(job))

    def measure(self) -> None:
        """Measure the curve in front for the chosen method."""
        board, method, page = self._board(), self.table.method, self.plots.pages.current
        run = board.run(method) if board is not None else None
        if run is None or page not in KINDS or self._measuring is not None:
            return
        self.plots.wait(True)
        work = measure_in_worker(KINDS[page], RunFolder(run))
        self._measuring = job = self.context.jobs.start(
            work, f"Measuring {METHODS[method].title}", owner=self
        )
        job.failed.connect(self.context.report)
        job.finished.connect(lambda: self._measured(job))

    def cancel(self) -> None:
        """End the comparison; what is finished stays."""
        if self._job is not None:
            self._job.cancel()

    def _lay_out(self) -> None:
        above = rows(
            columns(label("Leaderboard", "strong"), None, self._gains, self._csv),
            self.control,
            self.table,
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
        for page in (split, self.empty, QWidget()):
            self._pages.addWidget(page)
        self._head = columns(label("Comparison", "title"), self.choice, gap=2 * GRID)
        layout = rows(self._head, self.under_way, self._pages, gap=GRID + 4)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _offer(self, found: tuple[Board, ...]) -> None:
        if found == self._boards and found:
            return
        before, self._boards = self.choice.currentData(), found
        self.choice.blockSignals(True)
        self.choice.clear()
        for board in found:
            self.choice.addItem(
                board.title() + ("" if board.finished else " (not finished)"), board.path.name
            )
        place = self.choice.findData(self._wanted or before)
        self.choice.setCurrentIndex(max(0, place) if found else -1)
        self.choice.blockSignals(False)
        self.choice.setVisible(bool(found))
        self._pages.setCurrentIndex(0 if found else 2 if self.busy else 1)
        self._show()

    def _board(self) -> Board | None:
        place = self.choice.currentIndex()
        return self._boards[place] if 0 <= place < len(self._boards) else None

    def _show(self) -> None:
        board = self._board()
        self.table.show_rows(board.methods if board is not None else ())
        remarks = board.remarks() if board is not None else []
        self.remarks.setText(" ".join(remarks))
        self.remarks.setVisible(bool(remarks))
        said, good = board.control() if board is not None else ("", True)
        self.control.setText(said)
        self.control.setVisible(bool(said))
        restyle(self.control, kind="good" if good else "bad")
        self._show_method(self.table.method)

    def _show_method(self, method: str) -> None:
        self.plots.show_board(self._board(), method, self._names)

    def _hear(self, batches: list[list[dict[str, Any]]]) -> None:
        if self._job is None or self.sender() not in (None, self._job):
            return
        events = [event for batch in batches for event in batch]
        for run in self.under_way.hear(events):
            self.begun.emit(run)
        for event in events:
            if event["type"] == "comparison":
                self._wanted = Path(event["path"]).name
            if event["type"] == "item-ended":
                self.refresh()
            if event["type"] in ("item", "item-ended"):
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
        self.under_way.hide()
        self._pages.setCurrentIndex(0 if self._boards else 1)
        self.refresh()
        self.context.changed.emit(Changes(runs=True))

    def _measured(self, job: Job) -> None:
        if job is self._measuring:
            self._measuring = None
            self.plots.wait(False)
            self.refresh()
            self.context.changed.emit(Changes(runs=True))

    def _export_table(self) -> None:
        board = self._board()
        if board is not None:
            save_table(
                self,
                self.context,
                f"leaderboard {board.path.name}",
                _HEAD,
                map(_line, self.table.board.rows),
            )

    def _export_gains(self) -> None:
        self._save("gains", f"gains {self.choice.currentData()}")

    def _export_plot(self) -> None:
        what = self.plots.pages.current
        self._save(what, f"{self.table.method} per labeler" if what == "labelers" else what)

    def _save(self, what: str, name: str) -> None:
        board, method, names = self._board(), self.table.method, dict(self._names)
        if board is not None:
            save_figure(
                self,
                self.context,
                name,
                lambda path: comparisons_read.draw_now(path, what, board, method, names),
            )


def _line(row: Any) -> tuple[Any, ...]:
    """A method's numbers, unrounded."""
    test, gain, worst = row["test"], row["gain"] or {}, row["worst"] or {}
    swapped = (row["swapped"] or {}).get("gain") or {}
    macro = test["macro"]
    return (
        title(row), macro["accuracy"], macro["low"], macro["high"], test["micro"]["accuracy"],
        gain.get("value"), gain.get("low"), gain.get("high"), gain.get("p"), row["improved"],
        worst.get("labeler"),
        worst.get("difference"), swapped.get("value"), test["nll"], test["ece"], row["parameters"],
        row["seconds"],
        badge(row),
    )  # fmt: skip
