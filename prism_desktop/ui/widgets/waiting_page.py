"""A page that says what is waited for, once that takes longer than a glance."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from prism_desktop.ui.widgets.basics import label, rows

_GLANCE = 300  # ms; what is there sooner would only flicker


class WaitingPage(QWidget):
    """Empty at first, then a sentence in the middle."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = label(sentence, "muted")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.hide()
        self.setLayout(rows(None, self.sentence, None))
        self._timer = QTimer(self, singleShot=True, interval=_GLANCE)
        self._timer.timeout.connect(self.sentence.show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
        self.sentence.hide()
