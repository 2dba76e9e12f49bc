"""What the world's ways of writing differ in, as far as words are told apart."""

from typing import Final

# Signs of scripts that set no spaces between words, for a class of a regular expression: Han, kana,
# Thai, Lao, Tibetan, Khmer and Burmese.
UNSPACED: Final = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff"
    "\uff66-\uff9d\U00020000-\U0002fa1f"
)
