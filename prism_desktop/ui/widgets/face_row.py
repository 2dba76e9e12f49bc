"""A row of small faces; a click opens one."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy

from prism_desktop.ui.plain import show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import ROUND, Thumbnails

_SIDE, _GAP = 56, 6  # px


class FaceRow(Painted):
    """As many faces as there is room for; the arrow keys move between them, Enter opens one."""

    opened = Signal(int)  # the table's row of the face

    def __init__(self, theme: Theme, find: Callable[[str], Sources]) -> None:
        """`find(key)` lists the files that may hold the image of `key`."""
        super().__init__(theme)
        self.faces: tuple[tuple[int, str, str], ...] = ()  # row, key, name
        self._at = 0
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(lambda _: self.update())
        self.setFixedHeight(_SIDE + 4)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_faces(self, faces: Sequence[tuple[int, str, str]]) -> None:
        """Show these, each a row of the table, its key and its name."""
        self.faces, self._at = tuple(faces), 0
        self.setAccessibleDescription(", ".join(name for _, _, name in faces))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(3 * (_SIDE + _GAP), _SIDE + 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_SIDE * ratio), ratio)

    def shown(self) -> int:
        """How many have room."""
        return min(len(self.faces), max(1, (self.width() - 2 + _GAP) // (_SIDE + _GAP)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        for place in range(self.shown()):
            box = self._box(place)
            found = self.thumbnails.get(self.faces[place][1])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.tokens.track))
            painter.drawRoundedRect(box, ROUND, ROUND)
            if found is not None and not found.isNull():
                painter.drawPixmap(box, found, QRectF(found.rect()))
            if self.hasFocus() and place == self._at:
                painter.setPen(QPen(QColor(self.tokens.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box, ROUND, ROUND)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._open(self._find(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and self.faces:
            self._at = (self._at + step) % self.shown()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self._at)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._find(QPointF(event.pos()))
            if place >= 0:
                show_tip(event.globalPos(), self.faces[place][2], self)
                return True
        return super().event(event)

    def _box(self, place: int) -> QRectF:
        return QRectF(1 + place * (_SIDE + _GAP), 2, _SIDE, _SIDE)

    def _find(self, at: QPointF) -> int:
        """The place of a face, -1 beside all of them."""
        found = (place for place in range(self.shown()) if self._box(place).contains(at))
        return next(found, -1) if self.faces else -1

    def _open(self, place: int) -> None:
        if 0 <= place < self.shown() and self.faces:
            self.opened.emit(self.faces[place][0])
