"""What the world's ways of writing differ in, as far as words are told apart."""

import re
from typing import Final
from unicodedata import category

# Signs of scripts that set no spaces between words, for a class of a regular expression: Han, kana,
# Thai, Lao, Tibetan, Khmer and Burmese.
UNSPACED: Final = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff"
    "\uff66-\uff9d\U00020000-\U0002fa1f"
)
_PIECE: Final = re.compile(rf"[{UNSPACED}]|[^{UNSPACED}]+")
_WORD: Final = re.compile("[LN][LNM]*")  # kinds of signs: letters, numbers, marks on them


def words_in(text: str) -> list[str]:
    """The words of a text, small; of scripts that set no spaces sign by sign."""
    small = text.lower()
    kinds = "".join(category(sign)[0] for sign in small)
    words = (small[found.start() : found.end()] for found in _WORD.finditer(kinds))
    return [piece for word in words for piece in _PIECE.findall(word)]
