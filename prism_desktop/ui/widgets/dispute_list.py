"""A list of what splits two labelers: the faces of each question, and under each who chose it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from prism_desktop.ui.plain import draw_text, elided
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import series_colour, sized
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import ROUND, Thumbnails

_SIDE, _GAP, _ROW = 88, 12, 104  # px
_INDEX = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One question.

    Attributes:
        images: keys of one or two faces.
        names: what to call each face.
        heading: what was asked.
        chose: under each face, places of the colours of those who chose it.
        told: who said what, in words.
    """

    images: tuple[str, ...]
    names: tuple[str, ...]
    heading: str
    chose: tuple[tuple[int, ...], ...]
    told: str


class _Model(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: tuple[DisputeRow, ...] = ()

    def show(self, rows: Sequence[DisputeRow]) -> None:
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _INDEX | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: _INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.AccessibleTextRole and index.isValid():
            row = self.rows[index.row()]
            return f"{row.heading}: {' and '.join(row.names)}. {row.told}"
        return None


class DisputeList(QListView):
    """Arrows move; a click on a face, or Enter, chooses it."""

    chosen = Signal(str)  # the key of a face

    def __init__(
        self, theme: Theme, find: Callable[[str], Sources], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(lambda _: self.viewport().update())
        self.disputes = _Model(self)
        self.setModel(self.disputes)
        self.setItemDelegate(_Delegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setProperty("role", "gallery")
        self.setAccessibleName("What splits the two")
        self.activated.connect(lambda index: self.chosen.emit(self._row(index).images[0]))
        self.selectionModel().currentChanged.connect(self._moved)
        theme.changed.connect(self.viewport().update)

    def show_rows(self, rows: Sequence[DisputeRow]) -> None:
        """Show these, the first chosen."""
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_SIDE * ratio), ratio)
        self.disputes.show(rows)
        if rows:
            self.setCurrentIndex(self.disputes.index(0))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The face under the pointer is the one that is meant."""
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if not index.isValid():
            return
        row, left = self._row(index), event.position().x() - self.visualRect(index).left()
        place = int((left - _GAP) // (_SIDE + _GAP))
        if 0 < place < len(row.images):
            self.chosen.emit(row.images[place])
        else:
            self.chosen.emit(row.images[0])

    def _moved(self, now: QModelIndex) -> None:
        if now.isValid():
            self.chosen.emit(self._row(now).images[0])

    def _row(self, index: _INDEX) -> DisputeRow:
        return self.disputes.rows[index.row()]


class _Delegate(QStyledItemDelegate):
    def __init__(self, view: DisputeList) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _INDEX) -> QSize:
        return QSize(2 * _SIDE + 220, _ROW + 12)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _INDEX) -> None:
        """The faces, a bar in the colour of whoever chose each below it, the words beside them."""
        view, tokens = self._view, self._view.theme.tokens
        row, box = view.disputes.rows[index.row()], QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 9, 9)
        left, top = box.left() + _GAP, box.top() + 8
        for image, chose in zip(row.images, row.chose, strict=True):
            self._face(painter, QRectF(left, top, _SIDE, _SIDE), image)
            wide = (_SIDE - 2) / max(len(chose), 1)
            for place, colour in enumerate(chose):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(series_colour(tokens, colour))
                bar = QRectF(left + place * wide, top + _SIDE + 4, wide - 2, 5)
                painter.drawRoundedRect(bar, 2, 2)
            left += _SIDE + _GAP
        left = box.left() + _GAP + 2 * (_SIDE + _GAP)
        words = QRectF(left, top, box.right() - left - 8, _SIDE)
        painter.setFont(sized(view.font(), 1.0, bold=True))
        painter.setPen(QColor(tokens.text))
        heading = elided(painter.fontMetrics(), row.heading, int(words.width()))
        draw_text(painter, words, int(Qt.AlignmentFlag.AlignLeft), heading)
        painter.setFont(sized(view.font(), 0.92))
        painter.setPen(QColor(tokens.muted))
        below = words.adjusted(0, 24, 0, 0)
        wrapped = int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextWordWrap)
        draw_text(painter, below, wrapped, row.told)
        painter.restore()

    def _face(self, painter: QPainter, box: QRectF, key: str) -> None:
        tokens, found = self._view.theme.tokens, self._view.thumbnails.get(key)
        if found is not None and not found.isNull():
            painter.drawPixmap(box, found, QRectF(found.rect()))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(box, ROUND, ROUND)
        if found is not None:
            painter.setPen(QPen(QColor(tokens.muted)))
            painter.setFont(sized(self._view.font(), 0.85))
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), "missing")
