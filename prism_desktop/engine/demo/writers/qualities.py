"""What can be counted in a reply: the qualities that simulated judges look at."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.writers.phrases import phrases
from prism_desktop.engine.demo.writers.planted import planted

QUALITIES: Final = (
    "brevity", "warmth", "hedging", "emoji", "formality", "excitement", "praise", "courtesy",
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_SENTENCE = re.compile(r"[.!?;]+|\s-\s")


def qualities(texts: Sequence[str]) -> NDArray[np.float64]:
    """Count in each text, by lists of words and marks alone.

    Args:
        texts: any texts; an empty one has none of any quality.

    Returns:
        (texts, 8) in the order of `QUALITIES`: brevity is minus the logarithm of the number of
        words; praise and formality are shares of good over bad and of formal over casual words,
        from -1 to 1; courtesy counts greeting and sign-off; the others are per sentence.
    """
    return np.array([_counted(text) for text in texts], np.float64).reshape(-1, len(QUALITIES))


def _counted(text: str) -> tuple[float, ...]:
    low = text.lower()
    words = _WORD.findall(low)
    sentences = max(1, len([part for part in _SENTENCE.split(low) if _WORD.search(part)]))
    signs = _signs()
    warm, hedges, formal, casual, good, bad = (
        len(signs[name].findall(low))
        for name in ("warmth", "hedging", "formal", "casual", "good", "bad")
    )
    pictures = sum(text.count(one) for known in phrases().emoji.values() for one in known)
    return (
        -math.log(max(1, len(words))),
        warm / sentences,
        hedges / sentences,
        pictures / sentences,
        _balance(formal, casual),
        text.count("!") / sentences,
        _balance(good, bad),
        float(bool(signs["greeting"].match(low))) + float(bool(signs["signoff"].search(low))),
    )


def _balance(one: int, other: int) -> float:
    """From -1, all of the other, to 1; a single word says less than many."""
    return (one - other) / (one + other + 1)


@cache
def _signs() -> Mapping[str, re.Pattern[str]]:
    known, listed = phrases(), planted("judges")["signs"]
    lists = {name: list(words) for name, words in listed.items()}
    for side in ("good", "bad"):
        lists[side] = [word for kind in known.vocabulary.values() for word in kind[side]]
    found = {name: _any_of(words) for name, words in lists.items()}
    greetings = [text.lower() for kind in known.greetings.values() for text in kind]
    signoffs = [
        text.lower().removesuffix("<name>") for kind in known.signoffs.values() for text in kind
    ]
    found["greeting"] = re.compile("|".join(map(re.escape, greetings)))
    found["signoff"] = re.compile(f"(?:{'|'.join(map(re.escape, signoffs))})\\w+$")
    return found


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """Whole words or phrases; what begins with an apostrophe or n't ends a word."""
    parts = [
        f"{re.escape(word)}\\b" if "'" in word else f"\\b{re.escape(word)}\\b" for word in words
    ]
    return re.compile("|".join(parts))
