"""A gallery of faces that stays smooth at 70,000: nothing is decoded before it is about to be seen."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QResizeEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.tokens import Tokens
from prism_desktop.ui.widgets.painted import sized
from prism_desktop.ui.widgets.thumbnails import Thumbnails


class FaceModel(QAbstractListModel):
    """Faces in an order: a permutation of rows of some larger table, with a share in [0, 1] for each."""

    FACE = Qt.ItemDataRole.UserRole + 1  # the table's row
    KEY = Qt.ItemDataRole.UserRole + 2  # what Thumbnails knows the image by
    SHARE = Qt.ItemDataRole.UserRole + 3  # float, NaN if there is none
    NOTE = Qt.ItemDataRole.UserRole + 4  # a word beside the bar
    OTHER = Qt.ItemDataRole.UserRole + 5  # a second share to set against the first, NaN if there is none

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: Sequence[str] = ()
        self._names: Sequence[str] = ()
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._shares: NDArray[np.float32] | None = None
        self._others: NDArray[np.float32] | None = None

    def show(
        self,
        keys: Sequence[str],
        names: Sequence[str],
        order: NDArray[np.int64],
        shares: NDArray[np.float32] | None = None,
        others: NDArray[np.float32] | None = None,
    ) -> None:
        """Show `keys[order]`; `shares`, and `others` to set against them, are (len(keys),) float32 in [0, 1]."""
        self.beginResetModel()
        self._keys, self._names, self._order, self._shares, self._others = keys, names, order, shares, others
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def face(self, place: int) -> int:
        """The table's row at a place of the order."""
        return int(self._order[place])

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = int(self._order[index.row()])
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._names[row]
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                share = self._share(row)
                rank = f"number {index.row() + 1:,} of {len(self._order):,}"
                return f"{self._names[row]}, {rank}" + ("" if np.isnan(share) else f", above {share:.0%} of the faces")
            case self.FACE:
                return row
            case self.KEY:
                return self._keys[row]
            case self.SHARE:
                return self._share(row)
            case self.NOTE:
                return self._note(row)
            case self.OTHER:
                return float("nan") if self._others is None else float(self._others[row])
        return None

    def _note(self, row: int) -> str:
        told = [shares[row] for shares in (self._shares, self._others) if shares is not None]
        return " : ".join(f"{100 * share:.0f}" for share in told if not np.isnan(share))

    def _share(self, row: int) -> float:
        return float("nan") if self._shares is None else float(self._shares[row])


