"""A grid of accuracies, labelers by attributes: the
number, its interval, the gain over the consensus."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.runs.estimates import TOO_FEW, UNKNOWN
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.dumbbell import AccuracyRow, tone_ink
from prism_desktop.ui.widgets.painted import Painted, faded, sized

_ROW, _TOP, _GAP = 46, 28, 24  # px
_LEAST, _BETWEEN = 64, 12  # px of a column, below which they go on in another block; between those


@dataclass(frozen=True, slots=True)
class Line:
    """A labeler's cells, one per attribute; None where nothing was tested."""

    name: str
    colour: QColor
    cells: tuple[AccuracyRow | None, ...]


class ShareGrid(Painted):
    """Each cell a small dumbbell over its numbers, all cells on one scale."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._heads: tuple[str, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_grid(self, heads: Sequence[str], lines: Sequence[Line]) -> None:
        """Show one column per head, one row per line."""
        self._heads, self._lines = tuple(heads), tuple(lines)
        known = (cell for line in lines for cell in line.cells if cell is not None)
        self.setAccessibleDescription(" ".join(cell.words() for cell in known))
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as its blocks need, one below the other."""
        blocks = -(-len(self._heads) // self._across()) if self._heads else 1
        self.setFixedHeight(blocks * self._block() + 4)

    def _block(self) -> int:
        return _TOP + _ROW * len(self._lines) + _BETWEEN

    def _across(self) -> int:
        """How many columns stand beside each other, about the same number in every block."""
        count = max(1, len(self._heads))
        fit = max(1, int((self.width() - self._left() + _GAP) // (_LEAST + _GAP)))
        blocks = -(-count // fit)
        return -(-count // blocks)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The attributes' names, then row by row a labeler's name and cells.

        One range serves all cells, so that places can be compared between them.
        """
        painter, tokens = self.painter(), self.tokens
        low, high = self._range()
        for column, head in enumerate(self._heads):
            box = self._cell(0, column)
            painter.setFont(sized(self.font(), 0.92))
            painter.setPen(QColor(tokens.muted))
            text = elided(painter.fontMetrics(), head, int(box.width()))
            draw_text(
                painter,
                QRectF(box.left(), box.top() - _TOP, box.width(), _TOP - 6),
                int(Qt.AlignmentFlag.AlignVCenter),
                text,
            )
        for row, line in enumerate(self._lines):
            for first in range(0, len(self._heads), self._across()):
                self._name(painter, line, self._cell(row, first).center().y())
            for column, cell in enumerate(line.cells):
                self._paint(painter, self._cell(row, column), cell, low, high)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for row, line in enumerate(self._lines):
                for column, cell in enumerate(line.cells):
                    if cell is not None and self._cell(row, column).contains(QPointF(event.pos())):
                        show_tip(event.globalPos(), cell.words(), self)
                        return True
        return super().event(event)

    def _left(self) -> float:
        widest = max(
            (self.fontMetrics().horizontalAdvance(line.name) for line in self._lines), default=40
        )
        return min(170, widest + 34)

    def _cell(self, row: int, column: int) -> QRectF:
        left, count = self._left(), self._across()
        width = (self.width() - left - _GAP * (count - 1)) / count
        block, place = divmod(column, count)
        top = block * self._block() + _TOP + row * _ROW
        return QRectF(left + place * (width + _GAP), top, width, _ROW)

    def _range(self) -> tuple[float, float]:
        values = [0.5]
        for line in self._lines:
            for cell in line.cells:
                if cell is not None:
                    values += [
                        v
                        for v in (cell.accuracy, cell.low, cell.high, cell.consensus)
                        if v is not None
                    ]
        return max(0.0, min(values) - 0.02), min(1.0, max(values) + 0.02)

    def _name(self, painter: QPainter, line: Line, y: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line.colour)
        painter.drawEllipse(QPointF(8, y), 4, 4)
        painter.setFont(self.font())
        painter.setPen(QColor(self.tokens.text))
        name = elided(painter.fontMetrics(), line.name, int(self._left()) - 30)
        draw_text(
            painter,
            QRectF(20, y - 12, self._left() - 24, 24),
            int(Qt.AlignmentFlag.AlignVCenter),
            name,
        )

    def _paint(
        self, painter: QPainter, box: QRectF, cell: AccuracyRow | None, low: float, high: float
    ) -> None:
        """A cell from back to front: rail, chance, interval, consensus, the personal model's dot.

        The dot comes last, for nothing may hide the result. A cell without a test has the rail
        alone and says so.
        """
        tokens = self.tokens
        rail, y = box.adjusted(5, 0, -5, 0), box.top() + 32
        painter.setPen(QPen(QColor(tokens.track), 2))
        painter.drawLine(QPointF(rail.left(), y), QPointF(rail.right(), y))
        if cell is None:
            painter.setPen(QColor(tokens.faint))
            draw_text(painter, QRectF(box.left(), box.top() + 4, box.width(), 20), 0, "not tested")
            return

        def at(value: float) -> float:
            return rail.left() + rail.width() * (value - low) / (high - low)

        painter.setPen(QPen(QColor(tokens.faint), 1))
        painter.drawLine(QPointF(at(0.5), y - 5), QPointF(at(0.5), y + 5))
        if cell.low is not None and cell.high is not None:
            painter.setPen(
                QPen(faded(cell.colour, 0.35), 6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            )
            painter.drawLine(QPointF(at(cell.low), y), QPointF(at(cell.high), y))
        if cell.consensus is not None:
            painter.setPen(QPen(QColor(tokens.muted), 1.6))
            painter.setBrush(QColor(tokens.surface))
            painter.drawEllipse(QPointF(at(cell.consensus), y), 3.6, 3.6)
        painter.setPen(QPen(QColor(tokens.surface), 1))
        painter.setBrush(cell.colour)
        painter.drawEllipse(QPointF(at(cell.accuracy), y), 4.6, 4.6)
        self._numbers(painter, box, cell)

    def _numbers(self, painter: QPainter, box: QRectF, cell: AccuracyRow) -> None:
        """The accuracy at the left, the gain at the right, and the interval between if it fits."""
        tokens = self.tokens
        line = QRectF(box.left(), box.top() + 4, box.width(), 20)
        painter.setFont(sized(self.font(), 1.0, bold=not cell.few))
        painter.setPen(QColor(tokens.muted if cell.few else tokens.text))
        number = cell.told().number
        if cell.few and box.width() > 170:
            number = f"{TOO_FEW}: {number}"
        draw_text(painter, line, int(Qt.AlignmentFlag.AlignVCenter), number)
        used = painter.fontMetrics().horizontalAdvance(number) + 8
        painter.setFont(sized(self.font(), 0.85))
        gain = cell.told_gain()
        if gain is not UNKNOWN:
            painter.setPen(QColor(tone_ink(gain, tokens)))
            side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            draw_text(painter, line, side, gain.number)
        if (
            cell.low is not None
            and cell.high is not None
            and box.width() > (300 if cell.few else 170)
        ):
            painter.setPen(QColor(tokens.muted))
            words = f"{100 * cell.low:.0f} – {100 * cell.high:.0f}"
            words = f"{words}, n {cell.count:,}"
            draw_text(
                painter, line.adjusted(used, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), words
            )
