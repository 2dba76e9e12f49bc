"""A map of very many points, drawn by the processor alone: 70,000 of them move at the rate of a
screen. A rectangle brushes some of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy

from prism_desktop.engine.analysis.face_ranking import NOWHERE, Area
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, mixed

Floats = NDArray[np.float32]
_NEAR = 10  # px from the pointer within which a point is meant
_MOVED = 4  # px from which a press is a drag
_LEVELS = 64  # of shade
_MARGIN = 0.04  # of the map about the points
_WIDTHS = ((20_000, 2), (1500, 4), (-1, 6))  # beyond how many points how wide they are, in px


class PointMap(Painted):
    """Points in a plane. The wheel enlarges about the pointer, the right button drags, the left one
    brushes, a click tells which point, a double click shows all, Esc brushes none."""

    brushed = Signal(tuple)  # the area; also while it is drawn
    clicked = Signal(int)
    hovered = Signal(int)  # -1 when over none

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._at: Floats = np.zeros((0, 2), np.float32)
        self._shade: Floats = np.zeros(0, np.float32)
        self._shown: NDArray[np.bool_] = np.zeros(0, bool)
        self._ringed = -1
        self._centre, self._scale = QPointF(), 1.0  # in the map's units; px for one of them
        self.area: Area = NOWHERE
        self._pressed: QPointF | None = None
        self._dragging = False
        self._buffer: NDArray[np.uint32] = np.zeros((0, 0), np.uint32)
        self._drawn = False  # whether the buffer shows what is to be shown
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        theme.changed.connect(self._redraw)

    def show_points(self, at: Floats, shade: Floats, shown: NDArray[np.bool_]) -> None:
        """Show (n, 2) points, (n,) shades from 0 to 1 or NaN, and which stand out."""
        fresh = len(at) != len(self._at) or not np.array_equal(at, self._at)
        self._at, self._shade, self._shown = at, shade, shown
        if fresh:
            self.show_all()
        self._redraw()

    def stand_out(self, shown: NDArray[np.bool_]) -> None:
        """The same points, others of which stand out."""
        self._shown = shown
        self._redraw()

    def ring(self, point: int) -> None:
        """Draw a ring around a point; -1 for none."""
        self._ringed = point
        self.update()

    def brush(self, area: Area) -> None:
        """Draw this area as brushed, without a signal."""
        self.area = area
        self.update()

    def show_all(self) -> None:
        """Put all points in view."""
        if len(self._at):
            low, high = self._at.min(axis=0), self._at.max(axis=0)
            span = np.maximum(high - low, 1e-9) * (1 + 2 * _MARGIN)
            self._centre = QPointF(*map(float, (low + high) / 2))
            self._scale = float(min(self.width() / span[0], self.height() / span[1]))
        self._redraw()

    def sizeHint(self) -> QSize:
        return QSize(420, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.show_all()

    def paintEvent(self, _event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if not self._drawn:
            self._draw(ratio)
        high, wide = self._buffer.shape
        image = QImage(self._buffer.data, wide, high, 4 * wide, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        painter = self.painter()
        painter.drawImage(0, 0, image)
        left, low, right, top = self.area
        if right > left and top > low:
            painter.setPen(QPen(QColor(self.tokens.accent), 1.2))
            painter.setBrush(faded(self.tokens.accent, 0.08))
            painter.drawRect(QRectF(self._place(left, top), self._place(right, low)))
        if 0 <= self._ringed < len(self._at):
            painter.setPen(QPen(QColor(self.tokens.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self._place(*map(float, self._at[self._ringed])), 8, 8)
        painter.end()

    def nearest(self, place: QPointF) -> int:
        """The point within reach of a place in the widget; -1 if none is."""
        if not len(self._at):
            return -1
        at = self._there(place)
        away = np.hypot(self._at[:, 0] - at.x(), self._at[:, 1] - at.y()) * self._scale
        best = int(np.argmin(away))
        return best if away[best] <= _NEAR else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._dragging = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        now, start = event.position(), self._pressed
        if start is None:
            self.hovered.emit(self.nearest(now))
            return
        if event.buttons() & (Qt.MouseButton.RightButton | Qt.MouseButton.MiddleButton):
            moved = now - start
            self._centre -= QPointF(moved.x(), -moved.y()) / self._scale
            self._pressed = now
            self._redraw()
            return
        if self._dragging or (now - start).manhattanLength() >= _MOVED:
            self._dragging = True
            one, other = self._there(start), self._there(now)
            x, y = sorted((one.x(), other.x())), sorted((one.y(), other.y()))
            self.area = x[0], y[0], x[1], y[1]
            self.update()
            self.brushed.emit(self.area)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._pressed is not None and not self._dragging:
            point = self.nearest(event.position())
            if point >= 0:
                self.clicked.emit(point)
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    def wheelEvent(self, event: QWheelEvent) -> None:
        place = event.position()
        before = self._there(place)
        self._scale *= 1.2 ** (event.angleDelta().y() / 120)
        self._centre += before - self._there(place)
        self._redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys: dict[int, Callable[[], object]] = {
            Qt.Key.Key_Escape: self._clear,
            Qt.Key.Key_0: self.show_all,
            Qt.Key.Key_Plus: lambda: self._zoom(1.2),
            Qt.Key.Key_Minus: lambda: self._zoom(1 / 1.2),
        }
        act = keys.get(event.key())
        if act is None or (event.key() == Qt.Key.Key_Escape and self.area == NOWHERE):
            super().keyPressEvent(event)
        else:
            act()

    def _zoom(self, by: float) -> None:
        self._scale *= by
        self._redraw()

    def _clear(self) -> None:
        self.area = NOWHERE
        self.update()
        self.brushed.emit(NOWHERE)

    def _redraw(self) -> None:
        self._drawn = False
        self.update()

    def _draw(self, ratio: float) -> None:
        """Put all points into the buffer: those that do not stand out first, in grey."""
        wide, high = (max(1, round(side * ratio)) for side in (self.width(), self.height()))
        if self._buffer.shape != (high, wide):
            self._buffer = np.zeros((high, wide), np.uint32)
        self._buffer.fill(QColor(self.tokens.surface).rgb())
        self._drawn = True
        if not len(self._at):
            return
        scale = np.float32(self._scale * ratio)
        x = (self._at[:, 0] - np.float32(self._centre.x())) * scale + np.float32(wide / 2 + 0.5)
        y = np.float32(high / 2 + 0.5) - (self._at[:, 1] - np.float32(self._centre.y())) * scale
        width = next(px for least, px in _WIDTHS if len(self._at) > least)
        side = max(2, round(width * ratio))
        seen = (x >= side) & (x < wide - side) & (y >= side) & (y < high - side)
        place = y.astype(np.int32) * wide + x.astype(np.int32)
        grey = QColor(mixed(self.tokens.surface, self.tokens.faint, 0.45)).rgb()
        rest = place[seen & ~self._shown]
        flat = self._buffer.reshape(-1)
        for step in _stamp(side, wide):
            flat[rest + step] = grey
        lit = seen & self._shown
        own, colours = place[lit], self._colours()[self._levels(lit)]
        for step in _stamp(side, wide):
            flat[own + step] = colours

    def _levels(self, which: NDArray[np.bool_]) -> NDArray[np.intp]:
        shade = np.nan_to_num(self._shade[which], nan=0.5)
        return np.clip(shade * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.intp)

    def _colours(self) -> NDArray[np.uint32]:
        """From the palest to the strongest shade."""
        pale = mixed(self.tokens.surface, self.tokens.accent, 0.25)
        shades = np.linspace(0, 1, _LEVELS)
        strong = mixed(self.tokens.accent, self.tokens.text, 0.45)
        return np.array([mixed(pale, strong, float(each)).rgb() for each in shades], np.uint32)

    def _place(self, x: float, y: float) -> QPointF:
        """Where a point of the map lies in the widget."""
        away = (QPointF(x, y) - self._centre) * self._scale
        return QPointF(self.width() / 2 + away.x(), self.height() / 2 - away.y())

    def _there(self, place: QPointF) -> QPointF:
        """Which point of the map lies at a place of the widget."""
        away = QPointF(place.x() - self.width() / 2, self.height() / 2 - place.y())
        return self._centre + away / self._scale


def _stamp(side: int, wide: int) -> list[int]:
    """Steps in the buffer from a point's middle to all of its pixels: a square, without corners
    where it is large enough to have any."""
    half = side // 2
    steps = [
        (row - half, column - half)
        for row in range(side)
        for column in range(side)
        if side < 4 or (row in (0, side - 1)) + (column in (0, side - 1)) < 2
    ]
    return [row * wide + column for row, column in steps]
