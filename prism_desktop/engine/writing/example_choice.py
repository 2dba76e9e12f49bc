"""Which of a person's own texts are read before a prompt: the latest, those to nearest prompts, or
both.

Both are joined by their ranks (Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", SIGIR
2009). FAISS (Johnson, Douze and Jegou 2021) searches exactly: one person's texts need no more.
BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009) is
bm25s (Lu, "BM25S: Orders of magnitude faster lexical search via eager sparse scoring", 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.methods.writing_parts import Rule
from prism_desktop.engine.writing.own_text_data import Pair
from prism_desktop.engine.writing_systems import words_in

_K1, _B = 1.5, 0.75  # the usual saturation of counts, and weight of length
_FLAT: Final = 60  # of reciprocal ranks, as its authors chose it
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
        vectors: (width,) unit norm, of every text's prompt; only similarity, faiss and both read
            them.
        count: how many.
    """
    if rule == "recency" or not count or not history:
        return list(history[len(history) - min(count, len(history)) :])
    if rule == "faiss":
        return nearest(vectors[asked], history, vectors, count)
    if rule in ("similarity", "both"):
        worth = [float(vectors[asked] @ vectors[row]) for row in history]
        worth = fused(worth) if rule == "both" else worth
    else:
        worth = bm25(prompt_words(pairs[asked]), [prompt_words(pairs[row]) for row in history])
    order = sorted(range(len(history)), key=lambda place: (worth[place], place))
    return [history[place] for place in order[len(order) - min(count, len(order)) :]]


def nearest(
    asked: NDArray[np.float32], history: Sequence[int], vectors: Vectors, count: int
) -> list[int]:
    """The texts with the largest inner product with a prompt, the largest last; of equals the
    later, for which all are searched: FAISS would keep the earlier."""
    import faiss

    index = faiss.IndexFlatIP(len(asked))
    index.add(np.stack([vectors[row] for row in history]))
    worth, places = (one[0] for one in index.search(asked[None], len(history)))
    order = sorted(zip(worth.tolist(), places.tolist(), strict=True))
    return [history[place] for _, place in order[max(0, len(order) - count) :]]


def fused(worth: Sequence[float]) -> list[float]:
    """How good texts, oldest first, are by similarity and recency together: the sum of reciprocal
    ranks."""
    order = sorted(range(len(worth)), key=lambda place: (worth[place], place), reverse=True)
    near = {place: rank for rank, place in enumerate(order, 1)}
    late = {place: rank for rank, place in enumerate(reversed(range(len(worth))), 1)}
    return [1 / (_FLAT + near[place]) + 1 / (_FLAT + late[place]) for place in range(len(worth))]


def prompt_words(pair: Pair) -> list[str]:
    """The words of a prompt, small; of a text without one none, so that nothing is looked up by
    what is to be foretold."""
    return words_in(pair[0] or "")


def bm25(query: Sequence[str], documents: Sequence[Sequence[str]]) -> list[float]:
    """How well each document answers a query, at least 0: over the query's words, each once, the
    sum of log(1 + (N - n + 1/2) / (n + 1/2)) f / (f + k (1 - b + b l / mean l)), where n of N
    documents have the word, f times in this one of l words."""
    words = dict.fromkeys(word for one in documents for word in one)
    number = {word: place for place, word in enumerate(words)}
    known = [number[word] for word in dict.fromkeys(query) if word in number]
    if not known:
        return [0.0] * len(documents)
    from bm25s import BM25

    index = BM25(k1=_K1, b=_B, method="lucene", dtype="float64")
    rows = [[number[word] for word in one] for one in documents]
    index.index((rows, number), show_progress=False)
    found: list[float] = index.get_scores_from_ids(known).tolist()
    return found
