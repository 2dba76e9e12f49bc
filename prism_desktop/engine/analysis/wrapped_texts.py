"""Whole texts in figures: wrapped to a width by the letters' own widths, and cut with a count."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, LoadFlags

from prism_desktop.engine.analysis.embedded_font import FAMILY
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import in_full

_UNITS: Final = 2048  # of the font to an em
_LACKING: Final = 1.25  # em, of a letter from another font, which a reader of an SVG sees
_MM: Final = 25.4 / 72  # of a point
_LONGEST: Final = 4000  # letters of which more than a figure holds is never measured


@dataclass(frozen=True, slots=True)
class WrappedText:
    """A text on lines.

    Attributes:
        lines: each as wide as there is room at most.
        left_out: characters of the text that are not among them.
    """

    lines: tuple[str, ...]
    left_out: int = 0

    @property
    def mark(self) -> str:
        """What stands below a text that was cut; empty where nothing is left out."""
        return f"[… {counted(self.left_out, 'character')} left out]" if self.left_out else ""


def wrapped(text: str, width: float, size: float, most: int, weight: str = "normal") -> WrappedText:
    """Lay a text out: line breaks stay, what cannot be seen is written as an escape.

    Args:
        text: from elsewhere, of any length.
        width: of a line, in mm.
        size: of the letters, in points.
        most: lines.
        weight: "normal" or "bold".
    """
    room = width / (size * _MM)  # em
    end = min(len(text), _LONGEST)
    lines = list(_lines(in_full(text[:end]), room, weight))
    if len(lines) <= most and end == len(text):
        return WrappedText(tuple(lines))
    low, high = 0, end  # the most letters of which the lines are few enough
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(list(_lines(in_full(text[:middle]), room, weight))) <= most
        low, high = (middle, high) if fits else (low, middle - 1)
    lines = list(_lines(in_full(text[:low].rstrip()), room, weight))
    return WrappedText(tuple(lines), len(text) - low)


def _lines(text: str, room: float, weight: str) -> Iterator[str]:
    for part in text.split("\n"):
        line, wide = "", 0.0
        for word in _words(part):
            long = _width(word, weight)
            if line and wide + _width(word.rstrip(), weight) > room:
                yield line.rstrip()
                line, wide = "", 0.0
            if long <= room:
                line, wide = line + word, wide + long
                continue
            for letter in word:  # no line holds it, so it is broken anywhere
                step = _width(letter, weight)
                if line and wide + step > room:
                    yield line.rstrip()
                    line, wide = "", 0.0
                line, wide = line + letter, wide + step
        yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    """Words with the blanks behind them."""
    start = 0
    for place in range(1, len(text)):
        if text[place - 1] == " " and text[place] != " ":
            yield text[start:place]
            start = place
    if text[start:]:
        yield text[start:]


def _width(text: str, weight: str) -> float:
    """In em; what a mark above or below a letter adds is nothing."""
    return sum(_advance(letter, weight) for letter in text)


@lru_cache(maxsize=4096)
def _advance(letter: str, weight: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    font = _font(weight)
    if ord(letter) not in font.get_charmap():
        return _LACKING
    glyph = font.load_char(ord(letter), LoadFlags.NO_SCALE | LoadFlags.NO_HINTING)
    return float(glyph.horiAdvance) / _UNITS


def _font(weight: str) -> FT2Font:
    wanted = font_manager.FontProperties(family=FAMILY, weight=weight)
    return font_manager.get_font(font_manager.findfont(wanted))


def has_boxes(text: str) -> bool:
    """Whether a figure draws a box in place of some sign, since the font lacks it."""
    known = _font("normal").get_charmap()
    return any(ord(letter) not in known for letter in text if letter != "\n")
