"""Tables that fit their room: columns that matter keep their width, and no row shows in part."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QTableView, QWidget


def fit_columns(
    table: QTableView,
    give_way: Sequence[int],
    *,
    absent: Collection[int] = (),
    rigid: Collection[int] = (),
) -> None:
    """Make every shown column as wide as what stands in it; those that do not fit are left out.

    Args:
        table: whose viewport is the room.
        give_way: columns that may be left out, the first of them first.
        absent: columns that are not shown in any case.
        rigid: columns that take no part of the room that is left.
    """
    header, columns = table.horizontalHeader(), range(table.model().columnCount())
    for column in columns:  # Qt measures no heading that is hidden
        table.setColumnHidden(column, column in absent)
    widths = {
        column: max(table.sizeHintForColumn(column), header.sectionSizeHint(column))
        for column in columns
        if column not in absent
    }
    room, gone = table.viewport().width(), {}
    for column in give_way:
        if sum(widths.values()) <= room:
            break
        if column in widths:
            gone[column] = widths.pop(column)
    for column, width in reversed(gone.items()):  # a narrow one may fit after all
        if sum(widths.values()) + width <= room:
            widths[column] = width
    elastic = [column for column in widths if column not in rigid]
    spare = max(0, room - sum(widths.values()))
    share, rest = divmod(spare, len(elastic)) if elastic else (0, 0)
    for column in columns:
        table.setColumnHidden(column, column not in widths)
        if column in widths:
            more = share + (rest if column == elastic[0] else 0) if column in elastic else 0
            table.setColumnWidth(column, widths[column] + more)


class WholeTable(QWidget):
    """Holds a table whose rows are equally high, and is a little higher than its whole rows."""

    def __init__(self, table: QTableView, least: int = 1) -> None:
        """Args:
        table: to be held; it wants room for all its rows.
        least: rows that it insists on where there are as many.
        """
        super().__init__()
        self._table = table
        self._least = least
        table.setParent(self)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        table.horizontalScrollBar().rangeChanged.connect(lambda *_: self._fit())
        model = table.model()
        for changed in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            changed.connect(self._fit)
        self.setFocusProxy(table)
        self.setSizePolicy(table.sizePolicy().horizontalPolicy(), QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        """High enough for all rows."""
        return QSize(self._table.sizeHint().width(), self._height_of(self._rows()))

    def minimumSizeHint(self) -> QSize:
        """High enough for the least."""
        rows = max(1, min(self._least, self._rows()))
        return QSize(self._table.minimumSizeHint().width(), self._height_of(rows))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _rows(self) -> int:
        return self._table.model().rowCount()

    def _height_of(self, rows: int) -> int:
        table = self._table
        bar = table.horizontalScrollBar()
        across = bar.sizeHint().height() if bar.maximum() > bar.minimum() else 0
        row = table.verticalHeader().defaultSectionSize()
        head = table.horizontalHeader().sizeHint().height()
        return head + rows * row + across + 2 * table.frameWidth()

    def _fit(self, *_: object) -> None:
        row = self._table.verticalHeader().defaultSectionSize()
        fit = max(1, (self.height() - self._height_of(0)) // row)
        self._table.setGeometry(0, 0, self.width(), self._height_of(fit))
        self.updateGeometry()
