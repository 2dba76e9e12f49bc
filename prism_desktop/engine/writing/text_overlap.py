"""How near a generated text comes to what its person wrote, in words and characters.

All measures lie between 0 and 1, of one text each, so that people can be averaged and intervals lie
over people and prompts: ROUGE-1 and ROUGE-L are the F of rouge-score (Lin 2004) without a stemmer,
over words of any script, of those that set no spaces over characters (of Latin letters and digits
these are rouge-score's own words); BLEU (Papineni et al., ACL 2002) and chrF (Popovic, WMT 2015)
are sacrebleu's of a sentence, divided by 100, BLEU with the order that a short text has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.writing_systems import words_in

OVERLAPS: Final = ("rouge-1", "rouge-l", "bleu", "chrf", "exact")
Floats = npt.NDArray[np.float64]


def overlaps(own: str, generated: str) -> dict[str, float]:
    """Every measure of one pair of texts.

    Args:
        own: what the person wrote.
        generated: what a model wrote in their place; white space at its ends is not looked at.

    Returns:
        By the names in `OVERLAPS`; an empty text has 0 of everything.
    """
    own, generated = own.strip(), generated.strip()
    if not own or not generated:
        return dict.fromkeys(OVERLAPS, 0.0)
    bleu, chrf = _scorers()
    found = {
        **rouge(own, generated),
        "bleu": bleu.sentence_score(generated, [own]).score / 100,
        "chrf": chrf.sentence_score(generated, [own]).score / 100,
        "exact": float(own == generated),
    }
    return {name: min(1.0, max(0.0, float(one))) for name, one in found.items()}


def rouge(own: str, generated: str, *, latin: bool = False) -> dict[str, float]:
    """ROUGE-1 and ROUGE-L of one pair of texts, as F.

    Args:
        own: what the person wrote.
        generated: what a model wrote in their place.
        latin: look at Latin letters and digits alone, as rouge-score does where nobody says else.
    """
    found = _rouge_scorer(latin).score(own, generated)
    return {"rouge-1": float(found["rouge1"].fmeasure), "rouge-l": float(found["rougeL"].fmeasure)}


def f1_shares(
    own: Sequence[str], generated: Sequence[str], labels: Sequence[str]
) -> tuple[float, Floats]:
    """Macro-F1 of texts that are labels, and what each text does to it.

    Args:
        own: what people wrote.
        generated: of each what a model wrote instead; what is no label is wrong.
        labels: the closed set; of these, those count that are in `own` or `generated`.

    Returns:
        The mean of the labels' F1, and (texts,) influences, whose sum is 0: F1 of a label is
        2 TP / (written + told), a ratio of sums.
    """
    one, other = np.array(own, dtype=object), np.array(generated, dtype=object)
    found, influence, counted = 0.0, np.zeros(len(one)), 0
    for label in labels:
        written, told = (one == label).astype(float), (other == label).astype(float)
        total = float(written.sum() + told.sum())
        if not total:
            continue
        score = 2 * float((written * told).sum()) / total
        influence += (2 * written * told - score * (written + told)) / total
        found, counted = found + score, counted + 1
    return found / max(1, counted), influence / max(1, counted)


class _Words:
    """Cuts texts into words, for rouge-score."""

    def tokenize(self, text: str) -> list[str]:
        return words_in(text)


@lru_cache(maxsize=2)
def _rouge_scorer(latin: bool) -> Any:
    """Its import takes seconds, so that only what compares texts pays for it."""
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rougeL"], tokenizer=None if latin else _Words())


@lru_cache(maxsize=1)
def _scorers() -> tuple[Any, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return BLEU(effective_order=True), CHRF()
