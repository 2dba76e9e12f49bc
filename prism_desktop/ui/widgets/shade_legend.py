"""The legend of shaded words: which colour means what, and how much the strongest is."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.analysis.word_shades import shade
from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.painted import Painted, sized

_BAR, _ENDS = 120, 110  # px


class ShadeLegend(Painted):
    """A bar from against to for, with the relevance at its ends."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._most, self._strength = 0.0, 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_scale(self, most: float, strength: float) -> None:
        """Args:
        most: relevance that is painted wholly, logits.
        strength: of the whole scale, 0 to 1.
        """
        self._most, self._strength = most, strength
        self.setAccessibleName(
            f"Shades of words: from blue, against, −{most:.2f} logits, to red, for, +{most:.2f}"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_BAR + 2 * _ENDS, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        bar = QRectF(_ENDS, 4, _BAR, self.height() - 8)
        scale = QLinearGradient(bar.topLeft(), bar.topRight())
        for place in (-1.0, 0.0, 1.0):
            scale.setColorAt((place + 1) / 2, QColor(*shade(place, self._strength)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(scale)
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(QColor(self.tokens.muted))
        painter.setFont(sized(self.font(), 0.9))
        high, middle = float(self.height()), Qt.AlignmentFlag.AlignVCenter
        left, right = QRectF(0, 0, _ENDS - 6, high), QRectF(bar.right() + 6, 0, _ENDS, high)
        for room, told, side in (
            (left, f"against −{self._most:.2f}", Qt.AlignmentFlag.AlignRight),
            (right, f"+{self._most:.2f} for", Qt.AlignmentFlag.AlignLeft),
        ):
            draw_text(painter, room, int(side | middle), told)
        painter.end()
