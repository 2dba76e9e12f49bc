"""Tables of findings, all of the same kind: to read, by keys and mouse alike."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import cell_text, put_tip, text_tip
from prism_desktop.ui.widgets.whole_table import fit_columns

_ROW = 30  # px


class ReadingTable(QTableWidget):
    """Whole rows are chosen; Tab leaves it; a cell tells its tip."""

    row_chosen = Signal(int)

    def __init__(
        self, name: str, heads: Sequence[str], stretched: int, give_way: Sequence[int] = ()
    ) -> None:
        """Args:
        name: for screen readers.
        heads: of the columns.
        stretched: the column that takes the spare width, and has to do with less.
        give_way: columns that are left out where all do not fit, the first of them first; then no
            other has to do with less.
        """
        self._dim: tuple[int, ...] = ()  # rows that tell too little
        self._absent: tuple[int, ...] = ()  # columns that are not shown
        super().__init__(0, len(heads))
        self.setProperty("role", "plain")
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels([one_line(head) for head in heads])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._give_way = give_way
        if not give_way:
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.currentCellChanged.connect(self._choose)

    def leave_out(self, columns: Sequence[int]) -> None:
        """Show no such columns, in a table of which some give way."""
        self._absent = tuple(columns)

    def show_lines(
        self,
        lines: Sequence[Sequence[str]],
        tips: Sequence[str] = (),
        dim: Sequence[bool] = (),
    ) -> None:
        """Fill the table anew.

        Args:
            lines: texts of the cells; where there are fewer than columns, the last one has the room
                of those that lack.
            tips: of whole rows.
            dim: rows that tell too little.
        """
        self.blockSignals(True)
        self._dim = tuple(row for row, each in enumerate(dim) if each)
        self.setCurrentCell(-1, -1)
        self.clearSpans()
        self.setRowCount(len(lines))
        for row, line in enumerate(lines):
            tip = text_tip(tips[row]) if row < len(tips) else ""
            short, last = len(line) < self.columnCount(), len(line) - 1
            if short:
                self.setSpan(row, last, 1, self.columnCount() - last)
            for column in range(len(line), self.columnCount()):
                self.setItem(row, column, QTableWidgetItem())
            for column, text in enumerate(line):
                item = QTableWidgetItem(cell_text(text))
                if short and column == last:  # which widens no column
                    item.setSizeHint(QSize(0, _ROW))
                put_tip(item, tip)
                self.setItem(row, column, item)
        self._shade()
        self.blockSignals(False)
        self.scrollToTop()
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._shade()

    def _shade(self) -> None:
        """Dim rows in the colour of the present theme."""
        before = self.blockSignals(True)
        for row in self._dim:
            for column in range(self.columnCount()):
                if (item := self.item(row, column)) is not None:
                    item.setForeground(self.palette().placeholderText())
        self.blockSignals(before)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._give_way:
            fit_columns(self, self._give_way, absent=self._absent)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.selectedItems() and self.rowCount():
            self.setCurrentCell(0, 0)  # so that one sees where the keys will go

    def _choose(self, row: int, _column: int, before: int, _before: int) -> None:
        if row >= 0 and row != before:
            self.row_chosen.emit(row)
