"""The network of labelers: who agrees with whom, lines as wide as the agreement is strong.

A labeler's disc is as large as their answers are many. It can be dragged, and is pinned where it is
put until a double click lets it go. Names give way to each other (`label_places`); who is near the
pointer or marked has theirs whatever it covers.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.analysis.coefficients import ALIKE, Coefficient
from prism_desktop.engine.analysis.label_places import LabelPlace, label_places
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import doubted, too_few
from prism_desktop.engine.series_colours import scaled
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, mixed, series_colour, sized

Floats = npt.NDArray[np.float64]
_MARGIN = 56  # px around the nodes, for their names
_DENSE = 200  # lines beyond which they are drawn faintly
_HIGH = 19.0  # px of a name
_BELOW = 4.0  # px between a disc and its name
_NAMED = 40  # labelers beyond which only those near the pointer are named


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """A link between two labelers."""

    one: int  # row of the labeler among the names
    other: int
    agreement: float  # on the scale of what is shown
    count: int  # of what is shared
    low: float = math.nan  # 95% interval
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class NetworkNode:
    """A labeler."""

    name: str
    colour: int | str | None  # place in the palette, or the colour itself; None is grey
    told: str = ""  # what a tip says beside the name
    size: float = 1.0  # radius beside that of others, about 1


class NodeName(NamedTuple):
    """A labeler's name as it is seen."""

    text: str
    box: QRectF
    line: tuple[float, float, float, float] | None  # from the disc, where it is not beside it


