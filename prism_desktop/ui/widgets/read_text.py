"""A text to be read whole, behind its prompt: as it stands, and never as HTML."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextEdit

from prism_desktop.ui.plain import tip_text, write
from prism_desktop.ui.widgets.basics import GRID
from prism_desktop.ui.widgets.text_picture import INK, PAPER, PROMPT_INK

_LETTERS = 18  # px
_SPACING = 130.0  # % of a line's height
ShadedPart = tuple[str, QColor | None, str]  # a part of a text, the colour behind it, its tip


class ReadText(QTextEdit):
    """It scrolls, and what stands in it can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: tuple[str | None, str] = (None, "")
        self.shaded = False  # whether colours are behind its words
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
        self._plain, self.shaded = (prompt, text), False
        self._show(prompt, [(text, None, "")])
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def show_plain(self) -> None:
        """The text that was shown last, without colours, where it was scrolled to."""
        if self.shaded:
            prompt, text = self._plain
            self.show_shaded(prompt, [(text, None, "")])
            self.shaded = False

    def show_shaded(self, prompt: str | None, parts: Sequence[ShadedPart]) -> None:
        """Show the text of `show_text` with colours behind its parts, where it was scrolled to."""
        bar = self.verticalScrollBar()
        place = bar.value()
        self._show(prompt, parts)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        bar.setValue(place)
        self.shaded = True

    def _show(self, prompt: str | None, parts: Sequence[ShadedPart]) -> None:
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
        for text, colour, tip in parts:
            shaded = QTextCharFormat(form)
            if colour is not None:
                shaded.setBackground(colour)
                shaded.setToolTip(tip_text(tip))
            write(cursor, text, shaded)
