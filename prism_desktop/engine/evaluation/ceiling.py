"""The accuracy that a perfect model of a labeler could reach, from how consistent the labeler is.

A labeler whose noise is Gaussian agrees with their own earlier answer on a share a of repeated pairs; a model that
knew their tastes without noise would then be right on 1/2 + asin(sqrt(sin(pi (a - 1/2)))) / pi of their answers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.intervals import wilson
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons, unordered

FEWEST_REPEATS = 10


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One labeler's self-agreement and what follows from it."""

    agreement: float  # share of repeated answers that choose the same image
    agreement_low: float
    agreement_high: float
    value: float  # the ceiling, 0.5 to 1
    low: float
    high: float
    n: int  # repeated answers
    swapped: int  # of them, how many were shown with sides exchanged


def ceiling_of(agreement: float) -> float:
    """The ceiling that belongs to a self-agreement; 0.8 gives 0.856, below one half gives one half."""
    inside = np.sin(np.pi * (np.clip(agreement, 0.5, 1.0) - 0.5))
    return float(0.5 + np.arcsin(np.sqrt(np.clip(inside, 0.0, 1.0))) / np.pi)


def repeated(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Every answer that a labeler gave again: labeler, attribute, pair, same (bool), swapped (bool).

    Successive presentations of one unordered pair are compared, whether or not they were planned as repeats. Answers
    with a tie on either side are left out, as accuracy leaves out ties.
    """
    decided = pairs_from_comparisons(comparisons, ties="drop")
    pair, _ = unordered(decided)
    rows = decided.assign(pair=pair).sort_values(["labeler", "order"], kind="stable")
    first = rows["left"] < rows["right"]
    rows = rows.assign(low_first=first, low_chosen=(rows["outcome"] > 0.5) == first)
    before = rows.groupby(["labeler", "attribute", "pair"])[["low_first", "low_chosen"]].shift()
    again = before["low_chosen"].notna()
    rows, before = rows[again], before[again]
    return rows[["labeler", "attribute", "pair"]].assign(
        same=rows["low_chosen"] == before["low_chosen"].astype(bool),
        swapped=rows["low_first"] != before["low_first"].astype(bool),
    )


def ceilings(comparisons: pd.DataFrame) -> dict[str, Ceiling]:
    """The ceiling of each labeler with at least ten repeated answers.

    The interval is Wilson's with the number of answers reduced for the likeness of answers on the same pair (all
    attributes of a repeated trial), carried through the formula, which is monotonic.
    """
    out: dict[str, Ceiling] = {}
    for labeler, rows in repeated(comparisons).groupby("labeler", sort=True):
        if len(rows) < FEWEST_REPEATS:
            continue
        agreement = float(rows["same"].mean())
        low, high = wilson(agreement, _effective(rows))
        out[str(labeler)] = Ceiling(
            agreement=agreement,
            agreement_low=low,
            agreement_high=high,
            value=ceiling_of(agreement),
            low=ceiling_of(low),
            high=ceiling_of(high),
            n=len(rows),
            swapped=int(rows["swapped"].sum()),
        )
    return out


def _effective(rows: pd.DataFrame) -> float:
    """How many independent answers carry the same information; between the number of pairs and of answers."""
    share = float(rows["same"].mean())
    off = (rows["same"].astype(float) - share).groupby(rows["pair"]).sum()
    clustered = float((off**2).sum()) / len(rows) ** 2
    pairs = len(off)
    return float(np.clip(share * (1 - share) / clustered, pairs, len(rows))) if clustered > 0 else float(pairs)
