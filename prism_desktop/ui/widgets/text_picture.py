"""Texts as pictures: a card with the words on it, wherever galleries show a face.

What is judged looks the same in every theme, so the card has the colours of Label's. Safe in any
thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QTextLayout,
    QTextOption,
)

from prism_desktop.ui.plain import draw_text, elided, whole_text

PAPER: Final = QColor("#f7f7f8")
INK: Final = QColor("#1c1c21")
PROMPT_INK: Final = QColor("#5a5a62")
_LINE: Final = QColor("#d8d8de")
_LETTERS: Final = (
    11.5  # of a card's side to a letter's height, so that cards of any size look alike
)
_LEAST: Final = 10  # px of the screen, letters of the smallest card: what can be read
_EDGE: Final = 0.75  # from the side of a card to its words, in heights of letters
_LONGEST: Final = 600  # characters that a card of this many letters could hold
_LARGE: Final = 900  # px, side of a picture in place of a whole image
_LARGE_LETTERS: Final = 26.0


@dataclass(frozen=True, slots=True)
class WrittenCard:
    """A text that stands where a face's file stands."""

    text: str
    prompt: str | None = None


Source = Path | WrittenCard
Sources = Sequence[Source]


def small_card(card: WrittenCard, side: int, ratio: float = 1.0, *, marked: bool = False) -> QImage:
    """The beginning of a text on a square of `side` device px, `ratio` of them to a px of the
    screen; dots where it goes on.

    `marked` leaves room for a mark in the corner, which then covers no word of the first line.
    """
    return _painted(card.text, "", side, max(_LEAST * ratio, side / _LETTERS), marked=marked)


def large_card(card: WrittenCard) -> QImage:
    """As much of a text as a large picture holds, behind its prompt."""
    return _painted(card.text, card.prompt or "", _LARGE, _LARGE / _LARGE_LETTERS, marked=False)


def _painted(text: str, prompt: str, side: int, letters: float, *, marked: bool) -> QImage:
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(_LINE)
    font = QFont()
    font.setPixelSize(max(1, round(letters)))
    painter = QPainter(image)
    thin = max(1, round(letters / 12))
    painter.fillRect(image.rect().adjusted(thin, thin, -thin, -thin), PAPER)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    edge = _EDGE * letters
    room = QRectF(edge, edge, side - 2 * edge, side - 2 * edge)
    if prompt:
        asked = QFont(font)
        asked.setItalic(True)
        upper = QRectF(room.topLeft(), room.size() * 0.5)
        upper.setWidth(room.width())
        room.setTop(_write(painter, prompt, asked, PROMPT_INK, upper, marked=False) + letters)
    _write(painter, text, font, INK, room, marked=marked)
    painter.end()
    return image


def _write(
    painter: QPainter, text: str, font: QFont, ink: QColor, room: QRectF, *, marked: bool
) -> float:
    """Write lines as long as there is room, the last with dots if the text goes on; returns where
    they end."""
    shown = whole_text(text[:_LONGEST])
    units = shown.encode("utf-16-le", "replace")
    layout = QTextLayout(shown.replace("\n", "\u2028"), font)
    option = QTextOption(Qt.AlignmentFlag.AlignLeft)
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    metrics = QFontMetricsF(font)
    high, painted = metrics.lineSpacing(), room.top()
    painter.setPen(ink)
    painter.setFont(font)
    layout.beginLayout()
    while True:
        line = layout.createLine()
        if not line.isValid():
            break
        indent = 2 * high if marked and not line.textStart() else 0.0
        line.setLineWidth(room.width() - indent)
        # Qt counts in units of UTF-16, of which an emoji takes two
        rest = units[2 * line.textStart() :].decode("utf-16-le", "ignore")
        rest = rest.replace("\n", " ").strip()
        ends = 2 * (line.textStart() + line.textLength()) >= len(units) and len(text) <= _LONGEST
        if painted + 2 * high > room.bottom() and not ends:
            place = QRectF(room.left(), painted, room.width(), high)
            last = elided(metrics, rest, room.width())
            draw_text(painter, place, int(Qt.AlignmentFlag.AlignLeft), last)
            painted += high
            break
        line.setPosition(QPointF(0, 0))
        line.draw(painter, QPointF(room.left() + indent, painted))
        painted += high
    layout.endLayout()
    return painted
