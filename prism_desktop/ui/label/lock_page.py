"""The page between a labeler and the researcher: go on, or leave the session, by a PIN if the
protocol has one."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, line, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.keycap import KeyCap

_TRIES: Final = 3  # wrong PINs before one has to wait
_WAIT: Final = 10_000  # ms
_BEYOND: Final = "Beyond it anybody sees predictions and the answers of others."


class LockPage(QWidget):
    """A card on the stage."""

    resumed = Signal()
    opened = Signal()  # the PIN was right

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._opens: Callable[[str], bool] | None = None
        self._wrong = 0
        self.title = label("", "title")
        self.text = label("", wrap=True)
        self.go_on = button("Go on", self.resumed.emit, "primary")
        self.go_on.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.pin.setPlaceholderText("PIN")
        self.pin.setAccessibleName("The researcher's PIN")
        self.pin.returnPressed.connect(self._try)
        # no key of its own: nobody leaves by mistake
        self.leave = button("Leave the session", self._try)
        self._beyond = label(_BEYOND, "small", wrap=True)
        self.told = label("", "bad", wrap=True)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_WAIT)
        self._wait.timeout.connect(lambda: self._allow(True))
        card = Card()
        card.setFixedWidth(480)
        self._space = KeyCap(context.theme, "Space")
        card.body.addWidget(self.title)
        card.body.addWidget(self.text)
        card.body.addSpacing(2 * GRID)
        card.body.addLayout(columns(self.go_on, self._space, None))
        card.body.addSpacing(2 * GRID)
        card.body.addWidget(line())
        card.body.addSpacing(GRID)
        lead = label("For the person who leads this study:", "muted")
        leave = columns(self.pin, self.leave, None)
        card.body.addLayout(rows(lead, leave, self.told, self._beyond))
        self.setLayout(rows(None, columns(None, card, None), None))

    def show_lock(self, opens: Callable[[str], bool] | None, *, over: bool) -> None:
        """Show that the session rests, or is over; `opens` knows the PIN, None where there is
        none."""
        self._opens = opens
        self.title.setText("Thank you" if over else "Session paused")
        self.text.setText(
            "Please tell the person who leads this study."
            if over
            else "Go on whenever you like, or hand back to the person who leads this study."
        )
        for asked in (self.pin, self.told):
            asked.setVisible(opens is not None)
        self._beyond.setVisible(opens is None)
        self.go_on.setVisible(not over)
        self._space.setVisible(not over)
        self.pin.clear()
        self._allow(self.pin.isEnabled())  # who has to wait is told so

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not self.go_on.isHidden():
            self.resumed.emit()
        else:
            super().keyPressEvent(event)

    def _try(self) -> None:
        if not self.leave.isEnabled():
            return
        if self._opens is None or self._opens(self.pin.text()):
            self._wrong = 0
            self.told.setText("")
            self.opened.emit()
            return
        self._wrong += 1
        self.pin.clear()
        self.told.setText("This is not the PIN.")
        if self._wrong % _TRIES == 0:
            self._allow(False)
            self._wait.start()

    def _allow(self, allowed: bool) -> None:
        self.leave.setEnabled(allowed)
        self.pin.setEnabled(allowed)
        self.told.setText("" if allowed else "Too many tries; wait for ten seconds.")
