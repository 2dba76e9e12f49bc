"""The leaderboard: a row per method, sorted by any column, the success gate's verdict as a badge."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import sized

Row = Mapping[str, Any]
_Index = QModelIndex | QPersistentModelIndex
_GATE = 11  # the column of the badge
_WIDTHS = (150, 130, 58, 60, 62, 74, 88, 54, 54, 50, 58, 76)  # px; the first takes what is left
_BADGES = {"passes": "good", "fails": "bad", "baseline": "accent"}  # text to kind


def title(row: Row) -> str:
    """What to call a row's method."""
    name = str(row["method"])
    return METHODS[name].title if name in METHODS else name


def badge(row: Row) -> str:
    """The gate's verdict in a word or three."""
    if row["method"] == "consensus":
        return "baseline"
    verdict = row.get("verdict")
    return "" if not verdict else "passes" if verdict["passed"] else "fails"


def _of(*keys: str) -> Callable[[Row], Any]:
    def get(row: Row) -> Any:
        found: Any = row
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    return get


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value + 0.0:+.1f}"


def _chance(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s" if value < 600 else f"{value / 60:.0f} min"


def _between(row: Row, whole: Sequence[str], sign: str = "") -> str:
    low, high = _of(*whole, "low")(row), _of(*whole, "high")(row)
    return "" if low is None or high is None else f"[{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def _macro(row: Row) -> str:
    value = _MACRO(row)
    return "–" if value is None else f"{100 * value:.1f}  {_between(row, ('test', 'macro'))}"


def _parameters(row: Row) -> str:
    count = row.get("parameters")
    if count is None:
        return "–"
    return f"{count}" if count < 1000 else f"{count / 1e3:.0f} k" if count < 1e6 else f"{count / 1e6:.1f} M"


_MACRO, _GAIN = _of("test", "macro", "accuracy"), _of("gain", "value")
# Name, what it is sorted by, what is shown, what it means.
COLUMNS: tuple[tuple[str, Callable[[Row], Any], Callable[[Row], str], str], ...] = (
    ("Method", title, title, ""),
    ("Accuracy", _MACRO, _macro,
     "Mean over labelers of the accuracy on held-out answers, in per cent, with the 95% interval over images"),
    ("Micro", _of("test", "micro", "accuracy"), lambda row: _share(_of("test", "micro", "accuracy")(row)),
     "Accuracy over all answers, whoever gave them"),
    ("Gain", _GAIN, lambda row: _points(_GAIN(row)), "Points of accuracy over the consensus model, mean over labelers"),
    ("p", _of("gain", "p"), lambda row: _chance(_of("gain", "p")(row)), "That the gain is chance, adjusted (Holm)"),
    ("Improved", _of("improved"), lambda row: "–" if row.get("improved") is None else f"{row['improved']:.0%}",
     "Share of labelers who gain; the gate wants more than 60%"),
    ("Worst", _of("worst", "difference"), lambda _: "–", "Who gains least or loses most, in points"),
    ("NLL", _of("test", "nll"), lambda row: _plain(_of("test", "nll")(row)), "Log loss; lower is better"),
    ("ECE", _of("test", "ece"), lambda row: _plain(_of("test", "ece")(row)), "Calibration error; lower is better"),
    ("Size", _of("parameters"), _parameters, "Parameters that were trained"),
    ("Time", _of("seconds"), lambda row: _seconds(row.get("seconds")), "Of one training"),
    ("Gate", badge, badge, "Improves more than 60% of labelers, lets nobody down, and p is below 0.05"),
)  # fmt: skip


class BoardModel(QAbstractTableModel):
    """Rows of a leaderboard in the order that was asked for; what is unknown comes last either way."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.rows: list[Row] = []
        self.names: Mapping[str, str] = {}  # what to call each labeler
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

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                column, order = self._by
                arrow = (" ↑" if order == Qt.SortOrder.AscendingOrder else " ↓") if section == column else ""
                return COLUMNS[section][0] + arrow
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section][3]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _side(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole if column == 6 and row.get("worst"):
                code = str(row["worst"]["labeler"])
                return f"{self.names.get(code, code)}  {_points(row['worst']['difference'])}"
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[column][2](row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(column)
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(row, column)
            case Qt.ItemDataRole.ForegroundRole:
                return self._ink(row, column)
            case Qt.ItemDataRole.FontRole if column in (0, 1, 3):
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
        if column == 9 and row.get("parameters") is not None:
            return f"{row['parameters']:,} parameters"
        if column == _GATE and row.get("verdict"):
            return "\n".join(row["verdict"]["reasons"])
        if column == 3 and row.get("gain"):
            return f"95% interval {_between(row, ('gain',), '+')} points"
        return METHODS[row["method"]].summary if column == 0 and row["method"] in METHODS else ""

    def _ink(self, row: Row, column: int) -> QColor | None:
        tokens = self.theme.tokens
        gain = _GAIN(row)
        if column == 3 and gain is not None:
            return QColor(tokens.good if gain > 0 else tokens.bad)
        return QColor(tokens.muted) if column in (2, 7, 8, 9, 10) else None


def _side(column: int) -> Qt.AlignmentFlag:
    if column == _GATE:
        return Qt.AlignmentFlag.AlignCenter
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class BoardTable(QTableView):
    """The arrows choose a method, a click on a heading sorts."""

    chosen = Signal(str)  # method

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.board = BoardModel(theme, self)
        self.setModel(self.board)
        self.setProperty("role", "board")
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
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        header.setSectionsMovable(False)
        header.setMinimumSectionSize(50)
        self.board.modelAboutToBeReset.connect(self._remember)
        self.board.modelReset.connect(self._restore)
        self._kept = ""
        self.selectionModel().currentRowChanged.connect(self._choose)

    @property
    def method(self) -> str:
        """The chosen method."""
        index = self.currentIndex()
        return str(self.board.rows[index.row()]["method"]) if index.isValid() else ""

    def pick(self, method: str) -> None:
        """Choose a method."""
        places = (place for place, row in enumerate(self.board.rows) if row["method"] == method)
        place = next(places, 0 if self.board.rows else -1)
        if place >= 0:
            self.setCurrentIndex(self.board.index(place, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnWidth(0, max(_WIDTHS[0], self.viewport().width() - sum(_WIDTHS[1:])))

    def _remember(self) -> None:
        self._kept = self.method

    def _restore(self) -> None:
        self.pick(self._kept)

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.method)


class _Badge(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, BoardModel)
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
                "bad": (tokens.hover, tokens.muted),
                "accent": (tokens.accent_soft, tokens.accent_text),
            }[kind]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(soft))
            painter.drawRoundedRect(box, 6, 6)
            painter.setPen(QColor(ink))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(78, 36)
