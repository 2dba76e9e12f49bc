"""Dots with intervals on one scale about zero, row by row, under headings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized, ticks

_ROW, _HEAD, _TOP, _FOOT = 26, 34, 20, 26  # px
_NAME, _NUMBER, _NARROW = 250, 190, 620  # px; below, numbers have no interval beside them
_LEAST = 0.05  # of the scale to either side, so that small differences look small

Mark = Literal["sure", "perhaps", "plain", "few"]


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One row; shares or differences of them, NaN where nothing is known."""

    name: str
    value: float
    low: float
    high: float
    number: str  # as it is told
    doubt: str  # its interval and n
    mark: Mark
    words: str  # the row in a sentence


@dataclass(frozen=True, slots=True)
class IntervalGroup:
    """Rows under a heading."""

    name: str
    rows: tuple[IntervalRow, ...]


class IntervalChart(Painted):
    """Filled dots are sure, rings perhaps; what is grey tells nothing by itself."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._groups: tuple[IntervalGroup, ...] = ()
        self._axis = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_groups(self, groups: Sequence[IntervalGroup], axis: str) -> None:
        """Show these from top to bottom; `axis` says what is to the right of zero."""
        self._groups, self._axis = tuple(group for group in groups if group.rows), axis
        self.setAccessibleDescription(
            " ".join(row.words for group in self._groups for row in group.rows)
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows = sum(len(group.rows) for group in self._groups)
        high = _TOP + _HEAD * len(self._groups) + _ROW * rows + 2 * _FOOT
        return QSize(460, high if rows else 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The scale, then each heading and its rows from back to front."""
        if not self._groups:
            return
        painter = self.painter()
        plot, most = self._plot(), self._most()
        self._scale(painter, plot, most)
        y = float(_TOP)
        for group in self._groups:
            painter.setFont(sized(self.font(), 0.92, bold=True))
            painter.setPen(QColor(self.tokens.muted))
            box = QRectF(0, y + 8, self.width(), _HEAD - 8)
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignVCenter), group.name)
            y += _HEAD
            for row in group.rows:
                self._row(painter, plot, row, y + _ROW / 2, most)
                y += _ROW
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._at(event.pos().y())
            if row is not None:
                show_tip(event.globalPos(), row.words, self)
                return True
        return super().event(event)

    def _at(self, place: float) -> IntervalRow | None:
        y = float(_TOP)
        for group in self._groups:
            y += _HEAD
            if y <= place < y + _ROW * len(group.rows):
                return group.rows[int((place - y) // _ROW)]
            y += _ROW * len(group.rows)
        return None

    def _plot(self) -> QRectF:
        number = _NUMBER if self.width() >= _NARROW else 64
        left = min(_NAME, 0.4 * self.width())
        return QRectF(left, _TOP, max(60.0, self.width() - left - number - 12), self._bottom())

    def _bottom(self) -> float:
        rows = sum(len(group.rows) for group in self._groups)
        return float(_HEAD * len(self._groups) + _ROW * rows)

    def _most(self) -> float:
        ends = [
            abs(end)
            for group in self._groups
            for row in group.rows
            if row.mark != "few"
            for end in (row.low, row.high)
            if end == end
        ]
        return max([_LEAST, *ends]) * 1.06

    def _scale(self, painter: QPainter, plot: QRectF, most: float) -> None:
        """Lines with their points below, and what the sides mean."""
        painter.setFont(sized(self.font(), 0.85))
        for mark in ticks(-most, most, 5 if plot.width() < 300 else 7):
            x = plot.center().x() + mark / most * plot.width() / 2
            zero = abs(mark) < 1e-9
            style = Qt.PenStyle.DashLine if zero else Qt.PenStyle.SolidLine
            painter.setPen(
                QPen(QColor(self.tokens.faint if zero else self.tokens.border), 1, style)
            )
            painter.drawLine(QPointF(x, plot.top() + 2), QPointF(x, plot.bottom() + 4))
            painter.setPen(QColor(self.tokens.muted))
            word = "0" if zero else f"{100 * mark:+.3g}"
            for y in (0.0, plot.bottom() + 4):  # a long list shows only one end at a time
                box = QRectF(x - 30, y, 60, _FOOT - 6)
                draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), word)
        wide = min(plot.width() + 2 * 90, self.width() - 2.0)
        box = QRectF(plot.center().x() - wide / 2, plot.bottom() + _FOOT, wide, _FOOT - 6)
        words = elided(painter.fontMetrics(), self._axis, int(wide))
        draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), words)

    def _row(
        self, painter: QPainter, plot: QRectF, row: IntervalRow, y: float, most: float
    ) -> None:
        tokens = self.tokens
        few = row.mark == "few"
        ink = QColor(tokens.accent if row.mark in ("sure", "perhaps") else tokens.muted)
        painter.setFont(sized(self.font(), 1.0, bold=row.mark == "sure"))
        painter.setPen(QColor(tokens.muted if few else tokens.text))
        side = Qt.AlignmentFlag.AlignVCenter
        name = elided(painter.fontMetrics(), row.name, int(plot.left()) - 14)
        draw_text(painter, QRectF(0, y - 12, plot.left() - 12, 24), int(side), name)
        self._number(painter, plot, row, y)
        if row.value != row.value:
            return

        def at(value: float) -> float:
            inside = max(-most, min(most, value))
            return plot.center().x() + inside / most * plot.width() / 2

        line = Qt.PenStyle.DotLine if few else Qt.PenStyle.SolidLine
        wide = 1.5 if few else 7
        pen = QPen(ink if few else faded(ink, 0.3), wide, line, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(QPointF(at(row.low), y), QPointF(at(row.high), y))
        if abs(row.value) > most:
            return  # outside of the scale, which what is too little does not stretch
        filled = row.mark == "sure"
        painter.setPen(QPen(QColor(tokens.surface) if filled else ink, 1.6))
        painter.setBrush(ink if filled else QColor(tokens.surface))
        painter.drawEllipse(QPointF(at(row.value), y), 5.5, 5.5)

    def _number(self, painter: QPainter, plot: QRectF, row: IntervalRow, y: float) -> None:
        tokens, side = self.tokens, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(tokens.text if row.mark in ("sure", "perhaps") else tokens.muted))
        x = plot.right() + 10
        draw_text(painter, QRectF(x, y - 12, 54, 24), int(side), row.number)
        if self.width() >= _NARROW or not row.number:
            painter.setFont(sized(self.font(), 0.85))
            painter.setPen(QColor(tokens.muted))
            left = x + 62 if row.number else x + 14  # what has no number begins in its place
            wide = self.width() - left
            doubt = elided(painter.fontMetrics(), row.doubt, int(wide))
            box = QRectF(left, y - 12, wide, 24)
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignVCenter), doubt)
