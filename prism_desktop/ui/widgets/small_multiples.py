"""Small multiples: one little chart per labeler or attribute, all on the same scales."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized, ticks

_GAP = 12  # px between charts
_LEAST = 136  # px, the narrowest chart
_HEIGHT, _HIGHEST = 92, 168  # px, of a narrow chart and at most
_AXIS = 30  # px left of the curves, for the scale


@dataclass(frozen=True, slots=True)
class Mini:
    """One small chart: shares in [0, 1] over epochs."""

    name: str
    colour: QColor
    train: tuple[Sequence[float], Sequence[float]]
    val: tuple[Sequence[float], Sequence[float]]
    value: float | None = None  # the validation accuracy told in figures
    count: int = 0  # validation answers behind `val`

    @property
    def few(self) -> bool:
        """Whether the value rests on too few answers to tell; an unknown number is none."""
        return bool(self.count) and too_few(self.count)


class Multiples(Painted):
    """Charts in as many columns as fit.

    Train pale, validation strong, the best epoch and chance marked.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._minis: tuple[Mini, ...] = ()
        self._best: float | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_minis(self, minis: Sequence[Mini], best: float | None = None) -> None:
        """Show these charts; a change in their number changes the height."""
        resized = len(minis) != len(self._minis)
        self._minis, self._best = tuple(minis), best
        if resized:
            self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._minis) // self._columns(width))
        return max(0, rows * (self._height(width) + _GAP) - _GAP)

    def sizeHint(self) -> QSize:
        width = max(self.width(), 2 * _LEAST)
        return QSize(2 * _LEAST, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST, min(_HEIGHT, self.heightForWidth(max(self.width(), _LEAST))))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        low, high, end = self._scale()
        for place, mini in enumerate(self._minis):
            self._paint(painter, self._cell(place), mini, low, high, end)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            told = next(
                (m for i, m in enumerate(self._minis) if self._cell(i).contains(event.pos())), None
            )
            if told is not None and told.value is not None:
                behind = f" on {counted(told.count, 'validation answer')}" if told.count else ""
                few = f"{TOO_FEW}, " if told.few else ""
                show_tip(event.globalPos(), f"{told.name}: {few}{told.value:.1%}{behind}", self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _columns(self, width: int) -> int:
        return max(1, min(len(self._minis) or 1, (width + _GAP) // (_LEAST + _GAP)))

    def _height(self, width: int) -> int:
        """How high each chart is where all have `width` together: wide ones are higher."""
        return max(_HEIGHT, min(_HIGHEST, round(0.4 * width / self._columns(width))))

    def _cell(self, place: int) -> QRectF:
        columns, height = self._columns(self.width()), self._height(self.width())
        width = (self.width() - _GAP * (columns - 1)) / columns
        row, column = divmod(place, columns)
        return QRectF(column * (width + _GAP), row * (height + _GAP), width, height)

    def _scale(self) -> tuple[float, float, float]:
        values = [value for mini in self._minis for _, ys in (mini.train, mini.val) for value in ys]
        ends = [xs[-1] for mini in self._minis for xs, _ in (mini.train, mini.val) if len(xs)]
        low, high = min([0.5, *values]), max([0.6, *values])
        return max(0.0, low - 0.02), min(1.0, high + 0.02), max([2.0, *ends])

    def _paint(
        self, painter: QPainter, cell: QRectF, mini: Mini, low: float, high: float, end: float
    ) -> None:
        """One chart: its heading, then the curves on the scale that all share."""
        head = QRectF(cell.left(), cell.top(), cell.width(), 20)
        self._head(painter, head, mini)
        plot = QRectF(
            cell.left() + _AXIS,
            head.bottom() + 8,
            cell.width() - _AXIS - 4,
            cell.bottom() - head.bottom() - 14,
        )
        self._grid(painter, plot, low, high, end)
        painter.setBrush(mini.colour)
        for (xs, ys), pen in (
            (mini.train, QPen(faded(mini.colour, 0.45), 1.2, Qt.PenStyle.DashLine)),
            (mini.val, QPen(mini.colour, 1.8)),
        ):
            if len(xs):
                points = [
                    QPointF(
                        plot.left() + plot.width() * x / end,
                        plot.bottom() - plot.height() * (y - low) / (high - low),
                    )
                    for x, y in zip(xs, ys, strict=True)
                ]
                painter.setPen(pen)
                painter.drawPolyline(QPolygonF(points))
                if pen.style() == Qt.PenStyle.SolidLine:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.drawEllipse(points[-1], 2.6, 2.6)

    def _head(self, painter: QPainter, head: QRectF, mini: Mini) -> None:
        """The dot of the colour, the name, and the latest value at the right."""
        tokens = self.tokens
        painter.setFont(sized(self.font(), 0.92, bold=True))
        value = f"{mini.value:.1%}" if mini.value is not None else "–"
        painter.setPen(QColor(tokens.text))
        draw_text(
            painter, head, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), value
        )
        room = int(head.width()) - painter.fontMetrics().horizontalAdvance(value) - 22
        painter.setFont(sized(self.font(), 0.92))
        painter.setBrush(mini.colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(head.left() + 4, head.center().y()), 4, 4)
        painter.setPen(QColor(tokens.text))
        name = elided(painter.fontMetrics(), mini.name, max(0, room))
        draw_text(painter, head.adjusted(14, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), name)

    def _grid(self, painter: QPainter, plot: QRectF, low: float, high: float, end: float) -> None:
        """Lines of the scale with their shares, and the best epoch as a dashed one."""
        tokens = self.tokens
        painter.setFont(sized(self.font(), 0.77))
        marks = ticks(low, high, 2)
        for share in marks:
            y = plot.bottom() - plot.height() * (share - low) / (high - low)
            painter.setPen(QPen(QColor(tokens.border), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(tokens.faint))
            label = QRectF(plot.left() - _AXIS, y - 7, _AXIS - 5, 14)
            draw_text(
                painter,
                label,
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                f"{share:.0%}",
            )
        if self._best is not None:
            x = plot.left() + plot.width() * self._best / end
            painter.setPen(QPen(QColor(tokens.faint), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
