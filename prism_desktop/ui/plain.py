"""Text in the window as it is: Qt takes some of it for HTML, `&` for a mnemonic, `[*]` for a mark.

Every text that may come from elsewhere, such as a labeler's name or an error that holds one, goes
through one of these. Labels are `PlainLabel`s, so that nothing can be forgotten there.
"""

import re
from html import escape
from typing import Any, Final

from PySide6.QtCore import QPoint
from PySide6.QtGui import (
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    Qt,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QLabel, QMessageBox, QTableWidgetItem, QToolTip, QWidget

from prism_desktop.engine import plain_text
from prism_desktop.ui.shown_signs import shown_parts, shown_signs

_LONGEST_TIP = 2000  # characters; a longer one covers the screen
_LONGEST_CELL = 500  # characters; far more than a row of a table shows
# Of a sign's code: the sign, and where it stands, so that two of a kind are two.
_SIGN: Final = QTextFormat.Property.UserProperty.value + 1
_PLACE: Final = _SIGN + 1
_COMMAND: Final = r"`prism-desktop (?P<command>.+?)`(?![^\s.,;:!?)])"
_OTHERWISE: Final = re.compile(rf",? or by {_COMMAND}")
_BY_COMMAND: Final = re.compile(_COMMAND, re.DOTALL)
# What the window has for a command that the engine names as the way out; the first that fits.
PLACES: Final = {
    "study check": "Repair, under Check…,",
    "study import": "Import… in Study",
    "study relink": "Find them… in Study",
    "study": "the Study panel",
    "": "this window",
}


def in_window(text: str) -> str:
    """The engine's sentence as the window says it: the way out is a place in it, not a command.

    The engine writes a command as "`prism-desktop ...`", and "or by" before one that stands beside
    what the window has.
    """

    def place(found: re.Match[str]) -> str:
        command = found["command"]
        return next(words for start, words in PLACES.items() if command.startswith(start))

    return _BY_COMMAND.sub(place, _OTHERWISE.sub("", text)) if "`prism-desktop " in text else text


def many_lines(text: str, most: int | None = None) -> str:
    """As `plain_text.many_lines`, in the window's words."""
    return plain_text.many_lines(in_window(text), most)


def empty_document() -> QTextDocument:
    """A document that `write` fills: nothing that stands in it is taken for HTML."""
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setDocumentMargin(0)
    return document


def write(cursor: QTextCursor, text: str, form: QTextCharFormat) -> None:
    """Add a text that somebody is to judge to a document, all of it, in its own words."""
    for shown, sign in shown_parts(plain_text.in_full(text)):
        if sign is None:
            cursor.insertText(shown, form)
            continue
        code = QTextCharFormat(form)
        code.setProperty(_SIGN, sign)
        code.setProperty(_PLACE, cursor.position())
        cursor.insertText(shown, code)


def written(cursor: QTextCursor) -> str:
    """What is selected of that `write` wrote, with the signs themselves in place of their codes.

    A sign is there whole if any part of its code is selected.
    """
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    block, found = cursor.document().findBlock(start), []
    while block.isValid() and block.position() <= end:
        part = block.begin()
        while not part.atEnd():
            fragment = part.fragment()
            first = max(0, start - fragment.position())
            last = min(fragment.length(), end - fragment.position())
            sign = fragment.charFormat().stringProperty(_SIGN)
            if first < last:
                found.append(sign or _units(fragment.text(), first, last))
            part += 1
        block = block.next()
        if block.isValid() and start < block.position() <= end:
            found.append("\n")
    return "".join(found)


def _units(text: str, first: int, last: int) -> str:
    """Qt counts in units of UTF-16, of which an emoji takes two."""
    return text.encode("utf-16-le")[2 * first : 2 * last].decode("utf-16-le", "ignore")


def whole_text(text: str) -> str:
    """A text that somebody is to judge: all of it, in its own words; signs that no font of this
    computer has as their codes and names."""
    return shown_signs(plain_text.in_full(text))


def text_line(text: str, most: int | None = None) -> str:
    """Such a text, or its prompt, on one line of at most so many characters before codes."""
    return shown_signs(plain_text.one_line(text, most))


def cell_text(text: str) -> str:
    """Such a text in a table: as much as a row may show."""
    return text_line(plain_text.beginning(text, _LONGEST_CELL))


def text_tip(text: str) -> str:
    """Such a text as a tool tip; of a long one the beginning and the end."""
    return tip_text(whole_text(plain_text.shortened(text, _LONGEST_TIP)))


def one_line(text: str, most: int | None = None) -> str:
    """As `plain_text.one_line`, in the window's words."""
    return plain_text.one_line(in_window(text), most)


class PlainLabel(QLabel):
    """A label that shows every text as it is; `&` marks a mnemonic only once it has a buddy."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(many_lines(text))


def literal(text: str, most: int | None = None) -> str:
    """Text for a button, a tab or a menu, where `&` would mark a mnemonic and a tab a shortcut."""
    return one_line(text, most).replace("&", "&&")


def as_html(text: str) -> str:
    """Text for what always takes HTML: titles of plots and of their axes."""
    return escape(one_line(text), quote=False)


def tip_text(text: str) -> str:
    """A tool tip, also one of an item: HTML that says what the text says, if it might be HTML."""
    plain = many_lines(text, _LONGEST_TIP)
    if not Qt.mightBeRichText(plain):
        return plain
    return f'<span style="white-space: pre-wrap">{escape(plain, quote=False)}</span>'


def set_tip(widget: QWidget, text: str) -> None:
    put_tip(widget, tip_text(text))


def put_tip(widget: QWidget | QTableWidgetItem, made: str) -> None:
    """Give a widget or a cell the tool tip that `tip_text` made before."""
    widget.setToolTip(made)


def show_tip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show a tool tip at a place of the screen."""
    QToolTip.showText(place, tip_text(text), widget)


def draw_text(painter: QPainter, *place_and_text: Any) -> None:
    """As `QPainter.drawText`: a place, perhaps how to align, and the text, on one line."""
    *place, text = place_and_text
    painter.drawText(*place, one_line(text))  # type: ignore[call-overload]


def elided(
    metrics: QFontMetrics | QFontMetricsF,
    text: str,
    width: float,
    mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> str:
    """Text on one line of at most `width` px, with dots for what is left out."""
    return metrics.elidedText(one_line(text), mode, int(width))


def set_window_title(window: QWidget, text: str) -> None:
    """Qt puts its mark of unsaved changes where `[*]` stands once."""
    window.setWindowTitle(one_line(text).replace("[*]", "[*][*]"))


def message_box(
    parent: QWidget, title: str, text: str, more: str = "", *, warns: bool = False
) -> QMessageBox:
    """A question in the middle of the window, yet without buttons."""
    icon = QMessageBox.Icon.Warning if warns else QMessageBox.Icon.NoIcon
    box = QMessageBox(icon, one_line(title).replace("[*]", "[*][*]"), "", parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(many_lines(text))
    box.setInformativeText(many_lines(more))
    for part in box.findChildren(QLabel):
        part.setTextFormat(Qt.TextFormat.PlainText)  # the second text keeps a format of its own
    return box
