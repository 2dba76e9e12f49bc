"""Text cards: the texts of a trial, laid out for their room and painted as pictures.

They stand where decoded images stand: `StimulusView` paints what `get` gives and tells the frame.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import QMarginsF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
)

from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.ui.label.laid_text import LaidText, TextRun
from prism_desktop.ui.plain import empty_document
from prism_desktop.ui.widgets.basics import GRID
from prism_desktop.ui.widgets.text_pieces import PIECE

# The same in every theme: what is judged must not look another way on another day.
PAPER: Final = QColor("#f7f7f8")
INK: Final = QColor("#1c1c21")
_PROMPT_INK: Final = QColor("#5a5a62")
_BAR: Final = QColor("#b9b9c0")
SMALLEST, USUAL, LARGEST = 12, 20, 56  # px of the letters
_STEP: Final = 1.15  # from one size to the next
_WIDEST: Final = 38  # of a card, in sizes of its letters: a line that is read with ease
_RADIUS: Final = 10
_SIDE: Final = 3 * GRID  # from the edge of a card to its text
_TOP: Final = 5 * GRID  # above the text, where the mark of a card of two stands
_SPACING: Final = 128.0  # % of a line's height
_SHARE: Final = 3  # a prompt of two cards takes at most this part of the height
_KEPT: Final = 8  # painted cards
_DOCUMENTS: Final = 12

Key = tuple[str, int, int, int, float]  # text, room in px, size of the letters, place


class TextCards:
    """The cards of the texts that a session shows.

    Texts are data: control characters and marks that turn the direction are shown as what they
    are, and nothing is taken for HTML.
    """

    def __init__(self) -> None:
        self.texts: Mapping[str, TextRecord] = {}  # what the session may show, by id
        self.size = USUAL  # px of the letters
        self._shown: tuple[str, ...] = ()
        self._place = 0.0  # px that the cards are scrolled by
        self._font = QFont()
        self._painted: OrderedDict[Key, QImage] = OrderedDict()
        self._laid: OrderedDict[tuple[str, str, int, int], LaidText] = OrderedDict()
        self._room = QSize(1, 1)  # of one card, in px
        self._above: LaidText | None = None  # the prompt, where it stands above the cards

    def use_font(self, font: QFont) -> None:
        """The family of the letters; their size is the labeler's."""
        self._font = QFont(font)

    def show(self, ids: tuple[str, ...]) -> None:
        """Begin with these texts, from their first lines."""
        if ids != self._shown:
            self._shown, self._place = ids, 0.0
            self._painted.clear()

    def set_size(self, size: int) -> None:
        """Letters of so many px, within what can be read."""
        self.size = max(SMALLEST, min(LARGEST, size))

    def enlarge(self, steps: int) -> bool:
        """Make the letters larger, or smaller; whether that could be done."""
        wanted = round(self.size * _STEP**steps)
        if wanted == self.size:
            wanted += 1 if steps > 0 else -1
        before = self.size
        self.set_size(wanted)
        return self.size != before

    def header(self, room: QSize) -> int:
        """How high the prompt that all texts answer is above the cards, in px.

        0 where there is none, where they answer several, or where it is long: it stands in the
        cards then, before each text.
        """
        prompts = {self.texts[each].prompt for each in self._shown if each in self.texts}
        prompt = prompts.pop() if len(prompts) == 1 else None
        above = None
        if prompt is not None and len(prompt) <= PIECE:
            wide = min(room.width() - 2 * GRID, 2 * _WIDEST * self.size)
            above = self._laid_out(("", prompt, wide), lambda: self._prompt_alone(prompt, wide))
            if above.height > room.height() / _SHARE:
                above = None
        self._above = above
        return 0 if above is None else round(above.height) + 2 * GRID

    def paint_header(self, painter: QPainter, room: QSize, ink: QColor) -> None:
        """Paint the prompt above the cards, if it stands there."""
        if self._above is not None:
            painter.save()
            painter.translate((room.width() - self._above.wide) / 2, GRID / 2)
            self._above.draw(painter, ink, QRectF())
            painter.restore()

    def get(self, text: str, box: QSize, ratio: float = 1.0) -> QImage | None:
        """The card of a text as far as it is seen, at most `box` device pixels; None while long
        texts beside it or itself are being laid out."""
        if text not in self.texts:
            return None
        room = QSize(round(box.width() / ratio), round(box.height() / ratio))
        self._room = room
        if self.waiting():
            return None
        key = (text, room.width(), room.height(), self.size, self._place)
        if key not in self._painted:
            self._painted[key] = self._card(text, room, ratio)
            if len(self._painted) > _KEPT:
                self._painted.popitem(last=False)
        return self._painted[key]

    def waiting(self) -> bool:
        """Whether a text that is shown is not wholly laid out: `step` goes on with it."""
        return any(not self._document(each).done for each in self._shown if each in self.texts)

    def step(self) -> bool:
        """Lay out a piece of what is shown, in some ms; whether there is more to do."""
        for each in self._shown:
            if each in self.texts and not self._document(each).done:
                self._document(each).step()
                break
        return self.waiting()

    def hidden(self) -> int:
        """How many px of the longest text that is shown do not fit into its card."""
        return max((self._beyond(each, self._room) for each in self._shown), default=0)

    def scroll(self, pages: float = 0.0, lines: int = 0) -> bool:
        """Move both cards, down if positive; whether anything moved."""
        line = self._line()
        page = max(1, int((self._room.height() - _TOP - _SIDE) / line) - 1)
        # whole lines, so that none is cut at the top
        place = line * (round(self._place / line) + round(pages * page) + lines)
        place = max(0.0, min(float(self.hidden()), place))
        moved, self._place = place != self._place, place
        return moved

    def _line(self) -> float:
        """px from one line to the next."""
        font = QFont(self._font)
        font.setPixelSize(self.size)
        return QFontMetricsF(font).height() * _SPACING / 100

    def _wide(self, room: QSize) -> int:
        return min(room.width(), _WIDEST * self.size)

    def _card(self, text: str, room: QSize, ratio: float) -> QImage:
        wide = self._wide(room)
        highest = max(self._height(each, room) for each in self._shown or (text,))
        high = min(room.height(), highest)
        image = QImage(QSize(wide, high) * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PAPER)
        painter.drawRoundedRect(QRect(0, 0, wide, high), _RADIUS, _RADIUS)
        place = min(self._place, self._beyond(text, room))
        self._paint_text(painter, text, QRect(_SIDE, _TOP, wide - 2 * _SIDE, high - _TOP - _SIDE),
                         place)  # fmt: skip
        self._paint_bar(painter, QRect(wide - GRID - 4, _TOP, 5, high - _TOP - _SIDE), text, place)
        painter.end()
        return image

    def _paint_text(self, painter: QPainter, text: str, inside: QRect, place: float) -> None:
        painter.save()
        # letters may reach beyond the sides
        painter.setClipRect(QRectF(inside).marginsAdded(QMarginsF(GRID, 0, GRID, 4)))
        painter.translate(inside.x(), inside.y() - place)
        seen = QRectF(-GRID, place - self.size, inside.width() + 2 * GRID, 0)
        seen.setHeight(inside.height() + 2 * self.size)
        self._document(text).draw(painter, INK, seen)
        painter.restore()

    def _paint_bar(self, painter: QPainter, track: QRect, text: str, place: float) -> None:
        """Which part of the text is seen, where that is not all of it."""
        beyond = self._beyond(text, self._room)
        if beyond <= 0:
            return
        whole = track.height() + beyond
        high = max(3 * GRID, track.height() ** 2 // whole)
        top = track.y() + round((track.height() - high) * place / beyond)
        painter.setBrush(_BAR)
        painter.drawRoundedRect(QRect(track.x(), top, track.width(), high), 2, 2)

    def _height(self, text: str, room: QSize) -> int:
        """Of a card that shows all of its text, in px."""
        return round(self._document(text, room).height) + _TOP + _SIDE

    def _beyond(self, text: str, room: QSize) -> int:
        return max(0, self._height(text, room) - room.height()) if text in self.texts else 0

    def _document(self, text: str, room: QSize | None = None) -> LaidText:
        """A text laid out, after its prompt where that does not stand above the cards."""
        record, wide = self.texts[text], self._wide(room or self._room) - 2 * _SIDE
        prompt = record.prompt if self._above is None else None
        key = (text, prompt or "", wide)
        return self._laid_out(key, lambda: self._text_alone(record.text, prompt, wide))

    def _laid_out(self, key: tuple[str, str, int], make: Callable[[], LaidText]) -> LaidText:
        """What was laid out lately, or is now."""
        whole = (*key, self.size)
        if whole not in self._laid:
            self._laid[whole] = make()
            if len(self._laid) > _DOCUMENTS:
                self._laid.popitem(last=False)
        self._laid.move_to_end(whole)
        return self._laid[whole]

    def _prompt_alone(self, prompt: str, wide: int) -> LaidText:
        begin = partial(self._begin, Qt.AlignmentFlag.AlignHCenter)
        return LaidText([TextRun(prompt, QTextCharFormat())], wide, begin)

    def _text_alone(self, said: str, prompt: str | None, wide: int) -> LaidText:
        runs = [TextRun(said, QTextCharFormat())]
        if prompt is not None:
            muted = QTextCharFormat()
            muted.setForeground(_PROMPT_INK)
            muted.setFontItalic(True)
            runs.insert(0, TextRun(prompt, muted))
        return LaidText(runs, wide, partial(self._begin, Qt.AlignmentFlag.AlignLeft))

    def _begin(self, alignment: Qt.AlignmentFlag) -> tuple[QTextDocument, QTextCursor]:
        """An empty document, and where writing begins in it."""
        document = self._empty(alignment)
        return document, _spaced(document)

    def _empty(self, alignment: Qt.AlignmentFlag) -> QTextDocument:
        document = empty_document()
        font = QFont(self._font)
        font.setPixelSize(self.size)
        document.setDefaultFont(font)
        option = QTextOption(alignment)  # left is where the paragraph begins
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        document.setDefaultTextOption(option)
        return document


def _spaced(document: QTextDocument) -> QTextCursor:
    """Where writing begins, with room between the lines that are to come."""
    spaced = QTextBlockFormat()
    spaced.setLineHeight(_SPACING, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    cursor = QTextCursor(document)
    cursor.setBlockFormat(spaced)
    return cursor
