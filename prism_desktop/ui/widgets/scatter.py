"""A scatter plot of faces that stays responsive at 70,000
points: drawn once to an image, searched by a grid."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.plain import as_html
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.curves import BarePlot
from prism_desktop.ui.widgets.painted import faded, sized

_NEAR = 12  # px from the pointer within which a point is meant
_EDGE, _BINS = 30, 40  # px of the histograms at the edges; their bars
_DRAWN = 8000  # points; a random part of a larger cloud looks the same


class Scatter(BarePlot):
    """Points in a plane with the line of equality; a click tells which point, one can be ringed."""

    clicked = Signal(int)
    hovered = Signal(int)  # -1 when over none

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """The layers from back to front: line of equality, all points, marked points, ring."""
        super().__init__(parent)
        self.theme = theme
        self._x: NDArray[np.float32] = np.zeros(0, np.float32)
        self._y: NDArray[np.float32] = np.zeros(0, np.float32)
        self._names = ("", "")
        self._marked: tuple[int, ...] = ()
        self._lit: NDArray[np.bool_] | None = None
        self._ringed = -1
        self._points = pg.ScatterPlotItem(pxMode=True, useCache=True)
        self._rest = pg.ScatterPlotItem(pxMode=True, useCache=True)  # what is not lit
        self._special = pg.ScatterPlotItem(pxMode=True)
        self._ring = pg.ScatterPlotItem(pxMode=True)
        self._equal = pg.InfiniteLine(pos=(0, 0), angle=45)
        plot = self.getPlotItem()
        plot.showGrid(x=True, y=True, alpha=0.1)
        for item in (self._equal, self._rest, self._points, self._special, self._ring):
            self.addItem(item)
        self.setAccessibleName("Scatter plot of two labelers' predicted scores")
        self.scene().sigMouseMoved.connect(self._hover)
        theme.changed.connect(self._draw)
        self._draw()

    def show_points(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        names: tuple[str, str],
        marked: tuple[int, ...] = (),
        lit: NDArray[np.bool_] | None = None,
    ) -> None:
        """Show (n,) against (n,) float32, not NaN; `marked` points stand out, and of the others
        (n,) `lit` ones where some are, against grey."""
        self._x, self._y, self._names, self._marked, self._ringed = x, y, names, marked, -1
        self._lit = lit
        self._draw()
        self.getPlotItem().enableAutoRange()

    def ring(self, point: int) -> None:
        """Draw a ring around a point; -1 for none."""
        self._ringed = point
        self._draw_ring()

    def nearest(self, place: QPointF) -> int:
        """The point within reach of a place in the view's pixels; -1 if none is."""
        box = self.getPlotItem().getViewBox()
        if not len(self._x) or not box.sceneBoundingRect().contains(place):
            return -1
        at, pixel = box.mapSceneToView(place), box.viewPixelSize()
        if not pixel[0] or not pixel[1]:
            return -1
        distance = ((self._x - at.x()) / pixel[0]) ** 2 + ((self._y - at.y()) / pixel[1]) ** 2
        best = int(np.argmin(distance))
        return best if distance[best] <= _NEAR**2 else -1

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            point = self.nearest(event.position())
            if point >= 0:
                self.clicked.emit(point)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.nearest(event.position()) < 0:
            self.getPlotItem().enableAutoRange()

    def drawForeground(self, painter: QPainter, _rect: QRectF) -> None:
        """How the values of either side are spread, at the far edges of the plot."""
        box = self.getPlotItem().getViewBox()
        place, ((left, right), (low, high)) = box.sceneBoundingRect(), box.viewRange()
        if not len(self._x) or place.height() < 8 * _EDGE:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(self.theme.tokens.muted, 0.28))
        for values, first, last, across in (
            (self._x, left, right, True), (self._y, low, high, False),
        ):  # fmt: skip
            counts, _ = np.histogram(values, _BINS, (first, last))
            highs = _EDGE * counts / max(1, int(counts.max()))
            step = (place.width() if across else place.height()) / _BINS
            for number, tall in enumerate(map(float, highs)):
                if across:
                    x = place.left() + number * step
                    painter.drawRect(QRectF(x, place.top(), step, tall))
                else:
                    y = place.bottom() - (number + 1) * step
                    painter.drawRect(QRectF(place.right() - tall, y, tall, step))

    def _hover(self, place: QPointF) -> None:
        point = self.nearest(place)
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if point >= 0 else Qt.CursorShape.ArrowCursor
        )
        self.hovered.emit(point)

    def _draw(self) -> None:
        tokens = self.theme.tokens
        self.setBackground(tokens.surface)
        font = sized(self.font(), 0.85)
        for side, name in (("bottom", self._names[0]), ("left", self._names[1])):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(tokens.border_strong, width=1))
            axis.setTextPen(pg.mkPen(tokens.muted))
            axis.setStyle(tickFont=font, tickLength=0, tickTextOffset=6)
            axis.enableAutoSIPrefix(False)
            axis.setLabel(as_html(name), color=tokens.muted)
            axis.label.setFont(sized(self.font(), 0.92))
        self._equal.setPen(pg.mkPen(tokens.border_strong, width=1, style=Qt.PenStyle.DashLine))
        count = len(self._x)
        shown = np.arange(count)
        if count > _DRAWN:
            shown = np.random.default_rng(0).choice(count, _DRAWN, replace=False)
            if self._lit is not None:  # of few that are lit all are seen
                shown = np.union1d(shown, np.flatnonzero(self._lit)[:_DRAWN])
        strength = 0.55 if count < 2000 else 0.3
        size = 7 if count < 500 else 5
        lit = np.ones(count, bool) if self._lit is None else self._lit
        rest, shown = shown[~lit[shown]], shown[lit[shown]]
        for item, which, colour in (
            (self._rest, rest, faded(tokens.muted, 0.25)),
            (self._points, shown, faded(tokens.accent, strength if self._lit is None else 0.8)),
        ):
            brush = pg.mkBrush(colour)
            item.setData(self._x[which], self._y[which], size=size, pen=None, brush=brush)
        marked = np.array(self._marked, int)
        strong = QColor(tokens.text)  # no labeler's colour: these faces are nobody's
        edge = pg.mkPen(tokens.surface, width=1)
        self._special.setData(
            self._x[marked], self._y[marked], size=size + 3, pen=edge, brush=pg.mkBrush(strong)
        )
        self._draw_ring()

    def _draw_ring(self) -> None:
        at = np.array([self._ringed] if 0 <= self._ringed < len(self._x) else [], int)
        pen = pg.mkPen(self.theme.tokens.text, width=2)
        self._ring.setData(self._x[at], self._y[at], size=18, pen=pen, brush=None)
