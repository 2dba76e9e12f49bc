"""The focus stays where the work is, also while the control that had it cannot be used.

Qt gives the focus of what is disabled or hidden to whatever comes next, at last to the rail. Here
it waits beside the control, and goes back into it as soon as that can be used again.
"""

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


class FocusKeeper(QObject):
    """Watches the focus of one window."""

    def __init__(self, window: QWidget, home: QWidget) -> None:
        """`home` holds the panels; what is beside it, such as the rail, is never jumped to."""
        super().__init__(window)
        self._window, self._home = window, home
        self._lost: QWidget | None = None  # the control that had it
        self._waiting: QWidget | None = None  # where it waits
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._changed)

    def _changed(self, old: QWidget | None, now: QWidget | None) -> None:
        if self._lost is not None and now not in (None, self._waiting):
            self._forget()  # somebody went elsewhere
        if old is None or not (isValid(old) and isValid(self._home)):
            return
        if not self._home.isAncestorOf(old):
            return
        if not (old.isEnabled() and old.isVisible()) and self._window.isActiveWindow():
            QTimer.singleShot(0, self, lambda: self._wait_beside(old, now))

    def _wait_beside(self, old: QWidget, next_one: QWidget | None) -> None:
        """Hold the focus in the nearest thing around the control that can be used.

        Not if it was moved on purpose since, or into the page that came in front.
        """
        now = self._window.focusWidget()
        if not isValid(old) or (old.isEnabled() and old.isVisible()) or now is not next_one:
            return
        if not old.isVisible() and now is not None and self._home.isAncestorOf(now):
            return
        around = old.parentWidget()
        while around is not None and not (around.isEnabled() and around.isVisible()):
            around = around.parentWidget()
        if around is None or not (around is self._home or self._home.isAncestorOf(around)):
            around = self._home
        around.setFocus()
        self._lost, self._waiting = old, self._window.focusWidget()
        old.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the focus back once the control can be used."""
        if event.type() in (QEvent.Type.EnabledChange, QEvent.Type.Show):
            QTimer.singleShot(0, self, self._give_back)
        return False

    def _give_back(self) -> None:
        lost = self._lost
        if lost is not None and isValid(lost) and lost.isEnabled() and lost.isVisible():
            if self._window.focusWidget() in (None, self._waiting):
                lost.setFocus()
            self._forget()

    def _forget(self) -> None:
        if self._lost is not None and isValid(self._lost):
            self._lost.removeEventFilter(self)
        self._lost = self._waiting = None
