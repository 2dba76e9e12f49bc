"""Key caps: keys drawn as on a keyboard, so that a hint reads as something to press."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import columns, label

_GLYPHS = {
    "Left": "←",
    "Right": "→",
    "Up": "↑",
    "Down": "↓",
    "Backspace": "⌫",
    "Return": "↵",
    "Enter": "↵",
    "Space": "Space",
    "Escape": "Esc",
    "Shift": "Shift",
}


def caps(sequence: str) -> list[str]:
    """The faces of the caps of "Ctrl+Shift+Z"."""
    parts = ["+"] if sequence == "+" else sequence.split("+")
    return [_GLYPHS.get(part, part) for part in parts]


class KeyCap(QWidget):
    """One key, or several held together, in portable writing such as "Ctrl+Z".

    On the grey stage the caps keep light colours in both themes."""

    def __init__(self, theme: Theme, sequence: str, *, size: int = 22, stage: bool = False) -> None:
        super().__init__()
        self._theme, self._size, self._stage = theme, size, stage
        self._caps = caps(sequence)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def set_sequence(self, sequence: str) -> None:
        self._caps = caps(sequence)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        widths = self._widths()
        return QSize(sum(widths) + 4 * (len(widths) - 1) + 1, self._size + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        top, edge, text = (
            ("#f4f4f5", "#55555a", "#1c1c21")
            if self._stage
            else (tokens.raised, tokens.border_strong, tokens.text)
        )
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font())
        x = 0.5
        for cap, width in zip(self._caps, self._widths(), strict=True):
            outer = QRectF(x, 0.5, width - 1, self._size)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(edge))
            painter.drawRoundedRect(outer.adjusted(0, 2, 0, 1), 5, 5)  # the skirt below the cap
            painter.setPen(QPen(QColor(edge), 1))
            painter.setBrush(QColor(top))
            face = outer.adjusted(0, 0, 0, -1)
            painter.drawRoundedRect(face, 5, 5)
            painter.setPen(QColor(text))
            draw_text(painter, face, Qt.AlignmentFlag.AlignCenter, cap)
            x += width + 4
        painter.end()

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(max(11, round(self._size * 0.55)))
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def _widths(self) -> list[int]:
        metrics = QFontMetrics(self._font())
        return [
            max(self._size, metrics.horizontalAdvance(cap) + self._size // 2) for cap in self._caps
        ]


class KeyHint(QWidget):
    """A cap and what it does: [S] Skip."""

    pressed = Signal()  # with the mouse or a finger

    def __init__(self, theme: Theme, sequence: str, text: str, *, stage: bool = False) -> None:
        super().__init__()
        self.cap = KeyCap(theme, sequence, size=18, stage=stage)
        self.text = label(text, "" if stage else "small")
        self.setLayout(columns(self.cap, self.text, gap=6))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rect().contains(event.position().toPoint()):
            self.pressed.emit()
