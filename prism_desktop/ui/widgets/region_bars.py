"""Bars of regions: how much of a map's mass lies in each, beside how large it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import draw_text, elided
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, faded, sized

_LINE, _NAME, _NUMBERS = 26, 96, 150  # px


@dataclass(frozen=True, slots=True)
class RegionBar:
    """One region; shares in [0, 1]."""

    name: str
    mass: float
    low: float
    high: float
    area: float
    random: float | None  # mean share of random tastes, where they were drawn
    strong: bool  # whether it stands out

    @property
    def told(self) -> str:
        """Its numbers."""
        times = f"{self.mass / self.area:.1f} × area" if self.area > 0 else ""
        return f"{self.mass:.0%} [{100 * self.low:.0f}, {100 * self.high:.0f}] · {times}"


class RegionBars(Painted):
    """A line per region: its name, a bar with its interval, a tick where its area is, a ring where
    random tastes have their mean, numbers."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._bars: tuple[RegionBar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[RegionBar]) -> None:
        """Show these regions; the reader of a screen gets their numbers as text."""
        self._bars = tuple(bars)
        self.setAccessibleName("Regions. " + "; ".join(f"{b.name} {b.told}" for b in self._bars))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, _LINE * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        return QSize(_NAME + _NUMBERS + 80, _LINE * len(self._bars))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        tokens = self.tokens
        most = 1.1 * max((bar.high for bar in self._bars), default=1.0) or 1.0
        room = QRectF(_NAME, 0, self.width() - _NAME - _NUMBERS, _LINE)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        for place, bar in enumerate(self._bars):
            line = room.translated(0, place * _LINE)
            y = line.center().y()
            painter.setFont(sized(self.font(), 0.94, bold=bar.strong))
            painter.setPen(QColor(tokens.text if bar.strong else tokens.muted))
            name = elided(painter.fontMetrics(), one_line(bar.name), _NAME - 10)
            draw_text(painter, QRectF(0, line.top(), _NAME - 10, _LINE), middle, name)
            numbers = QRectF(line.right() + 10, line.top(), _NUMBERS - 10, _LINE)
            painter.setFont(sized(self.font(), 0.88))
            draw_text(painter, numbers, middle, bar.told)
            scale = line.width() / most
            painter.setPen(Qt.PenStyle.NoPen)
            ink = QColor(tokens.accent) if bar.strong else faded(tokens.text, 0.28)
            painter.setBrush(ink)
            whole = QRectF(line.left(), y - 5, max(1.0, bar.mass * scale), 10)
            painter.drawRoundedRect(whole, 3, 3)
            painter.setPen(QPen(QColor(tokens.text), 1.2))
            ends = (line.left() + bar.low * scale, line.left() + bar.high * scale)
            painter.drawLine(QLineF(QPointF(ends[0], y), QPointF(ends[1], y)))
            painter.setPen(QPen(QColor(tokens.text), 2))
            at = line.left() + min(bar.area, most) * scale  # a large area lies beyond the edge
            painter.drawLine(QLineF(QPointF(at, y - 9), QPointF(at, y + 9)))
            if bar.random is not None:
                painter.setBrush(QColor(tokens.surface))
                painter.setPen(QPen(QColor(tokens.text), 1.4))
                painter.drawEllipse(QPointF(line.left() + min(bar.random, most) * scale, y), 4, 4)
        painter.end()
