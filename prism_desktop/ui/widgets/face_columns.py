"""Faces side by side: a column for each labeler, the utmost at either end of an order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import ROUND, Thumbnails

_SIDE, _EDGE = 68, 4  # px
_FACE = Qt.ItemDataRole.UserRole

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class OrderedFace:
    """A face in a column."""

    row: int  # of the run's images
    key: str
    words: str  # for its tip


@dataclass(frozen=True, slots=True)
class FaceColumn:
    """One labeler's faces, from most to least."""

    name: str
    faces: tuple[OrderedFace, ...]


class FaceColumnTable(QTableView):
    """Arrows go from face to face; Enter or a double click opens one."""

    opened = Signal(int)  # row of the run's images

    def __init__(self, theme: Theme, files: Callable[[str], Sources]) -> None:
        super().__init__()
        self.theme = theme
        self.thumbnails = Thumbnails(files, self)
        self._model = _Columns(self)
        self.setModel(self._model)
        self.setItemDelegate(_FaceCell(self))
        self.setShowGrid(False)
        self.setProperty("role", "plain")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header, size in ((self.horizontalHeader(), _SIDE + 24), (self.verticalHeader(), _SIDE)):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setDefaultSectionSize(size + 2 * _EDGE)
            header.setHighlightSections(False)
        self.activated.connect(self._open)
        self.thumbnails.arrived.connect(lambda _: self.viewport().update())
        theme.changed.connect(self.viewport().update)

    def show_columns(self, columns: Sequence[FaceColumn], ends: int) -> None:
        """Show these; the first `ends` faces of each are the most, the others the least."""
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_SIDE * ratio), ratio)
        self._model.show(columns, ends)

    def _open(self, index: QModelIndex) -> None:
        face = index.data(_FACE)
        if isinstance(face, OrderedFace):
            self.opened.emit(face.row)


class _Columns(QAbstractTableModel):
    def __init__(self, parent: FaceColumnTable) -> None:
        super().__init__(parent)
        self._columns: Sequence[FaceColumn] = ()
        self._ends = 0

    def show(self, columns: Sequence[FaceColumn], ends: int) -> None:
        self.beginResetModel()
        self._columns, self._ends = columns, ends
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if inside else max((len(each.faces) for each in self._columns), default=0)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self._columns[index.column()]
        if index.row() >= len(column.faces):
            return None
        face = column.faces[index.row()]
        if role == _FACE:
            return face
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return tip_text(f"{column.name}: {face.words}")
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return one_line(self._columns[section].name)
            below = self.rowCount() - section
            if section < self._ends:
                return f"{section + 1}."
            return "last" if below == 1 else f"last but {below - 1}"
        if role == Qt.ItemDataRole.ToolTipRole and orientation == Qt.Orientation.Horizontal:
            return tip_text(self._columns[section].name)
        return None


class _FaceCell(QStyledItemDelegate):
    """The face, and a rule above the first of the least."""

    def __init__(self, view: FaceColumnTable) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        face = index.data(_FACE)
        if not isinstance(face, OrderedFace):
            return
        tokens, rect = self._view.theme.tokens, option.rect
        box = QRect(0, 0, _SIDE, _SIDE)
        box.moveCenter(rect.center())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(box, ROUND, ROUND)
        found = self._view.thumbnails.get(face.key)
        if found is not None and not found.isNull():
            painter.drawPixmap(box, found)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 2.4))
            painter.drawRoundedRect(box, ROUND, ROUND)
        painter.restore()
