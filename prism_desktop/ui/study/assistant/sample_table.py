"""The table's preview: some hundred rows of it, a role above each column."""

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView

from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.study.importing.plan import TablePlan
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.study.assistant.recipe_edits import explained
from prism_desktop.ui.study.assistant.role_header import WIDEST, WIDTH, RoleHeader
from prism_desktop.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
_LONG = 300  # characters of a cell that are shown; its tool tip has more
_TIP = 2_000


class SampleModel(QAbstractTableModel):
    """The sample's cells; columns that are left out are faint, one may be lit."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.table: TablePlan | None = None
        self.lit = -1  # the column that a doubt is about
        theme.changed.connect(self._repaint)

    def show(self, table: TablePlan | None) -> None:
        """Show a table's sample; what is selected stays where the sample is the same."""
        before = self.table
        if (
            before is not None
            and table is not None
            and before.sample == table.sample
            and [column.name for column in before.columns]
            == [column.name for column in table.columns]
        ):
            self.table = table
            self._repaint()
            return
        self.beginResetModel()
        self.table, self.lit = table, -1
        self.endResetModel()

    def light(self, column: int) -> None:
        """Let a column stand out, -1 for none."""
        self.lit = column
        self._repaint()

    def rowCount(self, parent: _Index | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if inside or self.table is None else len(self.table.sample)

    def columnCount(self, parent: _Index | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if inside or self.table is None else len(self.table.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        table = self.table
        if table is None or not index.isValid():
            return None
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(_cell(table, index)[:_LONG])
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(_cell(table, index)[:_TIP])
        if role == Qt.ItemDataRole.ForegroundRole and table.columns[column].role == "ignore":
            return QColor(self._theme.tokens.faint)
        if role == Qt.ItemDataRole.BackgroundRole and column == self.lit:
            return QColor(self._theme.tokens.warn_soft)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        table = self.table
        if table is None:
            return None
        if orientation == Qt.Orientation.Vertical:
            if role == Qt.ItemDataRole.DisplayRole:
                return f"{table.sample[section][0]:,}"
            return None
        column = table.columns[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(explained(column, table.rows))
        # the header's boxes show the name
        return column.name if role == Qt.ItemDataRole.AccessibleTextRole else None

    def _repaint(self) -> None:
        if self.rowCount() and self.columnCount():
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)


def _cell(table: TablePlan, index: _Index) -> str:
    cells = table.sample[index.row()][1]
    return cells[index.column()] if index.column() < len(cells) else ""


class SampleTable(QTableView):
    """The preview: the header's fields set roles, Return leads from a cell to its column's."""

    column_chosen = Signal(int)  # the column that the focus is in, -1 for none

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.sample = SampleModel(theme, self)
        self.setModel(self.sample)
        self.roles = RoleHeader(theme, self)
        self.setHorizontalHeader(self.roles)
        self.roles.setDefaultSectionSize(WIDTH)
        self.setAccessibleName("The first rows of the table")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setDefaultSectionSize(30)
        self.verticalHeader().setHighlightSections(False)
        self.horizontalScrollBar().valueChanged.connect(lambda _: self.roles.place())
        self.roles.column_entered.connect(self._entered)
        self.selectionModel().currentColumnChanged.connect(
            lambda now, _: self.column_chosen.emit(now.column())
        )

    def show_table(self, table: TablePlan | None, attributes: tuple[str, ...]) -> None:
        """Show a table; `attributes` are offered for judgments."""
        self.sample.show(table)
        self.roles.show_columns(table, attributes)
        self.spread()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.spread()

    def spread(self) -> None:
        """Let few columns share the width."""
        shown = self.roles.count() - self.roles.hiddenSectionCount()
        share = self.viewport().width() // max(1, shown)
        size = min(WIDEST, max(WIDTH, share))
        if size != self.roles.defaultSectionSize():  # else widths drawn by hand would be lost
            self.roles.setDefaultSectionSize(size)
            self.roles.place()

    def jump(self, row: int, column: int) -> bool:
        """Go to a row by its number in the file and light a column (-1: none).

        False if the row is not in the sample.
        """
        self.sample.light(column)
        table = self.sample.table
        if table is None:
            return False
        if column >= 0:
            self.setColumnHidden(column, False)
        numbers = [number for number, _ in table.sample]
        found = numbers.index(row) if row in numbers else -1
        if found < 0 and column < 0:
            return False
        index = self.sample.index(max(found, 0), max(column, 0))
        if found >= 0:
            self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)
        return found >= 0

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            if self.currentIndex().isValid():
                self.roles.enter(self.currentIndex().column())
            return
        super().keyPressEvent(event)

    def _entered(self, column: int) -> None:
        """Bring the column whose role has the focus into view."""
        left = self.roles.sectionPosition(column)
        bar, wide = self.horizontalScrollBar(), self.viewport().width()
        if left < bar.value():
            bar.setValue(left)
        elif left + self.roles.sectionSize(column) > bar.value() + wide:
            bar.setValue(left + self.roles.sectionSize(column) - wide)
        self.column_chosen.emit(column)
