"""The list of labelers: how far each is, sorted and searched, by keys and mouse alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.study.records import Kind, LabelerProgress, LabelerRecord
from prism_desktop.ui.plain import draw_text, tip_text
from prism_desktop.ui.retest import Alike
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, columns, rows
from prism_desktop.ui.widgets.pickers import Picker
from prism_desktop.ui.widgets.table_rows import Index, TableRows
from prism_desktop.ui.widgets.whole_table import fit_columns

COLUMNS: Final = ("Labeler", "Comparisons", "Ratings", "Skipped", "Repeats alike", "Last seen")
_NAME, _COMPARISONS, _RATINGS, _SKIPPED, _ALIKE, _LAST = range(len(COLUMNS))
_GIVE_WAY = (_SKIPPED, _ALIKE, _LAST)  # left out in this order where all do not fit
_ORDERS: Final = {  # caption -> the column and which end comes first
    "As added": (-1, Qt.SortOrder.AscendingOrder),
    "By name": (_NAME, Qt.SortOrder.AscendingOrder),
    "Fewest comparisons": (_COMPARISONS, Qt.SortOrder.AscendingOrder),
    "Fewest ratings": (_RATINGS, Qt.SortOrder.AscendingOrder),
    "Most skipped": (_SKIPPED, Qt.SortOrder.DescendingOrder),
    "Least consistent": (_ALIKE, Qt.SortOrder.AscendingOrder),
    "Last seen first": (_LAST, Qt.SortOrder.DescendingOrder),
}
_MANY: Final = 8  # labelers, above which they are searched and sorted
_ROW: Final = 34  # px
_BAR: Final = 48  # px
_LONGEST: Final = 190  # px of a name
_VALUE, _SHARE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class ListedLabeler:
    """One labeler of the list."""

    code: str
    name: str  # empty: the code stands for it
    simulated: bool
    comparisons: int
    ratings: int
    skipped: int
    last: float | None  # unix s of the latest trial

    @property
    def title(self) -> str:
        """The name with the code beside it, where there is a name."""
        named = f"{self.name} ({self.code})" if self.name else self.code
        return f"{named}, simulated" if self.simulated else named


def labeler_lines(
    labelers: Iterable[LabelerRecord], progress: Iterable[LabelerProgress]
) -> list[ListedLabeler]:
    """Who they are beside what they did."""
    known = {each.labeler: each for each in progress}
    return [
        ListedLabeler(
            each.code, each.display_name, each.simulated,
            done.comparisons if done else 0, done.ratings if done else 0,
            done.skipped if done else 0, done.last if done else None,
        )
        for each in labelers
        for done in (known.get(each.code),)
    ]  # fmt: skip


class LabelerList(QWidget):
    """Labelers with what each did of what is asked; where they are many, a search and an order.

    The arrows choose, Enter or a double click opens, and letters typed in the list go to the
    search.
    """

    chosen = Signal(str)  # code
    opened = Signal(str)  # code

    def __init__(self, theme: Theme, most: int) -> None:
        """`most`: rows shown without scrolling."""
        super().__init__()
        self._most = most
        self._settled = 0
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search labelers")
        self.search.setAccessibleName("Search labelers by name or code")
        self.search.setClearButtonEnabled(True)
        self.order = Picker()
        self.order.setAccessibleName("Order of the labelers")
        self.order.offer([(caption, caption) for caption in _ORDERS])
        self.lines = _Lines(self)
        self._shown = _Shown(self)
        self._shown.setSourceModel(self.lines)
        self.table = _Table(theme, self._shown, self.search)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(lambda: self.table.setFocus())
        self.order.activated.connect(lambda _: self._sort())
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        self.table.opened.connect(self._open)
        head = columns(self.search, self.order, gap=GRID)
        head.setStretch(0, 1)
        self.setLayout(rows(head, self.table, gap=GRID))
        self.setFocusProxy(self.table)
        self._size()

    @property
    def code(self) -> str | None:
        """The chosen labeler, who stays chosen where a search leaves others only."""
        return self.lines.chosen

    def show_lines(self, lines: Sequence[ListedLabeler], targets: Mapping[Kind, int]) -> None:
        """Fill the list anew; who was chosen stays so.

        Args:
            lines: of the labelers, as added.
            targets: trials of each task that a labeler is asked for.
        """
        code = self.code
        with self._settling():
            self.lines.fill(lines, targets)
        self.order.offer(
            [(name, name) for name, (at, _) in _ORDERS.items() if at not in self.lines.absent]
        )
        many = len(lines) > _MANY
        self.search.setVisible(many)
        self.order.setVisible(many)
        if not many:
            self.search.clear()
        self.lines.chosen = None
        if code is not None:
            self.choose(code)
        self._size()

    def begin_anew(self) -> None:
        """Nobody is chosen, nothing is searched for, and they come as they were added."""
        self.lines.chosen = None
        self.search.clear()
        self.order.setCurrentIndex(0)
        self._sort()

    def show_alike(self, alike: Mapping[str, Alike]) -> None:
        """Say how consistent each labeler is, which takes longer to find."""
        self.lines.say_alike(alike)
        self.table.fit()

    def choose(self, code: str) -> bool:
        """Choose a labeler without announcing it; False if there is none of this code."""
        place = self.lines.place(code)
        if place is None:
            return False
        self.lines.chosen = code
        self._mark()
        return True

    @contextmanager
    def _settling(self) -> Iterator[None]:
        """Nobody chooses by what happens meanwhile."""
        self._settled += 1
        try:
            yield
        finally:
            self._settled -= 1

    def _mark(self) -> None:
        """Show who is chosen, if the search leaves them."""
        place = None if self.code is None else self.lines.place(self.code)
        with self._settling():
            self.table.clearSelection()
            at = QModelIndex() if place is None else self.lines.index(place, 0)
            shown = self._shown.mapFromSource(at)
            if shown.isValid():
                self.table.selectRow(shown.row())
                self.table.scrollTo(shown)

    def _choose(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid() and not self._settled:
            line = self.lines.rows[self._shown.mapToSource(index).row()]
            self.lines.chosen = line.code
            self.chosen.emit(line.code)

    def _open(self) -> None:
        if self.code is not None:
            self.opened.emit(self.code)

    def _filter(self, text: str) -> None:
        with self._settling():
            self._shown.search(text)
        self._mark()
        self._size()

    def _sort(self) -> None:
        self.table.horizontalHeader().setSortIndicator(*_ORDERS[self.order.currentData()])

    def _size(self) -> None:
        """As high as its labelers, and no higher than it may be."""
        shown = max(1, min(self._most, self._shown.rowCount()))
        header = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(header + shown * _ROW + 2 * self.table.frameWidth() + 2)


class _Lines(TableRows):
    """The labelers as added."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(COLUMNS, parent=parent)
        self.rows: Sequence[ListedLabeler] = ()
        self.chosen: str | None = None
        self._targets: Mapping[Kind, int] = {}
        self._alike: Mapping[str, Alike] = {}
        self._places: dict[str, int] = {}
        self.absent: set[int] = set()  # columns of what is not asked for, of which nobody has any

    def fill(self, lines: Sequence[ListedLabeler], targets: Mapping[Kind, int]) -> None:
        self.beginResetModel()
        self.rows, self._targets = tuple(lines), dict(targets)
        self._places = {line.code: place for place, line in enumerate(lines)}
        self.absent = {
            column
            for column in (_COMPARISONS, _RATINGS)
            if not any(any(self._done(line, column)) for line in lines) and lines
        }
        self.endResetModel()

    def say_alike(self, alike: Mapping[str, Alike]) -> None:
        self._alike = dict(alike)
        last = len(self.rows) - 1
        if last >= 0:
            self.dataChanged.emit(self.index(0, _ALIKE), self.index(last, _ALIKE))

    def place(self, code: str) -> int | None:
        return self._places.get(code)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell: its text, what it is sorted by, the share of its bar, and the row's tool tip."""
        line, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(self._told(line, column))
        if role == _VALUE:
            return self._value(line, column)
        if role == _SHARE and column in (_COMPARISONS, _RATINGS):
            done, target = self._done(line, column)
            return min(1.0, done / target) if target else 0.0
        if role == Qt.ItemDataRole.ToolTipRole:
            told = [
                f"{name}: {self._told(line, at)}"
                for at, name in enumerate(COLUMNS)
                if at and at not in self.absent
            ]
            alike = self._alike.get(line.code)
            whole = f"Repeated comparisons alike: {alike.told}" if alike and alike.n else ""
            return tip_text("\n".join(filter(None, [line.title, *told, whole])))
        return None

    def _done(self, line: ListedLabeler, column: int) -> tuple[int, int]:
        kind: Kind = "comparison" if column == _COMPARISONS else "rating"
        return (line.comparisons if column == _COMPARISONS else line.ratings), self._targets.get(
            kind, 0
        )

    def _told(self, line: ListedLabeler, column: int) -> str:
        if column == _NAME:
            return line.title
        if column in (_COMPARISONS, _RATINGS):
            done, target = self._done(line, column)
            if not target:  # nobody asked for these
                return f"{done:,}"
            return f"{done:,} of {target:,}" if done <= target else f"{done:,} in all"
        if column == _SKIPPED:
            return f"{line.skipped:,}"
        if column == _ALIKE:
            alike = self._alike.get(line.code)
            if alike is None or not alike.n:
                return "–"
            return TOO_FEW if too_few(alike.n) else f"{alike.share:.0%}"
        return ago(line.last) if line.last is not None else "not yet"

    def _value(self, line: ListedLabeler, column: int) -> object:
        if column == _NAME:
            return line.title.casefold()
        if column in (_COMPARISONS, _RATINGS):
            return self._done(line, column)[0]
        if column == _SKIPPED:
            return line.skipped
        if column == _ALIKE:
            alike = self._alike.get(line.code)
            unknown = alike is None or too_few(alike.n)  # nobody is called inconsistent unasked
            return 2.0 if unknown or alike is None else alike.share
        return line.last or 0.0


