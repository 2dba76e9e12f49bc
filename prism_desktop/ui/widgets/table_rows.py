"""What models of tables have in common: rows of one kind below fixed headings."""

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex


class TableRows(QAbstractTableModel):
    """A row for each thing; a subclass has `data`, and puts the things into `rows`."""

    def __init__(
        self, heads: Sequence[str], right: Collection[int] = (), parent: QObject | None = None
    ) -> None:
        """Args:
        heads: of the columns.
        right: columns whose texts end at the right, as numbers do.
        """
        super().__init__(parent)
        self._heads, self._right = heads, right
        self.rows: Sequence[Any] = ()

    def head(self, column: int) -> str:
        """What stands above a column."""
        return self._heads[column]

    def side(self, column: int) -> Qt.AlignmentFlag:
        """Where a column's texts stand."""
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.head(section)
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return self.side(section)
        return None
