"""What methods are called where texts are judged: their words were written for images.

A visual token is a soft token there, and what attributes are read by is the same language model.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.stimulus_words import TEXTS

# Longer ones first: a phrase within a changed one is not looked for again.
_PHRASES: Final = {
    "mirrored images, pairs": "pairs",
    "what each labeler sees": "how each labeler reads",
    "Everything but the text tower": "The whole language model",
    "by the text tower": "by the language model",
    "Visual + text token": "Soft token + word",
    "one visual token": "one soft token",
    "visual prompt": "soft prompt",
    "visual token": "soft token",
}
_FOUND: Final = re.compile("|".join(map(re.escape, _PHRASES)), re.IGNORECASE)
_BY_LETTERS: Final = {phrase.lower(): said for phrase, said in _PHRASES.items()}


def for_texts(sentence: str) -> str:
    """A method's title or summary, as it is said of texts."""

    def said(found: re.Match[str]) -> str:
        words = _BY_LETTERS[found[0].lower()]
        return words[0].upper() + words[1:] if found[0][0].isupper() else words

    return TEXTS.told(_FOUND.sub(said, sentence))


def spoken_of(method: Method, *, texts: bool) -> Method:
    """The method with the words for what is judged."""
    if not texts:
        return method
    return replace(method, title=for_texts(method.title), summary=for_texts(method.summary))
