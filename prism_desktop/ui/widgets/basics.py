"""Basic widgets: labels with a role, buttons with a variant, cards, rows, lines."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.ui.plain import PlainLabel, set_tip
from prism_desktop.ui.theme import Theme, pixmap

L = TypeVar("L", bound=QBoxLayout)
GRID = 8  # px; every margin and gap is a multiple (or half) of it


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """A label in a role of the style sheet: display, title,
    heading, strong, number, muted, small, field, chip..."""
    made = PlainLabel(text)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def chip(text: str, kind: str = "") -> QLabel:
    made = label(text, "chip")
    made.setProperty("kind", kind)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


def button(
    text: str, clicked: Callable[[], object] | None = None, variant: str = "", *, tip: str = ""
) -> QPushButton:
    """A push button: "primary", "quiet", "danger" or plain; `&` marks its mnemonic."""
    made = QPushButton(text)
    made.setProperty("variant", variant)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    set_tip(made, tip)
    made.setAutoDefault(True)  # Enter presses the focused one
    if clicked is not None:
        made.clicked.connect(lambda _=False: clicked())
    return made


class IconButton(QToolButton):
    """A button that is only an icon; its tool tip names it for readers and screen readers."""

    def __init__(
        self, theme: Theme, icon: str, tip: str, clicked: Callable[[], object] | None = None
    ) -> None:
        super().__init__()
        self._theme, self._icon = theme, icon
        self.setIconSize(QSize(18, 18))
        set_tip(self, tip)
        self.setAccessibleName(tip)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if clicked is not None:
            self.clicked.connect(lambda _=False: clicked())
        theme.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.setIcon(self._theme.icon(self._icon))


class Icon(QLabel):
    """An icon that is only seen, in a token's colour."""

    def __init__(self, theme: Theme, icon: str, size: int = 20, token: str = "muted") -> None:
        super().__init__()
        self._theme, self._icon, self._size, self._token = theme, icon, size, token
        self.setFixedSize(size, size)
        theme.changed.connect(self._draw)
        self._draw()

    def show_other(self, icon: str) -> None:
        """Show another icon in its place."""
        if icon != self._icon:
            self._icon = icon
            self._draw()

    def _draw(self) -> None:
        colour = str(getattr(self._theme.tokens, self._token))
        self.setPixmap(pixmap(self._icon, colour, self._size, self.devicePixelRatioF()))


def rows(*widgets: QWidget | QLayout | int | None, gap: int = GRID, margin: int = 0) -> QVBoxLayout:
    """Things below each other; an int is a fixed space, None takes up what is left."""
    return _filled(QVBoxLayout(), widgets, gap, margin)


def columns(
    *widgets: QWidget | QLayout | int | None, gap: int = GRID, margin: int = 0
) -> QHBoxLayout:
    """Things beside each other; an int is a fixed space, None takes up what is left."""
    return _filled(QHBoxLayout(), widgets, gap, margin)


def _filled(layout: L, widgets: tuple[object, ...], gap: int, margin: int) -> L:
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    for each in widgets:
        if each is None:
            layout.addStretch(1)
        elif isinstance(each, int):
            layout.addSpacing(each)
        elif isinstance(each, QWidget):
            layout.addWidget(each)
        elif isinstance(each, QLayout):
            layout.addLayout(each)
    return layout


def frame(role: str, layout: QBoxLayout | None = None) -> QFrame:
    """A frame in a role of the style sheet: card, inset, line, row, header, footer, stage."""
    made = QFrame()
    made.setProperty("role", role)
    if layout is not None:
        made.setLayout(layout)
    return made


def line() -> QFrame:
    return frame("line")


def restyle(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties and let the style sheet look again."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and delete it."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
