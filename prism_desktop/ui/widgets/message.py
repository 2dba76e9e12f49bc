"""The message bar: what happened, in a sentence, without stopping anyone."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, IconButton, button, label, restyle

_ICONS = {
    "info": ("info", "muted"),
    "good": ("check", "good"),
    "warn": ("warning", "warn"),
    "bad": ("error", "bad"),
}
_LINGER = 7000  # ms; errors and warnings stay until dismissed


class MessageBar(QFrame):
    """Shows one message at a time; a newer one takes its place."""

    shown = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        """An icon, the sentence, a button for an action, and one to close."""
        super().__init__()
        self._theme = theme
        self.setProperty("role", "message")
        self.text = label("", wrap=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._icon: Icon | None = None
        self._action = button("", self._act, "quiet")
        self._act_on: Callable[[], object] | None = None
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        self._layout.setSpacing(GRID + 4)
        self._layout.addWidget(self.text, 1)
        self._layout.addWidget(self._action)
        self._layout.addWidget(IconButton(theme, "close", "Dismiss", self.hide_message))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide_message)
        self.hide()

    def show_message(
        self, kind: str, text: str, action: tuple[str, Callable[[], object]] | None = None
    ) -> None:
        """Show `text`; `action` is a button's name and what it does."""
        if self._icon is not None:
            self._icon.deleteLater()
        name, token = _ICONS.get(kind, _ICONS["info"])
        self._icon = Icon(self._theme, name, 18, token)
        self._layout.insertWidget(0, self._icon)
        self.text.setText(text)
        self._act_on = action[1] if action else None
        self._action.setText(action[0] if action else "")
        self._action.setVisible(action is not None)
        restyle(self, kind=kind)
        self.show()
        self.shown.emit(True)
        if kind in ("info", "good"):
            self._timer.start(_LINGER)
        else:
            self._timer.stop()

    def hide_message(self) -> None:
        self.hide()
        self.shown.emit(False)

    def _act(self) -> None:
        self.hide_message()
        if self._act_on is not None:
            self._act_on()