class AccuracyKey(Painted):
    """Which colour is which accuracy, from chance to never wrong."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setFixedSize(190, 44)
        self.setAccessibleName("Colours of model accuracy, from 50% to 100%")

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, wide = self.painter(), self.width() - 4
        painter.setFont(sized(self.font(), 0.82))
        for step in range(wide):
            ink = QColor(scaled(step / wide, dark=self.tokens.dark))
            painter.fillRect(QRectF(step, 18, 1.4, 8), ink)
        painter.setPen(QColor(self.tokens.muted))
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        draw_text(painter, QRectF(0, 0, wide, 17), int(left), "Model accuracy")
        sides = (left, Qt.AlignmentFlag.AlignHCenter, right)
        for side, told in zip(sides, ("50%", "75%", "100%"), strict=True):
            draw_text(painter, QRectF(0, 27, wide, 17), int(side), told)
        painter.end()


class NetworkView(Painted):
    """Nodes are labelers, lines are the links that it is given."""

    chosen = Signal(int, int)  # a link was clicked
    pins_changed = Signal()  # somebody was pinned or let go

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._nodes: tuple[NetworkNode, ...] = ()
        self._given: dict[int, tuple[float, float]] = {}  # places as they were given or dragged to
        self._places: dict[int, tuple[float, float]] = {}  # in the unit square
        self._scale = 1.0, 1.0  # of the given unit, to the unit square
        self._lines: tuple[NetworkLine, ...] = ()
        self._marked: frozenset[int] = frozenset()
        self._near: int | None = None
        self._dragged: int | None = None
        self._home: dict[int, tuple[float, float]] = {}  # where those who are pinned came from
        self._about, self._even = ALIKE, False
        self._found: tuple[object, dict[int, LabelPlace]] = (None, {})
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_network(
        self,
        nodes: Sequence[NetworkNode],
        places: Mapping[int, tuple[float, float]],
        about: Coefficient = ALIKE,
        pinned: Mapping[int, tuple[float, float]] = MappingProxyType({}),
        *,
        even: bool = False,
    ) -> None:
        """Show labelers without any line yet.

        Args:
            nodes: the labelers.
            places: where to draw each, in any unit; they are fitted into the widget.
            about: what lines tell.
            pinned: of those who are pinned, where, in the same unit.
            even: whether places are a map, to one scale in both directions, on which nobody moves.
        """
        self._nodes, self._about, self._even = tuple(nodes), about, even
        self._given = {**places, **pinned}
        self._home = {node: places[node] for node in pinned}
        self._fit()
        self._lines, self._marked = (), frozenset()
        self._near = self._dragged = None
        people, kind = ", ".join(node.name for node in nodes), "Map" if even else "Network"
        self.setAccessibleName(f"{kind} of {about.word} between {people}")
        self.update()

    def _fit(self) -> None:
        self._places = fitted(self._given)
        self._scale = _extent(self._given)[1] if self._given else (1.0, 1.0)

    def recolour(self, nodes: Sequence[NetworkNode]) -> None:
        """Show the same labelers in other colours or sizes, where they are."""
        self._nodes = tuple(nodes)
        self.update()

    def mark(self, nodes: Collection[int]) -> None:
        """Let these labelers stand out, with their names."""
        self._marked = frozenset(nodes)
        self.update()

    def places(self) -> dict[int, tuple[float, float]]:
        """Where each labeler is, in the unit that was given, those who were dragged included."""
        return dict(self._given)

    def pinned(self) -> dict[int, tuple[float, float]]:
        """The same of those who are pinned."""
        return {node: self._given[node] for node in self._home}

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
        if not self._nodes:
            return
        painter = self.painter()
        for link in self._lines:
            self._paint_link(painter, link)
        for link in self._lines:
            self._paint_number(painter, link)
        for node in range(len(self._nodes)):
            self._paint_disc(painter, node)
        names = self.names()
        for node in sorted(names, key=self._told):  # who is meant is painted over the others
            self._paint_name(painter, names[node])
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node = self._node_at(QPointF(event.pos()))
            link = None if node is not None else self._link_at(QPointF(event.pos()))
            told = self._node_words(node) if node is not None else self._link_words(link)
            if told:
                show_tip(event.globalPos(), told, self)
                return True
        return super().event(event)

    def _node_words(self, node: int) -> str:
        pinned = "pinned, a double click lets go" if node in self._home else ""
        told = [self._nodes[node].told, pinned]
        said = ", ".join(filter(None, told))
        return f"{self._nodes[node].name}: {said}" if said else ""

    def _link_words(self, link: NetworkLine | None) -> str:
        """A link with its interval and what it rests on."""
        if link is None:
            return ""
        one, other, about = self._nodes[link.one].name, self._nodes[link.other].name, self._about
        shared = counted(link.count, *about.of)
        told = f"{one} and {other} agree on {link.agreement:.1%} of {shared}"
        if about is not ALIKE:
            told = f"{one} and {other}: {about.word} {about.number(link.agreement)}, {shared}"
        if not math.isnan(link.low):
            told += f", 95% interval {about.between(link.low, link.high)}"
        return doubted(f"{told}.", link.count, opens=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            self._drag(self._dragged, event.position())
            return
        near = self._node_at(event.position())
        if near != self._near:
            self._near = near
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._near = None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        node = self._node_at(event.position())
        self._dragged = None if self._even else node
        link = self._link_at(event.position())
        if link is not None and node is None:
            self.chosen.emit(link.one, link.other)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        before, self._dragged = self._dragged, None
        if before in self._home:
            self.pins_changed.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Let a pinned labeler go, back to where the layout had them."""
        node = self._node_at(event.position())
        if node is not None and node in self._home:
            self._given[node] = self._home.pop(node)
            self._fit()
            self.update()
            self.pins_changed.emit()

    def _drag(self, node: int, place: QPointF) -> None:
        """Put a labeler where the pointer is; the others stay."""
        x = (place.x() - _MARGIN) / max(1, self.width() - 2 * _MARGIN)
        y = (place.y() - _MARGIN * 0.7) / max(1, self.height() - 1.6 * _MARGIN)
        x, y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        self._home.setdefault(node, self._given.get(node, (0.0, 0.0)))
        before = self._places.get(node, (0.5, 0.5))
        self._places[node] = (x, y)
        if len(self._places) >= 3:  # of two, both stand in the middle whatever was given
            wide, high = self._scale
            given = self._given[node]
            self._given[node] = (
                given[0] + (x - before[0]) * wide, given[1] + (y - before[1]) * high,
            )  # fmt: skip
        self.update()

    def where(self, node: int) -> QPointF:
        """The middle of a labeler's disc, in px."""
        x, y = self._places.get(node, (0.5, 0.5))
        if self._even and len(self._given) >= 3:
            return self._mapped(node)
        return QPointF(
            _MARGIN + x * max(1, self.width() - 2 * _MARGIN),
            _MARGIN * 0.7 + y * max(1, self.height() - 1.6 * _MARGIN),
        )

    def _mapped(self, node: int) -> QPointF:
        """The place on a map, as large as there is room, up being up."""
        (left, top), (wide, high) = _extent(self._given)
        room = self.width() - 2 * _MARGIN, self.height() - 1.6 * _MARGIN
        scale = min(room[0] / max(wide, 1e-9), room[1] / max(high, 1e-9))
        x, y = self._given[node]
        middle = QPointF(self.width() / 2, self.height() / 2 - _MARGIN * 0.1)
        return middle + QPointF(x - left - wide / 2, top + high / 2 - y) * scale

    def _radius(self) -> float:
        """px of a disc of size 1."""
        count = len(self._nodes)
        largest = 9.0 if self._even else 17.0  # on a map, the place is what counts
        return max(5.0, largest - count / 5) if count <= 200 else 3.5

    def _node_at(self, place: QPointF) -> int | None:
        for node in reversed(range(len(self._nodes))):  # the uppermost
            gap = self.where(node) - place
            if math.hypot(gap.x(), gap.y()) <= self._radius() * self._nodes[node].size + 3:
                return node
        return None

    def _link_at(self, place: QPointF) -> NetworkLine | None:
        best: tuple[float, NetworkLine] | None = None
        for link in self._lines:
            gap = _distance(place, self.where(link.one), self.where(link.other))
            if gap < 7 and (best is None or gap < best[0]):
                best = (gap, link)
        return best[1] if best else None

    def _paint_link(self, painter: QPainter, link: NetworkLine) -> None:
        tokens = self.tokens
        strength = min(1.0, max(0.0, (self._about.share(link.agreement) - 0.4) / 0.6))
        lit = self._near in (link.one, link.other)
        colour = mixed(tokens.border_strong, tokens.accent, strength if not lit else 1.0)
        if self._near is not None and not lit:
            colour = faded(colour, 0.25)
        elif not lit and len(self._lines) > _DENSE:  # or they would be one blot
            colour = faded(colour, 0.5 if len(self._nodes) <= _NAMED else 0.25)
        width = 1 + 7 * strength**1.5 * min(1.0, 12 / len(self._nodes))
        start, end = self.where(link.one), self.where(link.other)
        few = too_few(link.count)  # then a thin broken line, however much they agree
        line = Qt.PenStyle.DashLine if few else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 1.2 if few else width, line, Qt.PenCapStyle.RoundCap))
        painter.drawLine(start, end)

    def _paint_number(self, painter: QPainter, link: NetworkLine) -> None:
        tokens = self.tokens
        lit = self._near in (link.one, link.other)
        if lit or (len(self._nodes) <= 8 and self._near is None):
            # Off the middle, where lines that cross would put theirs too.
            start, end = self.where(link.one), self.where(link.other)
            middle = start + (end - start) * 0.42
            box = QRectF(middle.x() - 17, middle.y() - 9, 34, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(tokens.surface, 0.92))
            painter.drawRoundedRect(box, 6, 6)
            painter.setFont(sized(self.font(), 0.82))
            painter.setPen(QColor(tokens.muted))
            told = self._about.number(link.agreement)
            draw_text(painter, box, int(Qt.AlignmentFlag.AlignCenter), told)

    def _paint_disc(self, painter: QPainter, node: int) -> None:
        """A disc edged in the surface's colour, which parts it from the lines."""
        tokens, shown = self.tokens, self._nodes[node]
        radius = self._radius() * shown.size
        marked = node in self._marked
        painter.setPen(QPen(QColor(tokens.text if marked else tokens.surface), 2 if marked else 3))
        if radius < 6 and not marked:
            painter.setPen(QPen(QColor(tokens.surface), 1))
        painter.setBrush(self._ink(shown.colour))
        painter.drawEllipse(self.where(node), radius, radius)
        if node in self._home:  # a pin's head
            painter.setPen(QPen(QColor(tokens.surface), 1))
            painter.setBrush(QColor(tokens.text))
            painter.drawEllipse(self.where(node), *(max(1.5, radius / 4),) * 2)

    def _ink(self, colour: int | str | None) -> QColor:
        if isinstance(colour, int):
            return series_colour(self.tokens, colour)
        return QColor(self.tokens.muted if colour is None else colour)

    def _told(self, node: int) -> bool:
        """Whether a name is seen wherever it stands."""
        return node == self._near or (node in self._marked and len(self._marked) <= _NAMED)

    def _name_font(self) -> QFont:
        return sized(self.font(), 0.95 if len(self._nodes) <= 12 else 0.85, bold=True)

    def names(self) -> dict[int, NodeName]:
        """The names that are seen, by node.

        In a crowd only the node near the pointer is named, and those that are marked. Nobody's name
        moves because the pointer does.
        """
        crowd = len(self._nodes) > _NAMED
        named = [node for node in range(len(self._nodes)) if not crowd or self._told(node)]
        metrics = QFontMetrics(self._name_font())
        texts = {node: elided(metrics, self._nodes[node].name, 110) for node in named}
        sizes = {
            node: (metrics.horizontalAdvance(text) + 10.0, _HIGH) for node, text in texts.items()
        }
        at = [self.where(node) for node in range(len(self._nodes))]
        points = np.array([(each.x(), each.y()) for each in at])
        radii = np.array([self._radius() * node.size for node in self._nodes])
        room = float(self.width()), float(self.height())
        found = dict(self._placed(points, radii, sizes, room))
        for node in named:
            if node not in found and self._told(node):
                left = at[node].x() - sizes[node][0] / 2
                top = at[node].y() + float(radii[node]) + _BELOW
                left, top = min(left, room[0] - sizes[node][0]), min(top, room[1] - _HIGH)
                found[node] = LabelPlace(max(0.0, left), top)
        return {
            node: NodeName(texts[node], QRectF(place.left, place.top, *sizes[node]), place.line)
            for node, place in found.items()
        }

    def _placed(
        self, points: Floats, radii: Floats, sizes: Mapping[int, tuple[float, float]],
        room: tuple[float, float],
    ) -> dict[int, LabelPlace]:  # fmt: skip
        """Found anew where something moved, since a map is painted at each move of the pointer."""
        key = points.tobytes(), radii.tobytes(), tuple(sizes.items()), room
        if self._found[0] != key:
            self._found = key, label_places(points, radii, sizes, room, _BELOW)
        return self._found[1]

    def _paint_name(self, painter: QPainter, name: NodeName) -> None:
        """The name lies on a veil, so that lines below do not make it illegible."""
        tokens = self.tokens
        if name.line is not None:
            x0, y0, x1, y1 = name.line
            painter.setPen(QPen(QColor(tokens.border_strong), 1))
            painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))
        painter.setFont(self._name_font())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(tokens.surface, 0.85))
        painter.drawRoundedRect(name.box, 6, 6)
        painter.setPen(QColor(tokens.text))
        draw_text(painter, name.box, int(Qt.AlignmentFlag.AlignCenter), name.text)


def fitted(places: Mapping[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """Places stretched to fill the unit square; two face each other in the middle."""
    if len(places) < 3:
        return {node: ((0.25, 0.75)[at], 0.5) for at, node in enumerate(sorted(places))}
    (left, top), (wide, high) = _extent(places)
    return {
        node: ((x - left) / wide if wide else 0.5, (y - top) / high if high else 0.5)
        for node, (x, y) in places.items()
    }


def _extent(
    places: Mapping[int, tuple[float, float]],
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The corner and the size of the smallest rectangle around all places."""
    xs, ys = [x for x, _ in places.values()], [y for _, y in places.values()]
    return (min(xs), min(ys)), (max(xs) - min(xs), max(ys) - min(ys))


def _distance(place: QPointF, start: QPointF, end: QPointF) -> float:
    """Of a place from the segment between two others."""
    along, off = end - start, place - start
    length = along.x() ** 2 + along.y() ** 2
    share = (
        min(1.0, max(0.0, (off.x() * along.x() + off.y() * along.y()) / length)) if length else 0.0
    )
    gap = off - along * share
    return math.hypot(gap.x(), gap.y())
