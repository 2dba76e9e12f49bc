"""The noise ceiling: the accuracy that a perfect model of a labeler could reach, from how
consistent the labeler is.

A labeler whose noise is Gaussian agrees with their own earlier answer on a share a of repeated
pairs; a model that knew their tastes without noise would then be right on 1/2 + asin(sqrt(sin(pi (a
- 1/2)))) / pi of their answers.

Repeated comparisons tell a directly. Where a labeler repeated too few, repeated ratings stand in:
two images, both rated twice, are a comparison made twice, by the sign of the difference of the
first and of the second ratings. Trials that were chosen by what they tell are left out: they are
harder than others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from prism_desktop.engine.analysis.agreement import told_apart, was_drawn
from prism_desktop.engine.evaluation.intervals import dyadic_variance, wilson
from prism_desktop.engine.evaluation.pairs import (
    Floats,
    Ints,
    pairs_from_comparisons,
    scale_used,
    time_order,
    unordered,
)

FEWEST_REPEATS = 10
_MOST_IMAGES = 500  # per labeler and attribute; their pairs are many times as many


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
    source: Literal["comparisons", "ratings"] = "comparisons"  # what was repeated


def ceiling_of(agreement: float) -> float:
    """The ceiling that belongs to a self-agreement; 0.8
    gives 0.856, below one half gives one half."""
    inside = np.sin(np.pi * (np.clip(agreement, 0.5, 1.0) - 0.5))
    return float(0.5 + np.arcsin(np.sqrt(np.clip(inside, 0.0, 1.0))) / np.pi)


def repeated(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Every answer that a labeler gave again: labeler,
    attribute, pair, same (bool), swapped (bool).

    Successive presentations of one unordered pair are compared, whether or not they were planned as
    repeats; imported ones only where they were (see `agreement.told_apart`). Answers with a tie on
    either side are left out, as accuracy leaves out ties.
    """
    comparisons = comparisons[was_drawn(comparisons)]
    decided = pairs_from_comparisons(comparisons, ties="drop")
    known = set(comparisons["trial"][told_apart(comparisons)])
    pair, _ = unordered(decided)
    rows = decided.assign(pair=pair).sort_values(["labeler", "order"], kind="stable")
    first = rows["left"] < rows["right"]
    rows = rows.assign(low_first=first, low_chosen=(rows["outcome"] > 0.5) == first)
    before = rows.groupby(["labeler", "attribute", "pair"])[["low_first", "low_chosen"]].shift()
    again = before["low_chosen"].notna() & rows["trial"].isin(known)
    rows, before = rows[again], before[again]
    return rows[["labeler", "attribute", "pair"]].assign(
        same=rows["low_chosen"] == before["low_chosen"].astype(bool),
        swapped=rows["low_first"] != before["low_first"].astype(bool),
    )


def ceilings(
    comparisons: pd.DataFrame | None, ratings: pd.DataFrame | None = None
) -> dict[str, Ceiling]:
    """The ceiling of each labeler with at least ten
    repeated comparisons, or else ten repeated ratings.

    Args:
        comparisons: `Study.comparisons()`, None if there are none.
        ratings: `Study.ratings()`, for labelers who repeated fewer than ten comparisons.
    """
    compared = (
        _from_comparisons(comparisons) if comparisons is not None and len(comparisons) else {}
    )
    rated = _from_ratings(ratings) if ratings is not None and len(ratings) else {}
    return dict(sorted((rated | compared).items()))


def _from_comparisons(comparisons: pd.DataFrame) -> dict[str, Ceiling]:
    """The interval is Wilson's with the number of answers reduced for
    the likeness of answers on the same pair (all attributes of a
    repeated trial), carried through the formula, which is monotonic.
    """
    out: dict[str, Ceiling] = {}
    for labeler, rows in repeated(comparisons).groupby("labeler", sort=True):
        if len(rows) < FEWEST_REPEATS:
            continue
        agreement = float(rows["same"].mean())
        swapped = int(rows["swapped"].sum())
        out[str(labeler)] = _ceiling(agreement, _effective(rows), len(rows), swapped, "comparisons")
    return out


