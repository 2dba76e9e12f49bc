"""Skipping a trial with a reason, in place."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from prism_desktop.ui.label.wording import SKIP_REASONS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.keycap import KeyCap


class SkipMenu(QFrame):
    """A small card over the stage: a reason by its number, Escape to go back."""

    chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "popover")
        lines = []
        for number, reason in enumerate(SKIP_REASONS, start=1):
            choice = button(reason, partial(self._choose, reason), "quiet")
            choice.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            lines.append(columns(KeyCap(theme, str(number)), choice, None))
        back = columns(KeyCap(theme, "Escape"), label("Back", "small"), None)
        layout = rows(label("Skip this one, because…", "heading"), *lines, back, margin=2 * GRID)
        self.setLayout(layout)
        self.hide()

    def pop_up(self) -> None:
        """Show in the middle of the page."""
        parent = self.parentWidget()
        self.adjustSize()
        if isinstance(parent, QWidget):
            self.move((parent.width() - self.width()) // 2, (parent.height() - self.height()) // 2)
        self.show()
        self.raise_()

    def take_key(self, event: QKeyEvent) -> bool:
        """Choose by number or go back.

        Other keys are swallowed, so that nothing is answered by mistake.
        """
        number = event.key() - int(Qt.Key.Key_1)
        if 0 <= number < len(SKIP_REASONS):
            self._choose(SKIP_REASONS[number])
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()
        return True

    def _choose(self, reason: str) -> None:
        self.hide()
        self.chosen.emit(reason)
