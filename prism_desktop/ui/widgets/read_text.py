"""A text to be read whole, behind its prompt: as it stands, and never as HTML."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame

from prism_desktop.engine.plain_text import in_full
from prism_desktop.ui.plain import tip_text, write
from prism_desktop.ui.widgets.basics import GRID
from prism_desktop.ui.widgets.copied_text import CopiedText
from prism_desktop.ui.widgets.text_picture import INK, PAPER, PROMPT_INK
from prism_desktop.ui.widgets.text_pieces import pieces

_LETTERS = 18  # px
_SPACING = 130.0  # % of a line's height
ShadedPart = tuple[str, QColor | None, str]  # a part of a text, the colour behind it, its tip


class ReadText(CopiedText):
    """It scrolls, and what stands in it can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: tuple[str | None, str] = (None, "")
        self.shaded = False  # whether colours are behind its words
        self.setFrameShape(QFrame.Shape.NoFrame)
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
        self._option = option
        self.document().setDefaultTextOption(option)
        self._left: Iterator[tuple[str, bool]] = iter(())  # of the text that is shown
        self._form = QTextCharFormat()
        self._between = ""  # what stands before the next piece
        self._on = QTimer(self, singleShot=True, interval=0)
        self._on.timeout.connect(self._write_on)

    def show_text(self, prompt: str | None, text: str) -> None:
        """Show a text from its beginning; of a long one the rest follows while it is read."""
        self._plain, self.shaded = (prompt, text), False
        self._form = self._begin(prompt)
        self._left, self._between = pieces(in_full(text)), ""
        self._write_on()
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def show_plain(self) -> None:
        """The text that was shown last, without colours, where it was scrolled to."""
        if self.shaded:
            place = self.verticalScrollBar().value()
            self.show_text(*self._plain)
            self.verticalScrollBar().setValue(place)

    def show_shaded(self, prompt: str | None, parts: Sequence[ShadedPart]) -> None:
        """Show the text of `show_text` with colours behind its parts, where it was scrolled to."""
        bar = self.verticalScrollBar()
        place = bar.value()
        form = self._begin(prompt)
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for text, colour, tip in parts:
            shaded = QTextCharFormat(form)
            if colour is not None:
                shaded.setBackground(colour)
                shaded.setToolTip(tip_text(tip))
            write(cursor, text, shaded)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        bar.setValue(place)
        self.shaded = True

    def _begin(self, prompt: str | None) -> QTextCharFormat:
        """An empty page but for the prompt; the form of the letters that follow."""
        self._on.stop()
        self._left = iter(())
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
        return form

    def _write_on(self) -> None:
        """Write a piece more; all of a long text at once would hold the window up.

        A word of thousands of letters is parted into lines of its own for the same reason.
        """
        piece = next(self._left, None)
        if piece is None:
            return
        text, ends = piece
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        write(cursor, self._between + text, self._form)
        self._between = "\n" if ends or not text.endswith(" ") else ""
        self._on.start()