def _ceiling(
    agreement: float,
    effective: float,
    n: int,
    swapped: int,
    source: Literal["comparisons", "ratings"],
) -> Ceiling:
    """The ceiling and its 95 % interval; both ends follow from the interval of the agreement."""
    low, high = wilson(agreement, effective)
    return Ceiling(
        agreement=agreement,
        agreement_low=low,
        agreement_high=high,
        value=ceiling_of(agreement),
        low=ceiling_of(low),
        high=ceiling_of(high),
        n=n,
        swapped=swapped,
        source=source,
    )


def _from_ratings(ratings: pd.DataFrame) -> dict[str, Ceiling]:
    """Pairs of images that were rated equally at either time say nothing, as ties do.

    N is the images rated twice.
    """
    twice = _rated_twice(ratings)
    out: dict[str, Ceiling] = {}
    for labeler, rows in twice.groupby("labeler", sort=True):
        if len(rows) < FEWEST_REPEATS:
            continue
        same, left, right = (
            np.concatenate(part) for part in zip(*_pseudo_comparisons(rows), strict=True)
        )
        if not len(same):
            continue
        agreement = float(same.mean())
        spread = dyadic_variance((same - agreement) / len(same), left, right, len(rows))
        effective = agreement * (1 - agreement) / spread if spread > 0 else len(rows) / 2
        effective = float(np.clip(effective, min(len(rows) / 2, len(same)), len(same)))
        out[str(labeler)] = _ceiling(agreement, effective, len(rows), 0, "ratings")
    return out


def _rated_twice(ratings: pd.DataFrame) -> pd.DataFrame:
    """labeler, attribute, image, first, second: the first two
    ratings in time of each image rated more than once.

    Of imported ones, only those that were planned as repeats (see `agreement.told_apart`).
    """
    ratings = ratings[was_drawn(ratings)]
    rated = ratings.assign(used=scale_used(ratings), order=time_order(ratings))
    rated = rated.sort_values(["labeler", "order"], kind="stable")
    keys = ["labeler", "attribute", "image"]
    rated = rated.assign(time=rated.groupby(keys).cumcount())
    first = rated[rated["time"] == 0][[*keys, "used"]].rename(columns={"used": "first"})
    second = rated[(rated["time"] == 1) & told_apart(rated)][[*keys, "used"]].rename(
        columns={"used": "second"}
    )
    return first.merge(second, on=keys)


def _pseudo_comparisons(rows: pd.DataFrame) -> Iterator[tuple[Floats, Ints, Ints]]:
    """Per attribute: whether the two orders agree, and the two
    rows that were compared, counted over all attributes."""
    start = 0
    for _, mine in rows.groupby("attribute", sort=True):
        first, second = (
            mine[name].to_numpy(dtype=np.float64)[:_MOST_IMAGES] for name in ("first", "second")
        )
        i, j = np.triu_indices(len(first), 1)
        once, again = np.sign(first[i] - first[j]), np.sign(second[i] - second[j])
        told = (once != 0) & (again != 0)
        same = (once[told] == again[told]).astype(np.float64)
        yield same, i[told].astype(np.int64) + start, j[told].astype(np.int64) + start
        start += len(first)


def _effective(rows: pd.DataFrame) -> float:
    """How many independent answers carry the same information.

    Between the number of pairs and of answers.
    """
    share = float(rows["same"].mean())
    off = (rows["same"].astype(float) - share).groupby(rows["pair"]).sum()
    clustered = float((off**2).sum()) / len(rows) ** 2
    pairs = len(off)
    return (
        float(np.clip(share * (1 - share) / clustered, pairs, len(rows)))
        if clustered > 0
        else float(pairs)
    )
