"""A text to be read whole, behind its prompt: as it stands, and never as HTML."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextEdit

from prism_desktop.ui.plain import write
from prism_desktop.ui.widgets.basics import GRID
from prism_desktop.ui.widgets.text_picture import INK, PAPER, PROMPT_INK

_LETTERS = 18  # px
_SPACING = 130.0  # % of a line's height


class ReadText(QTextEdit):
    """It scrolls, and what stands in it can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setProperty("role", "paper")
        self.setAccessibleName("The text")
        palette = self.palette()
        palette.setColor(palette.ColorRole.Base, PAPER)
        palette.setColor(palette.ColorRole.Text, INK)
        self.setPalette(palette)
        self.document().setDocumentMargin(3 * GRID)
        option = QTextOption(Qt.AlignmentFlag.AlignLeft)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDefaultTextOption(option)

    def show_text(self, prompt: str | None, text: str) -> None:
        """Show a text from its beginning."""
        self.clear()
        font = QFont(self.font())
        font.setPixelSize(_LETTERS)
        cursor = QTextCursor(self.document())
        spaced = QTextBlockFormat()
        spaced.setLineHeight(_SPACING, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(spaced)
        form = QTextCharFormat()
        form.setFont(font)
        if prompt is not None:
            asked = QTextCharFormat(form)
            asked.setForeground(PROMPT_INK)
            asked.setFontItalic(True)
            write(cursor, f"{prompt}\n\n", asked)
        form.setForeground(INK)
        write(cursor, text, form)
        self.moveCursor(QTextCursor.MoveOperation.Start)
