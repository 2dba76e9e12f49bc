"""Cards with a heading, scroll pages of them, and numbers worth a card."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from prism_desktop.ui.widgets.basics import GRID, label, rows


class Card(QFrame):
    """A rounded surface: heading at the left, its buttons at
    the right, a body that can be emptied and refilled."""

    def __init__(self, title: str = "", *actions: QWidget) -> None:
        """`actions` are buttons at the right of the heading."""
        super().__init__()
        self.setProperty("role", "card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID + 4)
        layout.setSpacing(GRID + 4)
        if title:
            head = QHBoxLayout()
            head.setSpacing(GRID)
            head.addWidget(label(title, "heading"), 1)
            for action in actions:
                head.addWidget(action)
            layout.addLayout(head)
        self.body = QVBoxLayout()
        self.body.setSpacing(GRID // 2)
        layout.addLayout(self.body)
        layout.addStretch(1)


class ScrollPage(QScrollArea):
    """A page that scrolls when the window is small.

    Its content is centred and not wider than `width`.
    """

    def __init__(self, content: QBoxLayout, width: int = 1200) -> None:
        """`width` is the greatest width of the content in px."""
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setMaximumWidth(width)
        inner.setLayout(content)
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 4 * GRID)
        layout.addStretch(1)
        layout.addWidget(inner, 1000)
        layout.addStretch(1)
        self.setWidget(holder)


def number_card(value: str, name: str) -> QFrame:
    """A number and what it counts."""
    card = QFrame()
    card.setProperty("role", "card")
    figure = label(value, "number")
    layout = rows(figure, label(name, "small"), gap=2)
    layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
    card.setLayout(layout)
    card.setAccessibleName(f"{value} {name}")
    return card
