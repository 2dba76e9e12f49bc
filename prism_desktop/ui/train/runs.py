"""The table of runs: tick some to overlay their curves, choose one to see it whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from prism_desktop.engine.backbone_names import short as short
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.plain_text import dated, one_line
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.nats_words import interval_told
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import STAGES
from prism_desktop.ui.widgets.dumbbell import tone_ink
from prism_desktop.ui.widgets.painted import series_colour
from prism_desktop.ui.widgets.table_rows import Index, TableRows
from prism_desktop.ui.widgets.whole_table import fit_columns

COLUMNS = (
    "",
    "Method",
    "Started",
    "State",
    "Test accuracy",
    "95% interval",
    "Over consensus",
    "Backbone",
    "Split",
    "Seed",
)
# of runs that write: in nats, which are no accuracies, and never in one table with them
WRITING_COLUMNS = (
    *COLUMNS[:4], "Nats per token", "95% interval", "Over unified", COLUMNS[7], "People", "Seed"
)  # fmt: skip
_RIGHT = (4, 5, 6, 9)
# left out in this order where the table is too narrow for all
_GIVE_WAY = (9, 8, 7, 5, 6, 2, 3)
_COLOURS = {"finished": "good", "failed": "bad", "interrupted": "warn", "stopped": "muted"}


class RunsModel(TableRows):
    """Runs, newest first."""

    ticked = Signal()

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, _RIGHT, parent)
        self._theme = theme
        self.rows: tuple[RunRow, ...] = ()
        self._stages: dict[str, str] = {}  # what each run that goes on does
        self._longest = ""  # stage, said of each of them while columns are measured
        self.ticks: list[str] = []  # names in the order they were ticked, which gives their colours

    def show(self, rows: Sequence[RunRow]) -> None:
        """Show these runs; what was ticked stays ticked."""
        self.beginResetModel()
        self.rows = tuple(rows)
        names = {row.run.name for row in rows}
        self.ticks = [name for name in self.ticks if name in names]
        self.endResetModel()

    def head(self, column: int) -> str:
        return (WRITING_COLUMNS if self.of_writing else COLUMNS)[column]

    @property
    def of_writing(self) -> bool:
        """Whether these runs write."""
        return bool(self.rows) and self.rows[0].run.task == "writing"

    def show_stage(self, name: str, stage: str) -> None:
        """Say what a run that goes on does, as it is said wherever the run is shown."""
        place = next((at for at, row in enumerate(self.rows) if row.run.name == name), None)
        if place is not None and self._stages.get(name) != stage:
            self._stages[name] = stage
            cell = self.index(place, COLUMNS.index("State"))
            self.dataChanged.emit(cell, cell)

    @contextmanager
    def at_longest_stage(self, stage: str) -> Iterator[None]:
        """Meanwhile each run that goes on is at the stage whose name takes most room, so that a
        column made as wide as that cuts no later one and does not move with it."""
        self._longest = stage
        try:
            yield
        finally:
            self._longest = ""

    def told(self, row: RunRow) -> tuple[str, ...]:
        """A run's cells."""
        stage = self._longest or self._stages.get(row.run.name, "")
        return cells(row, stage if row.live else "")

    def colour(self, name: str) -> QColor | None:
        """The colour of a ticked run; the first two colours are the shown run's own."""
        return (
            series_colour(self._theme.tokens, self.ticks.index(name) + 2)
            if name in self.ticks
            else None
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell: its text, tick, side, colour, weight and tool tip."""
        row, column = self.rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return one_line(self.told(row)[column])
            case Qt.ItemDataRole.CheckStateRole if column == 0:
                return (
                    Qt.CheckState.Checked if row.run.name in self.ticks else Qt.CheckState.Unchecked
                )
            case Qt.ItemDataRole.TextAlignmentRole:
                return self.side(column)
            case Qt.ItemDataRole.ForegroundRole:
                return self._ink(row, column)
            case Qt.ItemDataRole.FontRole if column == 1 or (column == 4 and not _few(row)):
                font = QFont()
                font.setWeight(QFont.Weight.DemiBold)
                return font
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(_tip(row))
            case Qt.ItemDataRole.DecorationRole if column == 0:
                return self.colour(row.run.name)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        name = self.rows[index.row()].run.name
        if Qt.CheckState(value) == Qt.CheckState.Checked and name not in self.ticks:
            self.ticks.append(name)
        elif name in self.ticks:
            self.ticks.remove(name)
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, 0))
        self.ticked.emit()
        return True

    def _ink(self, row: RunRow, column: int) -> QColor | None:
        tokens = self._theme.tokens
        if column == 3:
            return QColor(str(getattr(tokens, _COLOURS.get(row.run.state, "accent_text"))))
        if column == 6 and row.run.task == "judging":
            return QColor(tone_ink(row.told_gain(), tokens))
        if column == 4 and _few(row):
            return QColor(tokens.muted)
        return QColor(tokens.muted) if column in (2, 5, 7, 8, 9) else None


def cells(row: RunRow, stage: str = "") -> tuple[str, ...]:
    """A run as the table's texts, also for its export; `stage` is that of one that goes on."""
    run = row.run
    if run.task == "writing":
        return _writer_cells(row, stage)
    this_year = dated(run.created, "%Y") == str(datetime.now().year)
    started = dated(run.created, "%d %b, %H:%M" if this_year else "%d %b %Y")
    told, gain = row.told(), row.told_gain()
    return (
        "",
        run_title(run),
        started,
        "unreadable" if run.damage else stage or _state(run),
        told.head,
        told.rest or "–",
        gain.line if gain.few else gain.number,
        short(run.backbone),
        run.held_out,
        str(run.seed),
    )


def _few(row: RunRow) -> bool:
    """Whether it was tested on too little to tell."""
    return row.told().few if row.written is None else row.written.test.few


def run_title(run: RunSummary) -> str:
    """The method's title, behind what somebody called the run."""
    writer = WRITING_METHODS.get(run.method) if run.task == "writing" else None
    method = method_title(run.method, run.backbone) if writer is None else writer.title
    return f"{run.label} · {method}" if run.label else method


def _writer_cells(row: RunRow, stage: str) -> tuple[str, ...]:
    run, found = row.run, row.written or WritingSummary()
    test, gain = found.test, found.gain
    few = f"{TOO_FEW}, " if test.few and test.value is not None else ""
    return (
        "",
        run_title(run),
        dated(run.created, "%d %b, %H:%M"),
        "unreadable" if run.damage else stage or _state(run),
        "–" if test.value is None else f"{few}{test.value:.3f}",
        interval_told(test) or "–",
        "–" if gain is None or gain.mean.value is None else f"{gain.mean.value:+.3f}",
        short(run.backbone),
        str(test.people or "–"),
        str(run.seed),
    )


def _state(run: RunSummary) -> str:
    more = ["weights gone"] * run.weightless + ["labelers shuffled"] * run.shuffled
    return ", ".join([run.state, *more])


def _tip(row: RunRow) -> str:
    """What the table may have no room for, below what is wrong with the run, if anything is."""
    heads = WRITING_COLUMNS if row.run.task == "writing" else COLUMNS
    told = zip(heads[2:], cells(row)[2:], strict=True)
    found = [f"{name}: {text}" for name, text in told if text != "–"]
    where = f"Trains{row.run.where}." if row.run.where else ""
    first = (row.run.damage or row.run.message, where, row.run.note, row.run.name)
    return "\n".join(filter(None, (*first, *found)))


class RunsTable(QTableView):
    """The view: the arrows show a run, Space ticks it, Tab goes on."""

    shown = Signal(str)  # run name

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs = RunsModel(theme, self)
        self.setModel(self.runs)
        self.setProperty("role", "plain")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        # cells cannot be edited, so Tab has nothing to do among them
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(36)
        self.setItemDelegateForColumn(0, _Tick(self))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(44)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.runs.modelReset.connect(self._fit)
        self.selectionModel().currentRowChanged.connect(self._choose)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        """What says the same of all runs gives way first; a row's tool tip has all of it."""
        told = [self.runs.told(row) for row in self.runs.rows]
        order = sorted(_GIVE_WAY, key=lambda column: len({row[column] for row in told}) > 1)
        longest = max(STAGES, key=self.fontMetrics().horizontalAdvance)
        with self.runs.at_longest_stage(longest):
            fit_columns(self, order, rigid=(0,))

    def select(self, name: str) -> None:
        """Make a run the current one without announcing it."""
        for place, row in enumerate(self.runs.rows):
            if row.run.name == name:
                self.selectionModel().blockSignals(True)
                self.selectRow(place)
                self.setCurrentIndex(self.runs.index(place, 1))
                self.selectionModel().blockSignals(False)
                self.scrollTo(self.runs.index(place, 1))
                self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            index = self.runs.index(self.currentIndex().row(), 0)
            on = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            self.runs.setData(
                index,
                Qt.CheckState.Unchecked if on else Qt.CheckState.Checked,
                Qt.ItemDataRole.CheckStateRole,
            )
            return
        super().keyPressEvent(event)

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.shown.emit(self.runs.rows[current.row()].run.name)


class _Tick(QStyledItemDelegate):
    """A tick box filled with the colour of the run's curve."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The box, in the colour of the curve where the run is ticked."""
        model = index.model()
        assert isinstance(model, RunsModel)
        tokens, state = model._theme.tokens, option.state
        rect: QRect = option.rect
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.accent_soft))
        colour = index.data(Qt.ItemDataRole.DecorationRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRect(0, 0, 16, 16)
        box.moveCenter(rect.center())
        painter.setPen(colour or QColor(tokens.border_strong))
        painter.setBrush(colour or QColor(tokens.raised))
        painter.drawRoundedRect(box, 5, 5)
        if colour is not None:
            model._theme.icon("check", tokens.surface).paint(painter, box.adjusted(1, 1, -1, -1))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(44, 36)

    def editorEvent(
        self, event: Any, model: Any, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        if event.type() == event.Type.MouseButtonRelease:
            on = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            return bool(
                model.setData(
                    index,
                    Qt.CheckState.Unchecked if on else Qt.CheckState.Checked,
                    Qt.ItemDataRole.CheckStateRole,
                )
            )
        return bool(event.type() == event.Type.MouseButtonDblClick)
