"""The tile: a large button with an icon, a title and a line of text."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, label, rows


class Tile(QPushButton):
    """Choices that deserve a sentence each."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        clicked: Callable[[], object] | None = None,
    ) -> None:
        """Icon, title and text below each other.

        The labels let the mouse through, so that all of the tile is the button. They also hold its
        words, hence the accessible name. Return presses it as Space does.
        """
        super().__init__()
        self.setProperty("variant", "tile")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAutoDefault(True)
        self.title_label = label(title, "heading")
        self.text_label = label(text, "muted", wrap=True)
        layout = rows(
            Icon(theme, icon, 28, "accent_text"),
            GRID // 2,
            self.title_label,
            self.text_label,
            None,
            gap=GRID // 2,
            margin=2 * GRID,
        )
        self.setLayout(layout)
        for part in (self.title_label, self.text_label):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        if clicked is not None:
            self.clicked.connect(lambda _=False: clicked())

    def set_text(self, text: str) -> None:
        """Say something else below the title."""
        self.text_label.setText(text)
        self.setAccessibleDescription(text)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.heightForWidth(width) if layout is not None else -1
