"""Dots on a line from lowest to highest: where each
labeler's model puts one face, attribute by attribute."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.grammar import comparative
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, sized

_ROW, _HEAD, _GROUP_GAP = 18, 24, 10  # px; three attributes of six labelers fit without scrolling
# px, of more labelers than can be named; then they stand in the order of their dots
_THIN, _MANY = 5, 24
_RIGHT = 44


@dataclass(frozen=True, slots=True)
class Dot:
    """One labeler's prediction."""

    name: str
    share: float  # of faces that score lower, NaN if nothing was predicted
    colour: QColor
    doubt: str = ""  # said first where the model was tested on too few answers
    low: float = float("nan")  # 95 % interval of the share, NaN where it is not known
    high: float = float("nan")

    @property
    def between(self) -> str:
        """The interval in words, empty where it is not known."""
        return "" if self.low != self.low else f" [{self.low:.0%}, {self.high:.0%}]"


@dataclass(frozen=True, slots=True)
class DotGroup:
    """One attribute."""

    name: str
    dots: tuple[Dot, ...]
    consensus: float | None = None  # share of the consensus model

    @property
    def many(self) -> bool:
        """Whether there are too many labelers for names."""
        return len(self.dots) > _MANY

    @property
    def row(self) -> int:
        """How high a labeler's row is, in px."""
        return _THIN if self.many else _ROW

    def order(self) -> list[int]:
        """Which dot stands in each row."""
        rows = list(range(len(self.dots)))
        if not self.many:
            return rows
        return sorted(
            rows, key=lambda at: (self.dots[at].share != self.dots[at].share, -self.dots[at].share)
        )

    def words(self) -> str:
        """The group in words, for screen readers."""
        return f"{self.name}: " + ", ".join(
            f"{d.name} {f'{TOO_FEW}: ' if d.doubt else ''}{d.share:.0%}{d.between}"
            for d in self.dots
            if d.share == d.share
        )


