"""The leaderboard: a row per method, sorted by any
column, the success gate's verdict as a badge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from prism_desktop.engine.evaluation.named_results import named_reason
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs.estimates import INTERVALS, UNKNOWN, Tone, named_intervals
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.plain import draw_text, tip_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.leaderboard_columns import (
    COLUMNS,
    NAMES,
    Row,
    macro_accuracy,
    points,
    told_macro,
    told_over_consensus,
    told_swapped,
)
from prism_desktop.ui.widgets.dumbbell import tone_ink
from prism_desktop.ui.widgets.painted import sized
from prism_desktop.ui.widgets.table_rows import Index, TableRows
from prism_desktop.ui.widgets.whole_table import fit_columns

_PLACES = {name: place for place, name in enumerate(NAMES)}
_ACCURACY, _GAIN, _WORST, _SWAPPED, _GATE = (
    _PLACES[name] for name in ("Accuracy", "Gain", "Worst", "Swapped", "Gate")
)
_BOLD = [_PLACES[name] for name in ("Method", "Accuracy", "Gain")]
_PALE = [_PLACES[name] for name in ("Micro", "NLL", "ECE", "Size", "Time")]
# left out in this order where the table is too narrow for all
_GIVE_WAY = [_PLACES[name] for name in ("ECE", "NLL", "Size", "Time", "Micro", "p", "Improved")]
# to kind
_BADGES = {
    "passes": "good",
    "fails": "plain",
    "baseline": "accent",
    "no gain": "good",
    "gains": "bad",
}


class LeaderboardModel(TableRows):
    """Rows of a leaderboard in the order that was asked for.

    What is unknown comes last either way.
    """

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__([head for head, *_ in COLUMNS], parent=parent)
        self.theme = theme
        self.rows: list[Row] = []
        self.names: Mapping[str, str] = {}  # what to call each labeler
        self.words = FACES  # for what is judged
        self._by: tuple[int, Qt.SortOrder] = (1, Qt.SortOrder.DescendingOrder)

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self._order()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._by = (column, order)
        self.beginResetModel()
        self._order()
        self.endResetModel()

    def side(self, column: int) -> Qt.AlignmentFlag:
        if column == _GATE:
            return Qt.AlignmentFlag.AlignCenter
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter

    def head(self, column: int) -> str:
        """A heading, with an arrow on the column that sorts."""
        by, order = self._by
        up = order == Qt.SortOrder.AscendingOrder
        return COLUMNS[column][0] + ((" ↑" if up else " ↓") if column == by else "")

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """A heading; its tool tip says what it means."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return self.words.told(COLUMNS[section][3])
        return super().headerData(section, orientation, role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell: its text, side, colour, weight and tool tip."""
        row, column = self.rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole if column == _WORST and row.result.worst:
                worst = row.result.worst
                name = self.names.get(worst.labeler, worst.labeler)
                return f"{one_line(name)}  {points(worst.difference)}"
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[column][2](row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return self.side(column)
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(self._tip(row, column))
            case Qt.ItemDataRole.ForegroundRole:
                return self._ink(row, column)
            case Qt.ItemDataRole.FontRole if column in _BOLD and not (
                column in (_ACCURACY, _GAIN) and told_macro(row).few
            ):
                font = QFont()
                font.setWeight(QFont.Weight.DemiBold)
                return font
        return None

    def _order(self) -> None:
        column, order = self._by
        key = COLUMNS[column][1]
        known = [row for row in self.rows if key(row) is not None]
        unknown = [row for row in self.rows if key(row) is None]
        self.rows = sorted(known, key=key, reverse=order == Qt.SortOrder.DescendingOrder) + unknown

    def _tip(self, row: Row, column: int) -> str:
        result = row.result
        if column == _PLACES["Size"] and result.parameters is not None:
            return counted(result.parameters, "parameter")
        if column == _GATE and result.verdict is not None:
            return "\n".join(named_reason(each, self.names) for each in result.verdict.reasons)
        told = {_ACCURACY: told_macro, _GAIN: told_over_consensus, _SWAPPED: told_swapped}
        if column in told and told[column](row) is not UNKNOWN:
            return "\n".join([f"{told[column](row).line}, 95% interval", *_named(row, column)])
        return _whole(row) if column == 0 else ""

    def _ink(self, row: Row, column: int) -> QColor | None:
        tokens = self.theme.tokens
        if column == _GAIN:
            return QColor(tone_ink(told_over_consensus(row), tokens))
        if column == _SWAPPED and row.swapped_gain is not None and not row.shuffled:
            told = told_swapped(row)  # worse is as it must be
            as_must_be: dict[Tone, Tone] = {"good": "bad", "bad": "good", "plain": "plain"}
            return QColor(tone_ink(replace(told, tone=as_must_be[told.tone]), tokens))
        if column == _ACCURACY and told_macro(row).few:
            return QColor(tokens.muted)
        return QColor(tokens.muted) if column in _PALE else None


def _named(row: Row, column: int) -> list[str]:
    """The three intervals of a mean over labelers, where they are known."""
    told = {
        _ACCURACY: named_intervals(row.result.test.macro),
        _GAIN: named_intervals(row.result.gain, "+"),
    }.get(column, "")
    return [told[0].upper() + told[1:]] if INTERVALS[1] in told else []


def _whole(row: Row) -> str:
    """A method's summary, and all that the columns tell of it."""
    summary = METHODS[row.method].summary if row.method in METHODS else ""
    told = [f"{name}: {shown(row)}" for name, _, shown, _ in COLUMNS[1:] if shown(row) not in "–"]
    return "\n".join(filter(None, (summary, *told)))


class LeaderboardTable(QTableView):
    """The arrows choose a method, a click on a heading sorts."""

    chosen = Signal(str)  # a row's label

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """A table of whole rows, sorted by accuracy at first."""
        super().__init__(parent)
        self.leaderboard = LeaderboardModel(theme, self)
        self.setModel(self.leaderboard)
        self.setProperty("role", "leaderboard")
        self.setAccessibleName("Leaderboard")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(36)
        self.setItemDelegateForColumn(_GATE, _Badge(self))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSortIndicator(1, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        header.setSectionsMovable(False)
        header.setMinimumSectionSize(50)
        self.leaderboard.modelAboutToBeReset.connect(self._remember)
        self.leaderboard.modelReset.connect(self._restore)
        self._kept, self._by_hand, self._settling = "", "", False
        self._absent: tuple[int, ...] = (_SWAPPED,)
        self.selectionModel().currentRowChanged.connect(self._choose)

    @property
    def method(self) -> str:
        """The label of the chosen row: its method, and the settings that a grid varies."""
        index = self.currentIndex()
        return self.leaderboard.rows[index.row()].label if index.isValid() else ""

    def pick(self, method: str) -> None:
        """Choose a method, as if by hand; the best without one."""
        self._settle(method)
        self._by_hand = method

    def _settle(self, method: str) -> None:
        self._settling = True
        method = method or next((row.label for row in self._ranked()), "")
        places = (place for place, row in enumerate(self.leaderboard.rows) if row.label == method)
        place = next(places, 0 if self.leaderboard.rows else -1)
        if place >= 0:
            self.setCurrentIndex(self.leaderboard.index(place, 0))
        self._settling = False

    def _ranked(self) -> list[Row]:
        return sorted(self.leaderboard.rows, key=lambda row: -(macro_accuracy(row) or 0.0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows, the best first.

        The control, where there is one, in place of the micro accuracy.

        What was chosen by hand stays chosen; else the best is, also while a comparison grows."""
        self.leaderboard.show(rows)
        self._settle(self._by_hand if self._by_hand in {row.label for row in rows} else "")
        controlled = any(row.swapped is not None for row in rows)
        self._absent = (_PLACES["Micro"],) if controlled else (_SWAPPED,)
        self._fit()

    def _fit(self) -> None:
        """Methods and verdicts are always in sight; a row's tool tip has what gave way."""
        fit_columns(self, _GIVE_WAY, absent=self._absent)

    def _remember(self) -> None:
        self._kept = self.method

    def _restore(self) -> None:
        self._settle(self._kept)

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            if not self._settling:
                self._by_hand = self.method
            self.chosen.emit(self.method)


class _Badge(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The verdict on a ground of its kind, over the mark of the selected row."""
        model = index.model()
        assert isinstance(model, LeaderboardModel)
        tokens, rect = model.theme.tokens, QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.accent_soft))
        text = str(index.data())
        if text:
            painter.setFont(sized(QFont(option.font), 0.92, bold=True))
            kind = _BADGES[text]
            wide = painter.fontMetrics().horizontalAdvance(text) + 18
            box = QRect(0, 0, wide, 22)
            box.moveCenter(rect.center())
            soft, ink = {
                "good": (tokens.good_soft, tokens.good),
                "plain": (tokens.hover, tokens.muted),
                "bad": (tokens.bad_soft, tokens.bad),
                "accent": (tokens.accent_soft, tokens.accent_text),
            }[kind]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(soft))
            painter.drawRoundedRect(box, 6, 6)
            painter.setPen(QColor(ink))
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(78, 36)
