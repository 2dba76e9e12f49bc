"""The matrix: a square of shares with the counts behind them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import doubted, too_few
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, mixed, sized

_SMALLEST, _LARGEST = 3, 140  # px, a cell's side at least and at most
# px, a cell's side below which there is no room for names and blank cells have no outline
_LEGIBLE = 12
_KEY = 44  # px below the matrix, for the colour key


class Matrix(Painted):
    """Cells coloured from chance to full agreement.

    Arrows move over them, the pointer tells each in words.
    """

    chosen = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._names: tuple[str, ...] = ()
        self._values: NDArray[np.float64] = np.zeros((0, 0))
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._at: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_matrix(
        self, names: Sequence[str], values: NDArray[np.float64], counts: NDArray[np.int64]
    ) -> None:
        """`values` (n, n) in [0, 1] with NaN where nothing
        is shared, `counts` (n, n) of shared answers."""
        self._names, self._values, self._counts = tuple(names), values, counts
        self._at = None
        self.setAccessibleName("Agreement of " + ", ".join(names))
        self.updateGeometry()
        self.update()

    def minimumSizeHint(self) -> QSize:
        left, top = self._margins()
        side = min(220, 32 * len(self._names))
        return QSize(left + side + 4, top + side + _KEY)

    def sizeHint(self) -> QSize:
        left, top = self._margins()
        side = min(600, 64 * len(self._names))
        return QSize(left + side + 4, top + side + _KEY)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The names, the cells and the colour key; the gaps shrink with the cells."""
        if not self._names:
            return
        painter = self.painter()
        left, top, side = self._layout()
        self._headings(painter, left, top, side)
        for row in range(len(self._names)):
            for column in range(len(self._names)):
                gap = min(1.5, side / 12)
                box = QRectF(left + column * side, top + row * side, side, side).adjusted(
                    gap, gap, -gap, -gap
                )
                self._cell(painter, box, row, column)
        self._legend(painter, left, top + side * len(self._names) + 16, side * len(self._names))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = self._find(QPointF(event.pos()))
            if at is not None:
                show_tip(event.globalPos(), self._words(*at), self)
                return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._find(event.position())
        if at != self._at:
            self._at = at
            self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._at is None and self._names:
            self._at = (0, 0)  # where the arrows will start
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._at = None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._at = None
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._find(event.position())
        if at is not None and at[0] != at[1]:
            self.chosen.emit(*at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move over the cells and tell each in words, as the pointer does.

        Return chooses the pair; on the diagonal there is none to choose.
        """
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        count = len(self._names)
        if event.key() in moves and count:
            row, column = self._at or (0, 0)
            down, across = moves[Qt.Key(event.key())]
            self._at = (min(max(row + down, 0), count - 1), min(max(column + across, 0), count - 1))
            left, top, side = self._layout()
            place = QPoint(
                int(left + (self._at[1] + 0.5) * side), int(top + (self._at[0] + 0.5) * side)
            )
            show_tip(self.mapToGlobal(place), self._words(*self._at), self)
            self.update()
        elif (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self._at
            and self._at[0] != self._at[1]
        ):
            self.chosen.emit(*self._at)
        else:
            super().keyPressEvent(event)

    def _margins(self) -> tuple[int, int]:
        left = min(self._widest(), 150) + 14
        return left, left if self._upright() else 26

    def _widest(self) -> int:
        metrics = self.fontMetrics()
        return max((metrics.horizontalAdvance(name) for name in self._names), default=0)

    def _upright(self) -> bool:
        """Whether the columns' names stand on end, for they are wider than the columns."""
        return (
            bool(self._names)
            and (self.width() - 100) / len(self._names) < min(self._widest(), 60) + 6
        )

    def _layout(self) -> tuple[float, float, float]:
        left, top = self._margins()
        count = len(self._names)
        side = min(
            (self.width() - left - 4) / count, (self.height() - top - _KEY) / count, _LARGEST
        )
        side = max(side, _SMALLEST)
        spare = max(0.0, self.width() - left - side * count - 4)
        return left + min(spare / 2, 80), top, side

    def _find(self, place: QPointF) -> tuple[int, int] | None:
        if not self._names:
            return None
        left, top, side = self._layout()
        column, row = math.floor((place.x() - left) / side), math.floor((place.y() - top) / side)
        count = len(self._names)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def _words(self, row: int, column: int) -> str:
        one, other = self._names[row], self._names[column]
        count = int(self._counts[row, column])
        if not count or np.isnan(self._values[row, column]):
            same = f"{one} answered nothing twice."
            return same if row == column else f"{one} and {other} answered nothing in common."
        if row == column:
            asked = counted(count, "answer")
            told = f"{one} repeats {self._values[row, column]:.1%} of {asked} asked twice."
        else:
            told = (
                f"{one} and {other} agree on {self._values[row, column]:.1%} of "
                f"{counted(count, 'shared answer')}."
            )
        return doubted(told, count, opens=True)

    def _headings(self, painter: QPainter, left: float, top: float, side: float) -> None:
        """The names at the rows and over the columns, on end where the columns are too narrow.

        Those of the current cell stand out. Cells too small for any name have none.
        """
        if side < _LEGIBLE:
            return
        painter.setFont(self.font() if side >= 18 else sized(self.font(), 0.82))
        metrics, upright = painter.fontMetrics(), self._upright()
        for place, name in enumerate(self._names):
            lit = self._at is not None and place in self._at
            painter.setPen(QColor(self.tokens.text if lit else self.tokens.muted))
            row = QRectF(0, top + place * side, left - 10, side)
            short = elided(metrics, name, int(left) - 12)
            draw_text(
                painter,
                row,
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                short,
            )
            if upright:
                painter.save()
                painter.translate(left + (place + 0.5) * side, top - 6)
                painter.rotate(-90)
                short = elided(metrics, name, int(top) - 8)
                box = QRectF(0, -side / 2, top - 6, side)
                draw_text(
                    painter,
                    box,
                    int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
                    short,
                )
                painter.restore()
            else:
                short = elided(metrics, name, int(side) - 4)
                column = QRectF(left + place * side, top - 24, side, 20)
                draw_text(painter, column, int(Qt.AlignmentFlag.AlignCenter), short)

    def _cell(self, painter: QPainter, box: QRectF, row: int, column: int) -> None:
        tokens = self.tokens
        value, count = float(self._values[row, column]), int(self._counts[row, column])
        painter.setPen(Qt.PenStyle.NoPen)
        unknown = not count or math.isnan(value)
        bend = min(5.0, box.width() / 5)
        if row == column or (not unknown and too_few(count)):
            # Self-agreement is another question than agreement, and few answers tell of neither: in
            # figures, but without a colour of its own.
            painter.setBrush(faded(tokens.track, 0.45))
            painter.drawRoundedRect(box, bend, bend)
            painter.setPen(QColor(tokens.muted))
            if not unknown:
                self._figures(painter, box, value, count)
        elif unknown:
            if box.width() < _LEGIBLE:
                return
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box, bend, bend)
        else:
            fill = self.shade(value)
            painter.setBrush(fill)
            painter.drawRoundedRect(box, bend, bend)
            painter.setPen(QColor("#ffffff" if fill.lightnessF() < 0.52 else "#141418"))
            self._figures(painter, box, value, count)
        if self._at == (row, column):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.text), 1.6))
            painter.drawRoundedRect(box, bend, bend)

    def _figures(self, painter: QPainter, box: QRectF, value: float, count: int) -> None:
        if box.width() < 26:
            return
        roomy = box.height() >= 40
        if too_few(count):
            self._doubt(painter, box, value, count, roomy=roomy)
            return
        painter.setFont(sized(self.font(), 1.0 if roomy else 0.8, bold=True))
        upper = box.adjusted(0, 0, 0, -box.height() * 0.26) if roomy else box
        draw_text(painter, upper, int(Qt.AlignmentFlag.AlignCenter), f"{100 * value:.0f}")
        if roomy:
            painter.setFont(sized(self.font(), 0.77))
            lower = box.adjusted(0, box.height() * 0.46, 0, 0)
            draw_text(painter, lower, int(Qt.AlignmentFlag.AlignCenter), f"n {count:,}")

    def _doubt(
        self, painter: QPainter, box: QRectF, value: float, count: int, *, roomy: bool
    ) -> None:
        """That there are too few answers to tell, and small below it what they say."""
        centred = int(Qt.AlignmentFlag.AlignCenter)
        small = f"{100 * value:.0f}, n {count:,}"
        painter.setFont(sized(self.font(), 0.77))
        if not roomy or painter.fontMetrics().horizontalAdvance(small) > box.width():
            draw_text(painter, box, centred, "few")
            return
        draw_text(painter, box.adjusted(0, 0, 0, -box.height() * 0.26), centred, "too few")
        draw_text(painter, box.adjusted(0, box.height() * 0.46, 0, 0), centred, small)

    def shade(self, value: float) -> QColor:
        """Orange below chance, neutral at chance, blue above:
        ordered in lightness, told apart by everyone."""
        tokens = self.tokens
        neutral = "#e9e9ee" if not tokens.dark else "#3a3a42"
        strength = min(abs(value - 0.5) / 0.5, 1.0) ** 0.8
        return mixed(neutral, "#00539b" if value >= 0.5 else "#c45500", strength)

    def _legend(self, painter: QPainter, left: float, top: float, width: float) -> None:
        width = min(width, 220.0)
        for step in range(int(width)):
            painter.fillRect(QRectF(left + step, top, 1.4, 8), self.shade(step / width))
        painter.setFont(sized(self.font(), 0.82))
        painter.setPen(QColor(self.tokens.muted))
        words = ((Qt.AlignmentFlag.AlignLeft, "0%"), (Qt.AlignmentFlag.AlignHCenter, "50%"))
        for side, word in (*words, (Qt.AlignmentFlag.AlignRight, "100%")):
            draw_text(painter, QRectF(left, top + 10, width, 16), int(side), word)
