"""A text to be read, of which a copy is what is stored, not what this computer shows of it."""

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QTextEdit

from prism_desktop.ui.plain import write, written


class CopiedText(QTextEdit):
    """What `plain.write` wrote in it is copied and dragged away as plain text, with the signs
    that no font has in place of their codes."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)

    def write_anew(self, text: str) -> None:
        """Show a text in place of the one before, from its beginning."""
        self.clear()
        write(self.textCursor(), text, QTextCharFormat())
        self.verticalScrollBar().setValue(0)

    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        data.setText(written(self.textCursor()))
        return data