class FaceDelegate(QStyledItemDelegate):
    """Paints one face: the image, its percentile as a bar, its name."""

    MARGIN, FOOT = 6, 34  # px around a cell, and below the image

    def __init__(self, thumbnails: Thumbnails, view: "FaceGallery") -> None:
        super().__init__(view)
        self._thumbnails, self._view = thumbnails, view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._view.gridSize()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = self._view.theme.tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = QRectF(option.rect).adjusted(self.MARGIN, self.MARGIN, -self.MARGIN, -self.MARGIN)  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_soft))
            painter.drawRoundedRect(cell.adjusted(-4, -4, 4, 4), 9, 9)
        picture = QRectF(cell.left(), cell.top(), cell.width(), cell.width())
        self._picture(painter, picture, colours, index.data(FaceModel.KEY))
        if state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture.adjusted(0.5, 0.5, -0.5, -0.5), 7, 7)
        foot = QRectF(cell.left(), picture.bottom() + 6, cell.width(), cell.bottom() - picture.bottom() - 6)
        self._foot(painter, foot, colours, index)
        painter.restore()

    def _picture(self, painter: QPainter, box: QRectF, colours: Tokens, key: str) -> None:
        found = self._thumbnails.get(key)
        path = QPainterPath()
        path.addRoundedRect(box, 7, 7)
        if found is None or found.isNull():
            painter.fillPath(path, QColor(colours.track))
            if found is not None:
                painter.setPen(QColor(colours.muted))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "missing")
            return
        painter.setClipPath(path)
        painter.drawPixmap(box, found, QRectF(found.rect()))
        painter.setClipping(False)

    def _rail(self, painter: QPainter, rail: QRectF, share: float, other: float) -> None:
        """One share as a bar, or two as dots with the gap between them."""
        tokens, view = self._view.theme.tokens, self._view
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(rail, 2, 2)
        first = view.bar or QColor(tokens.accent)
        if np.isnan(other):
            painter.setBrush(first)
            painter.drawRoundedRect(QRectF(rail.left(), rail.top(), max(4.0, rail.width() * share), 4), 2, 2)
            return
        room, y = rail.width() - 8, rail.center().y()
        places = [rail.left() + 4 + room * value for value in (share, other)]
        painter.setPen(QPen(QColor(tokens.faint), 2))
        painter.drawLine(QPointF(places[0], y), QPointF(places[1], y))
        painter.setPen(Qt.PenStyle.NoPen)
        for place, colour in zip(places, (first, view.other_bar or QColor(tokens.text)), strict=True):
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(place, y), 4, 4)

    def _foot(
        self, painter: QPainter, box: QRectF, colours: Tokens, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        share, note = float(index.data(FaceModel.SHARE)), str(index.data(FaceModel.NOTE))
        if not np.isnan(share):
            self._rail(
                painter, QRectF(box.left(), box.top(), box.width(), 4), share, float(index.data(FaceModel.OTHER))
            )
        line = QRectF(box.left(), box.bottom() - 17, box.width(), 17)
        painter.setFont(sized(self._view.font(), 0.85))
        metrics = painter.fontMetrics()
        painter.setPen(QColor(colours.text))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), note)
        room = int(line.width()) - metrics.horizontalAdvance(note) - 8
        painter.setPen(QColor(colours.muted))
        name = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, max(room, 0))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name)


class FaceGallery(QListView):
    """The view: cells of one size that fill the width, arrows move, Enter or a double click opens."""

    opened = Signal(int)  # the table's row of the face
    chosen = Signal(int)  # the table's row of the face that is now current

    def __init__(
        self, theme: Theme, find: Callable[[str], Sequence[Path]], parent: QWidget | None = None, cell: int = 132
    ) -> None:
        """`find(key)` lists the files that may hold the image of `key`; `cell` is the least width of a cell in px."""
        super().__init__(parent)
        self.theme = theme
        self.bar: QColor | None = None  # of the percentiles; None for the accent
        self.other_bar: QColor | None = None  # of the percentiles that those are set against
        self._cell = cell
        theme.changed.connect(self.viewport().update)
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(self._repaint)
        self.faces = FaceModel(self)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionRectVisible(False)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setModel(self.faces)
        self.setItemDelegate(FaceDelegate(self.thumbnails, self))
        self.activated.connect(lambda index: self.opened.emit(self.faces.face(index.row())))
        self.selectionModel().currentChanged.connect(self._choose)

    def set_bar(self, colour: QColor | None, other: QColor | None = None) -> None:
        """Paint the percentiles in a labeler's colour, those they are set against in another's."""
        self.bar, self.other_bar = colour, other
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Stretch the cells so that a whole number of them fills the width."""
        width = self.viewport().width() - 2
        columns = max(1, width // self._cell)
        side = width // columns
        picture = side - 2 * FaceDelegate.MARGIN
        self.setGridSize(QSize(side, picture + FaceDelegate.FOOT + 2 * FaceDelegate.MARGIN))
        self.verticalScrollBar().setSingleStep(self.gridSize().height() // 3)
        self.thumbnails.resize(max(16, round(picture * self.devicePixelRatioF())))

    def _repaint(self, _came: set[str]) -> None:
        # One repaint of what is in view costs less than finding out which cells changed.
        self.viewport().update()

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.faces.face(current.row()))
