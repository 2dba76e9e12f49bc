"""Pairs of faces below each other, with what two models say of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, sized
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import ROUND, Thumbnails

_SIDE, _GAP = 84, 10  # px


@dataclass(frozen=True, slots=True)
class ShownPair:
    """Two faces, and a line for each model."""

    rows: tuple[int, int]
    keys: tuple[str, str]
    names: tuple[str, str]
    lines: tuple[str, ...]


class DisputedPairs(Painted):
    """One pair in a row; a click on a face opens it."""

    opened = Signal(int)  # the table's row of the face

    def __init__(self, theme: Theme, find: Callable[[str], Sources]) -> None:
        """`find(key)` lists the files that may hold the image of `key`."""
        super().__init__(theme)
        self.pairs: tuple[ShownPair, ...] = ()
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(lambda _: self.update())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Most disputed pairs")

    def show_pairs(self, pairs: Sequence[ShownPair]) -> None:
        """Show these, from above."""
        self.pairs = tuple(pairs)
        told = (f"{' and '.join(pair.names)}: {', '.join(pair.lines)}" for pair in pairs)
        self.setAccessibleDescription("; ".join(told))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(3 * (_SIDE + _GAP), max(1, len(self.pairs)) * (_SIDE + _GAP))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_SIDE * ratio), ratio)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, tokens = self.painter(), self.tokens
        if not self.pairs:
            painter.setPen(QColor(tokens.muted))
            words = "No two faces stand in opposite order."
            draw_text(painter, QRectF(self.rect()), int(Qt.AlignmentFlag.AlignCenter), words)
        for place, pair in enumerate(self.pairs):
            for side, key in enumerate(pair.keys):
                box, found = self._box(place, side), self.thumbnails.get(key)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.track))
                painter.drawRoundedRect(box, ROUND, ROUND)
                if found is not None and not found.isNull():
                    painter.drawPixmap(box, found, QRectF(found.rect()))
            left = self._box(place, 1).right() + 2 * _GAP
            painter.setFont(sized(self.font(), 0.92))
            painter.setPen(QColor(tokens.text))
            top = self._box(place, 0).center().y() - 10 * len(pair.lines)
            for number, text in enumerate(pair.lines):
                line = QRectF(left, top + 20 * number, max(0.0, self.width() - left), 20)
                whole = elided(painter.fontMetrics(), text, int(line.width()))
                draw_text(painter, line, int(Qt.AlignmentFlag.AlignVCenter), whole)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._find(event.position())
        if found is not None:
            self.opened.emit(self.pairs[found[0]].rows[found[1]])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._find(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._find(QPointF(event.pos()))
            if found is not None:
                show_tip(event.globalPos(), self.pairs[found[0]].names[found[1]], self)
                return True
        return super().event(event)

    def _box(self, place: int, side: int) -> QRectF:
        return QRectF(side * (_SIDE + _GAP), place * (_SIDE + _GAP), _SIDE, _SIDE)

    def _find(self, at: QPointF) -> tuple[int, int] | None:
        for place in range(len(self.pairs)):
            for side in (0, 1):
                if self._box(place, side).contains(at):
                    return place, side
        return None
