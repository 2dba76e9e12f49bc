"""Curve charts over epochs: the raw values pale under their smoothing, a dot per epoch, the best
one marked.

The axes show what can be: whole epochs from 0 on, shares up to 100 %, no loss below 0; without a
point there are no marks on them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import as_html, draw_text, elided
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized


class BarePlot(pg.PlotWidget):  # type: ignore[misc]
    """Only axes and curves; the look and the interaction are the subclass's."""

    def __init__(self, parent: QWidget | None = None, **given: Any) -> None:
        super().__init__(parent, enableMenu=False, **given)
        plot = self.getPlotItem()
        plot.hideButtons()
        # pyqtgraph makes it without a parent, so that it would outlive the plot.
        plot.ctrlMenu.setParent(self, plot.ctrlMenu.windowFlags())


_BELOW = 4  # px between the word for the best epoch and the curves
_ROOM = 0.06  # beyond the lowest and the highest value, as a share of what lies between them
_SMOOTH_POINTS = 240  # a wide antialiased line costs 50 ms per 1,000 points, so it gets few


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve as it is to be drawn."""

    name: str  # in the legend; empty for none
    colour: QColor
    x: Sequence[float]
    y: Sequence[float]
    # "line", "ghost" (thin and pale), "dots" (a line with a dot per point), or "level": its one
    # value, which belongs to no epoch, as a line across the chart
    style: str = "line"
    dashed: bool = False


class CurveChart(BarePlot):
    """A chart of curves over epochs; the wheel zooms, a double click shows all again."""

    def __init__(
        self,
        theme: Theme,
        unit: str = "",
        percent: bool = False,
        parent: QWidget | None = None,
        *,
        across: str = "epoch",
    ) -> None:
        """`across` names the horizontal axis."""
        self._across = across
        self._percent = percent
        self._axes = {
            "left": _Axis("left", percent=percent),
            "bottom": _Axis("bottom", whole=True),
        }
        super().__init__(parent, axisItems=self._axes)
        self.theme, self._unit = theme, unit
        self._zoomed = False  # by the wheel, until all is asked for again
        self._items: dict[tuple[int, str], pg.PlotDataItem] = {}
        self._best = pg.InfiniteLine(angle=90, movable=False)
        self._best_label = pg.TextItem(anchor=(0.5, 1.0))
        self._hover = pg.TextItem(anchor=(0, 1))
        self._shown: tuple[Curve, ...] = ()
        self._best_at: float | None = None
        plot = self.getPlotItem()
        plot.showGrid(x=False, y=True, alpha=0.12)
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        plot.getViewBox().setMouseEnabled(x=True, y=False)
        plot.getViewBox().disableAutoRange()
        plot.setLabel("bottom", as_html(across))
        plot.getViewBox().sigRangeChanged.connect(lambda *_: self._place_label())
        plot.getViewBox().sigResized.connect(lambda *_: self._place_label())
        plot.getViewBox().sigRangeChangedManually.connect(lambda *_: self._keep_zoom())
        for item in (self._best, self._hover):
            self.addItem(item, ignoreBounds=True)
            item.setVisible(False)
        self._best_label.setParentItem(plot)  # beside the box of the curves, which cuts what is not
        self._best_label.setVisible(False)
        self.setMinimumSize(180, 160)
        theme.changed.connect(self._restyle)
        self.scene().sigMouseMoved.connect(self._hint)
        self._restyle()
        self._scale()

    def sizeHint(self) -> QSize:
        return QSize(320, 166)

    def show_curves(self, curves: Sequence[Curve], best: float | None = None) -> None:
        """Draw `curves`, reusing the items already there; `best` marks an epoch."""
        self._shown, self._best_at = tuple(curves), best
        self._scale()
        wanted = set()
        for place, curve in enumerate(curves):
            key = (place, curve.style)
            wanted.add(key)
            if key not in self._items:
                self._items[key] = pg.PlotDataItem(skipFiniteCheck=True)
                self.addItem(self._items[key])
            self._draw(self._items[key], curve)
        for key in set(self._items) - wanted:
            self.removeItem(self._items.pop(key))
        self._mark()

    def fit(self) -> None:
        """Show all of the curves."""
        self._zoomed = False
        self._scale()

    @property
    def empty(self) -> bool:
        """Whether there is no point to draw."""
        return not any(len(curve.x) for curve in self._shown)

    def _keep_zoom(self) -> None:
        self._zoomed = True

    def _scale(self) -> None:
        """Let the axes span what is shown, and no more than there can be of it."""
        for axis in self._axes.values():
            axis.show_marks(not self.empty)
        end, low, high = self._bounds()
        box = self.getPlotItem().getViewBox()
        box.setLimits(xMin=0.0, xMax=end, yMin=low, yMax=high)
        if not self._zoomed:
            box.setRange(xRange=(0.0, end), yRange=(low, high), padding=0.0)

    def _bounds(self) -> tuple[float, float, float]:
        """The right end, the lowest and the highest value of the axes."""
        ends = [curve.x[-1] for curve in self._shown if len(curve.x) and curve.style != "level"]
        values = [
            number
            for curve in self._shown
            if len(curve.y)
            for number in (min(curve.y), max(curve.y))
            if math.isfinite(number)
        ]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        room = max(_ROOM * (high - low), 0.02)
        bottom, top = low - room, high + room
        if self._percent:
            bottom, top = max(0.0, bottom), min(1.0, top)
        elif low >= 0.0:
            bottom = max(0.0, bottom)
        return (1 + _ROOM / 2) * max([1.0, *ends]), bottom, top

    def mouseDoubleClickEvent(self, event: object) -> None:
        self.fit()

    def _draw(self, item: pg.PlotDataItem, curve: Curve) -> None:
        # copies: the progress goes on growing
        x, y = (np.array(curve.x, float), np.array(curve.y, float))
        if curve.style == "level" and len(y):
            x, y = np.array([0.0, self._bounds()[0]]), np.array([y[-1], y[-1]])
        if curve.style == "ghost":
            item.setData(x, y, pen=pg.mkPen(faded(curve.colour, 0.28), width=1), antialias=False)
            return
        if curve.style == "line" and len(x) > _SMOOTH_POINTS:
            # The newest point is always drawn: the curve should end where the training is.
            keep = np.unique(
                np.append(np.arange(0, len(x), -(-len(x) // _SMOOTH_POINTS)), len(x) - 1)
            )
            x, y = x[keep], y[keep]
        style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
        pen = pg.mkPen(curve.colour, width=2, style=style)
        dots = {}
        if curve.style == "dots":
            hollow = pg.mkBrush(self.theme.tokens.surface)
            dots = {
                "symbol": "o",
                "symbolSize": 6,
                "symbolPen": pg.mkPen(curve.colour, width=1.5),
                "symbolBrush": hollow,
            }
        item.setData(x, y, pen=pen, antialias=True, **dots)

    def _mark(self) -> None:
        told = self._best_at is not None and not self.empty
        self._best.setVisible(told)
        self._best_label.setVisible(told)
        if told:
            self._best.setValue(self._best_at)
            self._best_label.setText(f"best: {self._best_at:g}")
            self._place_label()

    def _place_label(self) -> None:
        """Above the box of the curves, so that no curve strikes it through, in a strip for it."""
        if self._best_at is not None:
            box = self.getPlotItem().getViewBox()
            (left, right), (_, top) = box.viewRange()
            share = (self._best_at - left) / ((right - left) or 1)
            self._best_label.setAnchor((1.0 if share > 0.9 else 0.0 if share < 0.1 else 0.5, 1.0))
            self._best_label.setPos(
                self.getPlotItem().mapFromItem(box, box.mapFromView(QPointF(self._best_at, top)))
            )
            self._best_label.setVisible(self._best.isVisible() and 0.0 <= share <= 1.0)

    def _restyle(self) -> None:
        tokens = self.theme.tokens
        self.setBackground(tokens.surface)
        for axis in self._axes.values():
            axis.dress(tokens.muted, tokens.border_strong, sized(self.font(), 0.85))
        self._best.setPen(pg.mkPen(tokens.muted, width=1, style=Qt.PenStyle.DashLine))
        font = sized(self.font(), 0.85)
        for text in (self._best_label, self._hover):
            text.setColor(tokens.text)
            text.setFont(font)
        self._hover.fill = pg.mkBrush(faded(tokens.surface, 0.9))
        above = QFontMetricsF(font).height() + _BELOW
        self.getPlotItem().layout.setContentsMargins(1, above, 1, 1)
        if self._shown:
            self.show_curves(self._shown, self._best_at)

    def _hint(self, place: QPointF) -> None:
        """Tell at the pointer each named curve's value at its nearest point.

        The text lies towards the middle of the chart, so that no edge cuts it off.
        """
        box = self.getPlotItem().getViewBox()
        if not self._shown or not box.sceneBoundingRect().contains(place):
            self._hover.setVisible(False)
            return
        at = box.mapSceneToView(place)
        lines = []
        for curve in self._shown:
            if curve.name and len(curve.x):
                nearest = int(np.argmin(np.abs(np.array(curve.x) - at.x())))
                lines.append(f"{curve.name}  {self._axes['left'].word(float(curve.y[nearest]))}")
        self._hover.setText(
            f"{self._across} {at.x():.{0 if at.x() >= 30 else 1}f}\n" + "\n".join(lines)
        )
        (left, right), (low, high) = box.viewRange()
        x_side = 1.0 if at.x() > (left + right) / 2 else 0.0
        self._hover.setAnchor((x_side, 0.0 if at.y() > (low + high) / 2 else 1.0))
        self._hover.setPos(at)
        self._hover.setVisible(True)


class Legend(Painted):
    """Names of curves with their colours, in one line that ends at the right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._entries: tuple[tuple[str, QColor], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_entries(self, entries: Sequence[tuple[str, QColor]]) -> None:
        """Show (name, colour) pairs."""
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(80, 20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        painter.setFont(sized(self.font(), 0.92))
        metrics = painter.fontMetrics()
        names = [name for name, _ in self._entries]
        whole = sum(metrics.horizontalAdvance(name) + 30 for name in names)
        if whole > self.width() and names:
            # Only the long names give way.
            most = max(60, int(self.width() / len(names)) - 30)
            names = [elided(metrics, name, most) for name in names]
        x = self.width() - sum(metrics.horizontalAdvance(name) + 30 for name in names) + 12
        y = self.height() / 2
        for name, (_, colour) in zip(names, self._entries, strict=True):
            painter.setPen(QPen(colour, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(x, y), QPointF(x + 10, y))
            painter.setPen(QColor(self.tokens.muted))
            width = metrics.horizontalAdvance(name)
            draw_text(
                painter,
                QRectF(x + 15, 0, width + 4, self.height()),
                int(Qt.AlignmentFlag.AlignVCenter),
                name,
            )
            x += width + 30
        painter.end()


class _Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis in the theme's colours, in per cent where the values are shares, with marks at whole
    numbers only where they are counts."""

    def __init__(self, side: str, *, percent: bool = False, whole: bool = False) -> None:
        super().__init__(side)
        self._percent, self._whole, self._marked = percent, whole, True
        self.enableAutoSIPrefix(False)

    def show_marks(self, shown: bool) -> None:
        """Without anything drawn an axis is a line without numbers."""
        if shown != self._marked:
            self._marked = shown
            self.picture = None
            self.update()

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """pyqtgraph's, without fractions between counts."""
        found = [(float(step), offset) for step, offset in super().tickSpacing(low, high, size)]
        if not self._whole:
            return found
        return [each for each in found if each[0].is_integer()] or [(1.0, 0.0)]

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        return list(super().tickValues(low, high, size)) if self._marked else []

    def dress(self, text: str, line: str, font: QFont) -> None:
        self.setPen(pg.mkPen(line, width=1))
        self.setTextPen(pg.mkPen(text))
        self.setStyle(tickFont=font, tickLength=0, tickTextOffset=6, maxTextLevel=0)
        self.setStyle(hideOverlappingLabels=False)  # the marks at the ends are told, too
        self.label.setFont(font)
        self.labelStyle = {"color": text}
        self.setLabel(self.labelText, **self.labelStyle) if self.labelText else None

    def word(self, value: float) -> str:
        return f"{value:.1%}" if self._percent else f"{value:.3f}"

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if not self._percent:
            return list(super().tickStrings(values, scale, spacing))
        digits = 0 if spacing >= 0.0099 else 1
        return [f"{100 * value:.{digits}f}%" for value in values]