class Dots(Painted):
    """Groups below each other; a click on a row tells whose it is."""

    clicked = Signal(int, int)  # group, row

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._groups: tuple[DotGroup, ...] = ()
        self._lit: tuple[int, int] | None = None
        self.words = FACES  # for what the groups are about
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_groups(self, groups: Sequence[DotGroup], lit: tuple[int, int] | None = None) -> None:
        """Show these; `lit` (group, row) stands out."""
        self._groups, self._lit = tuple(groups), lit
        self.setAccessibleDescription("; ".join(group.words() for group in groups))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows = sum(len(group.dots) * group.row for group in self._groups)
        return QSize(320, rows + len(self._groups) * (_HEAD + _GROUP_GAP) + 20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        left = self._left()
        plot = QRectF(left, 0, self.width() - left - _RIGHT, self.height() - 20)
        for place, (group, top) in enumerate(self._tops()):
            self._paint_group(painter, plot, place, group, top)
        self._scale(painter, plot)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._find(event.position())
        if found is not None:
            self.clicked.emit(*found)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._find(QPointF(event.pos()))
            if found is not None:
                group = self._groups[found[0]]
                dot = group.dots[found[1]]
                if dot.share == dot.share:
                    words = (
                        f"{dot.name}'s model finds this {self.words.one} "
                        f"{comparative(group.name)} than {dot.share:.0%}{dot.between} of the "
                        f"{self.words.many}."
                    )
                    words = f"{dot.doubt} {words}".strip()
                    show_tip(event.globalPos(), words, self)
                    return True
        return super().event(event)

    def _tops(self) -> list[tuple[DotGroup, float]]:
        tops, y = [], 0.0
        for group in self._groups:
            tops.append((group, y))
            y += _HEAD + len(group.dots) * group.row + _GROUP_GAP
        return tops

    def _find(self, place: QPointF) -> tuple[int, int] | None:
        for number, (group, top) in enumerate(self._tops()):
            row = int((place.y() - top - _HEAD) // group.row)
            if place.y() >= top + _HEAD and 0 <= row < len(group.dots):
                return number, group.order()[row]
        return None

    def _left(self) -> float:
        names = (dot.name for group in self._groups for dot in group.dots)
        return min(
            140,
            max((self.fontMetrics().horizontalAdvance(name) for name in names), default=40) + 16,
        )

    def _paint_group(
        self, painter: QPainter, plot: QRectF, place: int, group: DotGroup, top: float
    ) -> None:
        """The attribute's name, and below it the rows from back to front.

        The chosen row's background and the quarter lines come first, then the consensus model's
        diamond, and last the labelers' dots, which nothing may hide.
        """
        tokens = self.tokens
        painter.setFont(sized(self.font(), 1.0, bold=True))
        painter.setPen(QColor(tokens.text))
        draw_text(
            painter,
            QRectF(0, top, self.width(), _HEAD),
            int(Qt.AlignmentFlag.AlignVCenter),
            group.name,
        )
        low, high, order = top + _HEAD, top + _HEAD + len(group.dots) * group.row, group.order()
        if self._lit is not None and self._lit[0] == place:
            middle = low + (order.index(self._lit[1]) + 0.5) * group.row
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(QRectF(0, middle - _ROW / 2, self.width(), _ROW), 6, 6)
        for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = plot.left() + plot.width() * mark
            painter.setPen(QPen(QColor(tokens.border), 1))
            painter.drawLine(QPointF(x, low), QPointF(x, high))
        if group.consensus is not None and group.consensus == group.consensus:
            self._diamond(painter, plot.left() + plot.width() * group.consensus, low, high)
        for row, at in enumerate(order):
            y, lit = low + (row + 0.5) * group.row, (place, at) == self._lit
            if group.many and not lit:
                self._paint_thin(painter, plot, group.dots[at], y)
            elif not group.many:
                self._paint_dot(painter, plot, group.dots[at], y, lit)
        if group.many and self._lit is not None and self._lit[0] == place:
            y = low + (order.index(self._lit[1]) + 0.5) * group.row
            self._paint_dot(painter, plot, group.dots[self._lit[1]], y, True)

    def _paint_thin(self, painter: QPainter, plot: QRectF, dot: Dot, y: float) -> None:
        """One of very many: its interval and its dot, in grey, for no colour can tell so many
        apart."""
        if dot.share != dot.share:
            return
        tokens = self.tokens
        if dot.low == dot.low:
            painter.setPen(QPen(QColor(tokens.border_strong), 1.5))
            ends = [plot.left() + plot.width() * each for each in (dot.low, dot.high)]
            painter.drawLine(QPointF(ends[0], y), QPointF(ends[1], y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.faint if dot.doubt else tokens.muted))
        painter.drawEllipse(QPointF(plot.left() + plot.width() * dot.share, y), 2.2, 2.2)

    def _diamond(self, painter: QPainter, x: float, low: float, high: float) -> None:
        tokens = self.tokens
        painter.setPen(QPen(QColor(tokens.faint), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, low), QPointF(x, high))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.faint))
        corners = ((0, -5), (5, 0), (0, 5), (-5, 0))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, low + dy) for dx, dy in corners]))

    def _paint_dot(self, painter: QPainter, plot: QRectF, dot: Dot, y: float, lit: bool) -> None:
        """The labeler's name, a stem from the lowest end to the dot or, where it is known, the
        interval about it, and the percentile.

        The dot has an edge in the surface's colour to stand out from what it lies on. A labeler
        without a prediction gets a dash in place of all but the name.
        """
        tokens = self.tokens
        painter.setFont(self.font())
        painter.setPen(QColor(tokens.text if lit else tokens.muted))
        metrics = painter.fontMetrics()
        name = elided(metrics, dot.name, int(plot.left()) - 12)
        box = QRectF(6, y - _ROW / 2, plot.left() - 12, _ROW)
        draw_text(
            painter, box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name
        )
        right = QRectF(plot.right() + 8, y - _ROW / 2, _RIGHT - 14, _ROW)
        if dot.share != dot.share:
            draw_text(
                painter,
                right,
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                "–",
            )
            return
        x = plot.left() + plot.width() * dot.share
        sure = not dot.doubt  # else a ring on a broken stem, and a pale number
        line = Qt.PenStyle.SolidLine if sure else Qt.PenStyle.DotLine
        painter.setPen(QPen(dot.colour, 2, line))
        if dot.low == dot.low:
            ends = [plot.left() + plot.width() * each for each in (dot.low, dot.high)]
            painter.drawLine(QPointF(ends[0], y), QPointF(ends[1], y))
        else:
            painter.drawLine(QPointF(plot.left(), y), QPointF(x, y))
        painter.setPen(QPen(QColor(tokens.surface) if sure else dot.colour, 1.5))
        painter.setBrush(dot.colour if sure else QColor(tokens.surface))
        painter.drawEllipse(QPointF(x, y), 6 if sure else 5, 6 if sure else 5)
        painter.setPen(QColor(tokens.text if sure else tokens.muted))
        words = f"{100 * dot.share:.0f}"
        draw_text(
            painter, right, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words
        )

    def _scale(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(sized(self.font(), 0.82))
        painter.setPen(QColor(self.tokens.faint))
        y = self.height() - 20
        one = self.words.one
        for mark, word in ((0.0, f"lowest {one}"), (1.0, f"highest {one}")):
            x = plot.left() + plot.width() * mark
            side = Qt.AlignmentFlag.AlignLeft if mark == 0 else Qt.AlignmentFlag.AlignRight
            box = QRectF(x if mark == 0 else x - 120, y, 120, 18)
            draw_text(painter, box, int(side | Qt.AlignmentFlag.AlignVCenter), word)
