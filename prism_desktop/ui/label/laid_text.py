"""A text laid out for a card: a short one at once, a long one piece by piece."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPalette,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)

from prism_desktop.ui.plain import whole_text, write
from prism_desktop.ui.widgets.text_pieces import PIECE, pieces


class TextRun(NamedTuple):
    """Words in one kind of letters, which begin a line of their own."""

    text: str
    form: QTextCharFormat


class _Piece(NamedTuple):
    runs: tuple[TextRun, ...]
    ends: bool  # its last paragraph; otherwise that goes on in the next piece


class LaidText:
    """Documents below each other, whose lines are those of one document."""

    def __init__(
        self,
        runs: Sequence[TextRun],
        wide: int,
        begin: Callable[[], tuple[QTextDocument, QTextCursor]],
    ) -> None:
        """Lay out a short text; a long one waits for `step`.

        Args:
            runs: what it says; an empty line stands between two.
            wide: of its lines, in px.
            begin: makes an empty document and the place where writing begins in it.
        """
        self._begin, self.wide = begin, wide
        self._documents: list[tuple[float, QTextDocument]] = []  # each with its top, in px
        self.height = 0.0  # px of what is laid out
        self._carried, self._onward = "", Qt.LayoutDirection.LayoutDirectionAuto
        # codes of signs that no font has count as the letters that they are
        self._left = deque(_in_pieces([TextRun(whole_text(run.text), run.form) for run in runs]))
        if len(self._left) == 1:
            self.step()

    @property
    def done(self) -> bool:
        """Whether all of it is laid out."""
        return not self._left

    def step(self) -> None:
        """Lay out a piece more, in some ms."""
        if not self._left:
            return
        piece = self._left.popleft()
        document, cursor = self._begin()
        if self._carried:
            form = cursor.blockFormat()
            form.setLayoutDirection(self._onward)
            cursor.setBlockFormat(form)
        for number, run in enumerate(piece.runs):
            before = self._carried if not number else "\n\n"
            write(cursor, before + run.text, run.form)
        document.setTextWidth(self.wide)
        self._carried = ""
        if not piece.ends:
            document.size()  # lays all of it out
            self._carry(document.lastBlock())
        self._documents.append((self.height, document))
        self.height += document.size().height()

    def draw(self, painter: QPainter, ink: QColor, clip: QRectF) -> None:
        """Paint it, or the part of it in `clip` where that is not empty."""
        for top, document in self._documents:
            context = QAbstractTextDocumentLayout.PaintContext()
            context.palette.setColor(QPalette.ColorRole.Text, ink)
            if not clip.isEmpty():
                if top > clip.bottom() or top + document.size().height() < clip.top():
                    continue
                context.clip = clip.translated(0, -top)
            painter.save()
            painter.translate(0, top)
            document.documentLayout().draw(painter, context)
            painter.restore()

    def _carry(self, block: QTextBlock) -> None:
        """The last line of a paragraph that goes on is begun anew with what follows, so that it is
        as long as if the paragraph were laid out as one."""
        layout = block.layout()
        if layout.lineCount() < 2:
            return
        start = layout.lineAt(layout.lineCount() - 1).textStart()
        # Qt counts in units of UTF-16, of which an emoji takes two
        self._carried = block.text().encode("utf-16-le")[2 * start :].decode("utf-16-le", "ignore")
        self._onward = block.textDirection()
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + start)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()


def _in_pieces(runs: Sequence[TextRun]) -> list[_Piece]:
    if sum(len(run.text) for run in runs) <= PIECE:
        return [_Piece(tuple(runs), ends=True)]
    found = []
    for number, run in enumerate(runs):
        parts = list(pieces(run.text))
        for place, (text, ends) in enumerate(parts):
            last = place == len(parts) - 1 and number < len(runs) - 1
            # an empty line after all runs but the last
            found.append(_Piece((TextRun(text + "\n" if last else text, run.form),), ends))
    return found