class _Shown(QSortFilterProxyModel):
    """Those that are searched for, in the chosen order."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.wanted = ""
        self.setSortRole(_VALUE)

    def search(self, text: str) -> None:
        """Leave only those whose name or code holds a text."""
        self.beginFilterChange()
        self.wanted = text.strip().casefold()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        model = self.sourceModel()
        return isinstance(model, _Lines) and self.wanted in model.rows[row].title.casefold()


class _Table(QTableView):
    """The rows; what is typed goes to the search, and Tab goes on."""

    opened = Signal()

    def __init__(self, theme: Theme, model: _Shown, search: QLineEdit) -> None:
        super().__init__()
        self._search = search
        self.setModel(model)
        self.setProperty("role", "plain")
        self.setAccessibleName("Labelers")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setItemDelegateForColumn(_NAME, _Name(self))
        bar = _Bar(theme, self)
        for column in (_COMPARISONS, _RATINGS):
            self.setItemDelegateForColumn(column, bar)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        model.modelReset.connect(self.fit)
        self.doubleClicked.connect(lambda _: self.opened.emit())

    def fit(self) -> None:
        """Widths by content; what matters least gives way."""
        shown = self.model()
        lines = shown.sourceModel() if isinstance(shown, _Shown) else None
        absent = lines.absent if isinstance(lines, _Lines) else ()
        fit_columns(self, _GIVE_WAY, absent=absent)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.model().rowCount():
            self.selectRow(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.text().strip() and event.text().isprintable() and self._search.isVisible():
            self._search.setFocus()
            self._search.setText(event.text())
        else:
            super().keyPressEvent(event)


class _Name(QStyledItemDelegate):
    """A name, which asks for no more room than most names need; the tool tip has all of it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return super().sizeHint(option, index).boundedTo(QSize(_LONGEST, _ROW))


class _Bar(QStyledItemDelegate):
    """A bar of what is done, and beside it the same in numbers."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens, rect = self._theme.tokens, option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(tokens.accent_soft))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(rect.left() + 3, rect.center().y() - 2, _BAR, 6)
        painter.setBrush(QColor(tokens.border_strong))
        painter.drawRoundedRect(bar, 3, 3)
        share = float(index.data(_SHARE))
        if share > 0:
            painter.setBrush(QColor(tokens.accent))
            painter.drawRoundedRect(bar.adjusted(0, 0, (share - 1) * _BAR, 0), 3, 3)
        painter.setPen(QColor(tokens.text))
        beside = rect.adjusted(_BAR + 3 + GRID, 0, 0, 0)
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        draw_text(painter, beside, align, str(index.data(Qt.ItemDataRole.DisplayRole)))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return super().sizeHint(option, index) + QSize(_BAR + 2 * GRID, 0)
