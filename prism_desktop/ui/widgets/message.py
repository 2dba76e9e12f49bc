"""The message bar: what happened, in a sentence, without stopping anyone."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
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
    """Shows one message at a time; a newer one takes its place.

    Nothing changes under the pointer: while it is on the bar the message stays, and a newer one
    waits until it is gone."""

    shown = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        """The text, which can be selected for copying, the action's button, and the cross.

        The icon is put in front with each message, since it depends on the kind. The timer hides
        messages that need no attention.
        """
        super().__init__()
        self._theme = theme
        self.setProperty("role", "message")
        self.text = label("", wrap=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._icon: Icon | None = None
        self._action = button("", self._act, "quiet")
        self._act_on: Callable[[], object] | None = None
        self._kind = ""
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(GRID + 4, 2, GRID // 2, 2)
        self._layout.setSpacing(GRID + 4)
        self._layout.addWidget(self.text, 1)
        self._layout.addWidget(self._action)
        self._layout.addWidget(IconButton(theme, "close", "Dismiss", self.hide_message))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._time_out)
        self._waiting: tuple[str, str, tuple[str, Callable[[], object]] | None] | None = None
        self.hide()

    def show_message(
        self, kind: str, text: str, action: tuple[str, Callable[[], object]] | None = None
    ) -> None:
        """Show `text`; `action` is a button's name and what it does."""
        if self.isVisible() and self.underMouse():
            self._waiting = (kind, text, action)
            return
        if self._icon is not None:
            self._icon.deleteLater()
        name, token = _ICONS.get(kind, _ICONS["info"])
        self._icon = Icon(self._theme, name, 18, token)
        self._layout.insertWidget(0, self._icon)
        self.text.setText(text)
        self._kind = kind
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
        """Go, and let the message that waits come."""
        self.hide()
        self.shown.emit(False)
        self._follow()

    def make_way(self) -> None:
        """Something new begins: go, unless the pointer is here or something is offered that is
        still there to be done."""
        offers = self._kind == "good" and self._act_on is not None
        if self.isVisible() and not self.underMouse() and not offers:
            self._waiting = None
            self.hide_message()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        QTimer.singleShot(0, self, self._follow)

    def _follow(self) -> None:
        if self._waiting is not None and not (self.isVisible() and self.underMouse()):
            waiting, self._waiting = self._waiting, None
            self.show_message(*waiting)

    def _time_out(self) -> None:
        if self.underMouse():
            self._timer.start(_LINGER)
        else:
            self.hide_message()

    def _act(self) -> None:
        self.hide_message()
        if self._act_on is not None:
            self._act_on()
