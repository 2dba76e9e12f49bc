"""Which of a person's own texts are read before a prompt: the latest, or those to nearest prompts.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
It is written out here: a person has some dozens of texts, for which an index would be longer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.methods.writing_parts import Rule
from prism_desktop.engine.writing.own_text_data import Pair

_WORD: Final = re.compile(r"\w+")
_K1, _B = 1.5, 0.75  # the usual saturation of counts, and weight of length
Vectors = Mapping[int, NDArray[np.float32]]


def best_examples(
    rule: Rule,
    asked: int,
    history: Sequence[int],
    pairs: Sequence[Pair],
    vectors: Vectors,
    count: int,
) -> list[int]:
    """Some of a person's texts, the best one last.

    Args:
        rule: which are best; of equals the later.
        asked: the text to be written, of which only the prompt is looked at.
        history: the person's texts, oldest first; never `asked`.
        pairs: prompt and text of every text.
        vectors: (width,) unit norm, of every text's prompt; only similarity reads them.
        count: how many.
    """
    if rule == "recency" or not count:
        return list(history[len(history) - min(count, len(history)) :])
    if rule == "similarity":
        worth = [float(vectors[asked] @ vectors[row]) for row in history]
    else:
        worth = bm25(prompt_words(pairs[asked]), [prompt_words(pairs[row]) for row in history])
    order = sorted(range(len(history)), key=lambda place: (worth[place], place))
    return [history[place] for place in order[len(order) - min(count, len(order)) :]]


def prompt_words(pair: Pair) -> list[str]:
    """The words of a prompt, small; of a text without one none, so that nothing is looked up by
    what is to be foretold."""
    return _WORD.findall((pair[0] or "").lower())


def bm25(query: Sequence[str], documents: Sequence[Sequence[str]]) -> list[float]:
    """How well each document answers a query, at least 0."""
    lengths = [len(words) for words in documents]
    usual = max(1.0, sum(lengths) / max(1, len(lengths)))
    counts = [Counter(words) for words in documents]
    found = []
    for length, known in zip(lengths, counts, strict=True):
        worth = 0.0
        for word in set(query):
            having = sum(word in other for other in counts)
            rare = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
            often = known[word]
            worth += rare * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * length / usual))
        found.append(worth)
    return found
