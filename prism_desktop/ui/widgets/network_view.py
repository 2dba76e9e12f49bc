"""The network of labelers: who agrees with whom, lines as wide as the agreement is strong."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import doubted, too_few
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, mixed, series_colour, sized

_MARGIN = 56  # px around the nodes, for their names
_NAMED = 40  # labelers beyond which only those near the pointer are named


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """A link between two labelers."""

    one: int  # row of the labeler among the names
    other: int
    agreement: float  # 0 to 1
    count: int  # shared answers


class NetworkView(Painted):
    """Nodes are labelers, lines are the links that it is given."""

    chosen = Signal(int, int)  # a link was clicked

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._names: tuple[str, ...] = ()
        self._colours: tuple[int, ...] = ()
        self._places: dict[int, tuple[float, float]] = {}
        self._lines: tuple[NetworkLine, ...] = ()
        self._dense = False
        self._near: int | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_network(
        self,
        names: Sequence[str],
        places: Mapping[int, tuple[float, float]],
        *,
        dense: bool = False,
        colours: Sequence[int] = (),
    ) -> None:
        """Show labelers without any line yet.

        Args:
            names: what to call each.
            places: where to draw each, in any unit; they are fitted into the widget.
            dense: whether there are so many links in all that lines are drawn faintly.
            colours: the place of each one's colour; in turn without it.
        """
        self._names, self._places, self._dense = tuple(names), fitted(places), dense
        self._colours = tuple(colours) or tuple(range(len(names)))
        self._lines = ()
        self._near = None
        self.setAccessibleName("Network of agreement between " + ", ".join(names))
        self.update()

    def show_lines(self, lines: Sequence[NetworkLine]) -> None:
        """Show these links and no others."""
        # the strongest are painted last, over the others
        self._lines = tuple(sorted(lines, key=lambda line: line.agreement))
        self.update()

    def lines(self) -> tuple[NetworkLine, ...]:
        """The links that are shown, the weakest first."""
        return self._lines

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 300)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._names:
            return
        painter = self.painter()
        for link in self._lines:
            self._paint_link(painter, link)
        for link in self._lines:
            self._paint_number(painter, link)
        for node in range(len(self._names)):
            self._paint_node(painter, node)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            link = self._link_at(QPointF(event.pos()))
            if link is not None:
                one, other = self._names[link.one], self._names[link.other]
                words = (
                    f"{one} and {other} agree on {link.agreement:.1%} of "
                    f"{counted(link.count, 'shared answer')}."
                )
                show_tip(event.globalPos(), doubted(words, link.count, opens=True), self)
                return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        near = self._node_at(event.position())
        if near != self._near:
            self._near = near
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._near = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        link = self._link_at(event.position())
        if link is not None and self._node_at(event.position()) is None:
            self.chosen.emit(link.one, link.other)

    def _at(self, node: int) -> QPointF:
        x, y = self._places.get(node, (0.5, 0.5))
        return QPointF(
            _MARGIN + x * max(1, self.width() - 2 * _MARGIN),
            _MARGIN * 0.7 + y * max(1, self.height() - 1.6 * _MARGIN),
        )

    def _radius(self) -> float:
        return max(5.0, 17.0 - len(self._names) / 5)

    def _node_at(self, place: QPointF) -> int | None:
        for node in range(len(self._names)):
            gap = self._at(node) - place
            if math.hypot(gap.x(), gap.y()) <= self._radius() + 3:
                return node
        return None

    def _link_at(self, place: QPointF) -> NetworkLine | None:
        best: tuple[float, NetworkLine] | None = None
        for link in self._lines:
            gap = _distance(place, self._at(link.one), self._at(link.other))
            if gap < 7 and (best is None or gap < best[0]):
                best = (gap, link)
        return best[1] if best else None

    def _paint_link(self, painter: QPainter, link: NetworkLine) -> None:
        tokens = self.tokens
        strength = min(1.0, max(0.0, (link.agreement - 0.4) / 0.6))
        lit = self._near in (link.one, link.other)
        colour = mixed(tokens.border_strong, tokens.accent, strength if not lit else 1.0)
        if self._near is not None and not lit:
            colour = faded(colour, 0.25)
        elif not lit and self._dense:  # or they would be one blot
            colour = faded(colour, 0.5 if len(self._names) <= _NAMED else 0.2)
        width = 1 + 7 * strength**1.5 * min(1.0, 12 / len(self._names))
        start, end = self._at(link.one), self._at(link.other)
        few = too_few(link.count)  # then a thin broken line, however much they agree
        line = Qt.PenStyle.DashLine if few else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 1.2 if few else width, line, Qt.PenCapStyle.RoundCap))
        painter.drawLine(start, end)

    def _paint_number(self, painter: QPainter, link: NetworkLine) -> None:
        tokens = self.tokens
        lit = self._near in (link.one, link.other)
        if lit or (len(self._names) <= 8 and self._near is None):
            # Off the middle, where lines that cross would put theirs too.
            start, end = self._at(link.one), self._at(link.other)
            middle = start + (end - start) * 0.42
            box = QRectF(middle.x() - 17, middle.y() - 9, 34, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(tokens.surface, 0.92))
            painter.drawRoundedRect(box, 6, 6)
            painter.setFont(sized(self.font(), 0.82))
            painter.setPen(QColor(tokens.muted))
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), f"{link.agreement:.0%}")

    def _paint_node(self, painter: QPainter, node: int) -> None:
        """A disc edged in the surface's colour, which parts it from the lines, and its name.

        The name lies on a veil, so that lines below do not make it illegible. In a crowd only the
        node near the pointer is named.
        """
        tokens, at, radius = self.tokens, self._at(node), self._radius()
        painter.setPen(QPen(QColor(tokens.surface), 3))
        painter.setBrush(series_colour(tokens, self._colours[node]))
        painter.drawEllipse(at, radius, radius)
        if len(self._names) > _NAMED and self._near != node:
            return
        painter.setFont(sized(self.font(), 0.95 if len(self._names) <= 12 else 0.85, bold=True))
        name = elided(painter.fontMetrics(), self._names[node], 110)
        width = painter.fontMetrics().horizontalAdvance(name) + 10
        box = QRectF(at.x() - width / 2, at.y() + radius + 4, width, 19)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(tokens.surface, 0.85))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(tokens.text))
        draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), name)


def fitted(places: Mapping[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """Places stretched to fill the unit square; two face each other in the middle."""
    if len(places) < 3:
        return {node: ((0.25, 0.75)[at], 0.5) for at, node in enumerate(sorted(places))}
    xs, ys = [x for x, _ in places.values()], [y for _, y in places.values()]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    return {
        node: ((x - min(xs)) / wide if wide else 0.5, (y - min(ys)) / high if high else 0.5)
        for node, (x, y) in places.items()
    }


def _distance(place: QPointF, start: QPointF, end: QPointF) -> float:
    """Of a place from the segment between two others."""
    along, off = end - start, place - start
    length = along.x() ** 2 + along.y() ** 2
    share = (
        min(1.0, max(0.0, (off.x() * along.x() + off.y() * along.y()) / length)) if length else 0.0
    )
    gap = off - along * share
    return math.hypot(gap.x(), gap.y())
