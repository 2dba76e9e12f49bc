"""What can be counted in a study's texts without asking anybody: length, marks, capitals, emoji and
a few words, and facts that imports brought. None of it learns from an answer, and no model reads.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from prism_desktop.engine.backbones.prompt_layout import Pair
from prism_desktop.engine.experiments.image_properties import (
    Columns,
    ImageProperties,
    made_property,
    of_facts,
    varied,
)
from prism_desktop.engine.stimulus_words import TEXTS
from prism_desktop.engine.text_signs import EMOJI, HEDGES, SENTENCE, TRAILING, WORD

_OF_SELF: Final = re.compile(r"\b(?:i|me|my|mine|myself)\b", re.IGNORECASE)
_TO_YOU: Final = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)


def _words(text: str) -> int:
    return len(WORD.findall(text))


def _sentences(text: str) -> int:
    return max(1, sum(bool(WORD.search(part)) for part in SENTENCE.split(text)))


def _capitals(text: str) -> float:
    letters = [sign for sign in text if sign.isalpha()]
    return sum(sign.isupper() for sign in letters) / max(1, len(letters))


# What is counted: its name, how a text with more of it is called, and how.
COUNTED: Final[tuple[tuple[str, str, Callable[[str], float]], ...]] = (
    ("length", "longer text", _words),
    ("sentence length", "text with longer sentences", lambda t: _words(t) / _sentences(t)),
    (
        "word length",
        "text with longer words",
        lambda t: float(np.mean([len(word) for word in WORD.findall(t)] or [0])),
    ),
    ("exclamation", "text with more exclamation marks", lambda t: t.count("!")),
    ("asking", "text with more questions", lambda t: t.count("?")),
    ("dots and dashes", "text with more dots and dashes", lambda t: len(TRAILING.findall(t))),
    ("commas", "text with more commas", lambda t: t.count(",") + t.count(";")),
    ("capitals", "text with a larger share of capitals", _capitals),
    ("emoji", "text with more emoji", lambda t: len(EMOJI.findall(t))),
    ("hedging", "text that hedges more", lambda t: len(HEDGES.findall(t))),
    ("“I” and “my”", "text that says “I” more often", lambda t: len(_OF_SELF.findall(t))),
    ("“you” and “your”", "text that says “you” more often", lambda t: len(_TO_YOU.findall(t))),
)


def look_at_texts(
    texts: Mapping[str, Pair],
    facts: Mapping[str, Mapping[str, str]],
    answered: Sequence[tuple[str, Columns]],
) -> ImageProperties:
    """Count in texts; their prompts are not looked at.

    Args:
        texts: identity -> prompt or None, and text.
        facts: name -> text's identity -> what is known.
        answered: as `image_blocks.offer`, in the order of `texts`.
    """
    ids = tuple(texts)
    found = []
    for name, more, count in COUNTED:
        column = np.array([count(texts[key][1]) for key in ids], np.float64)
        found.append((made_property(name, more, "statistic", column), column))
    parts, notes = of_facts(ids, facts, answered, TEXTS)
    return varied(ids, [*found, *parts], notes, TEXTS)
