"""The words of a text: what is shaded, taken away and counted.

Punctuation and emoji stand for themselves, for they are what tastes often go by; scripts that write
no spaces are taken letter by letter, each with the signs that are set on it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.writing_systems import UNSPACED

_SET_ON: Final = "\u0300"  # stands for every sign that is set on another, which no \w is
_PART: Final = rf"(?:(?![{UNSPACED}])[\w{_SET_ON}])+"
# joiners that show nothing are within words, as hyphens are
_WORD: Final = re.compile(rf"[{UNSPACED}]{_SET_ON}*|{_PART}(?:['’\u200c\u200d-]{_PART})*|[^\w\s]+")
_SPACES: Final = re.compile(r"[^\S\n]{2,}")
_BEFORE_MARK: Final = re.compile(r"[^\S\n]+(?=[,.;:!?])")

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TextWord:
    """A word and where it stands in its text, in letters."""

    text: str
    start: int
    end: int

    @property
    def folded(self) -> str:
        """As it is counted, whatever its capitals."""
        return self.text.casefold()


def words_of(text: str) -> tuple[TextWord, ...]:
    """The words of a text, in order; nothing but white space lies between them."""
    plain = "".join(_SET_ON if category(sign)[0] == "M" else sign for sign in text)
    spans = (found.span() for found in _WORD.finditer(plain))
    return tuple(TextWord(text[start:end], start, end) for start, end in spans)


def without_words(text: str, words: Sequence[TextWord], kept: Bools) -> str:
    """The text without some of its words, and without the spaces that would stand twice.

    Args:
        text: it.
        words: all of its words.
        kept: (words,) which stay.
    """
    if kept.all():
        return text
    parts, place = [], 0
    for word, stays in zip(words, kept, strict=True):
        parts.append(text[place : word.start])
        if stays:
            parts.append(word.text)
        place = word.end
    parts.append(text[place:])
    told = _SPACES.sub(" ", "".join(parts))
    return _BEFORE_MARK.sub("", told).strip()


def joined(
    words: Sequence[TextWord], letters: Sequence[tuple[int, int]], values: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Tokens' values added up to words'; a token of several words counts where most of it lies,
    and one of white space alone for the word after it, or else the last.

    Args:
        words: of a text.
        letters: of each token that was read, from which letter to which.
        values: (tokens,).

    Returns:
        (words,) float32; NaN of a word of which no token was read.
    """
    found = np.zeros(len(words), np.float64)
    read = np.zeros(len(words), bool)
    starts = np.array([word.start for word in words], np.int64)
    for (start, end), each in zip(letters, values, strict=True):
        first = max(0, int(np.searchsorted(starts, start, side="right")) - 1)
        shares = [
            min(end, word.end) - max(start, word.start)
            for word in words[first : first + 1 + max(1, end - start)]
        ]
        if not shares:
            continue
        place = first + int(np.argmax(shares))
        if max(shares) <= 0:  # white space: it belongs to what follows
            place = min(int(np.searchsorted(starts, start)), len(words) - 1)
        else:
            read[place] = True
        found[place] += each
    return np.where(read, found, np.nan).astype(np.float32)
