"""The empty state of a panel: what to do next, with the button for it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label, rows


class EmptyState(QWidget):
    """An icon, a title, a sentence, and up to a few buttons; the first is the one to press."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        actions: tuple[tuple[str, Callable[[], object]], ...] = (),
    ) -> None:
        """Everything in a column in the middle; the first button is the primary one.

        The sentence has a fixed width, at which it wraps into lines that are easy to read.
        """
        super().__init__()
        self._says = text
        self.title = label(title, "title")
        self.text = label(text, "muted", wrap=True)
        self.text.setFixedWidth(440)
        for each in (self.title, self.text):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.buttons = [
            button(name, act, "" if number else "primary")
            for number, (name, act) in enumerate(actions)
        ]
        middle = rows(
            None,
            columns(None, Icon(theme, icon, 40, "faint"), None),
            GRID,
            self.title,
            columns(None, self.text, None),
            GRID,
            columns(None, *self.buttons, None),
            None,
        )
        self.setLayout(middle)

    def block(self, why: str) -> None:
        """Say why the first button can do nothing now, in place of the sentence, or that it can."""
        self.text.setText(why or self._says)
        self.buttons[0].setEnabled(not why)
