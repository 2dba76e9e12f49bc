"""Reliability of an attribute: how far its labelers say the same, and how many of them are enough.

Intervals say what other faces would have given with the same labelers, but for the variance
components, which speak of other labelers too.

Source: Krippendorff, "Content Analysis", 2004 (alpha; the ordinal distance of two values is the
distance of their middle ranks); Shrout and Fleiss 1979 (ICC); Spearman and Brown 1910; Hönekopp
2006 (beholder index).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.evaluation.intervals import Estimate, dyadic_variance, student_width
from prism_desktop.engine.evaluation.pairs import Floats, Ints
from prism_desktop.engine.evaluation.quality.own_consistency import NONE
from prism_desktop.engine.evaluation.quality.shared_taste import SharedTaste, shared_taste
from prism_desktop.engine.evaluation.quality.variance_components import components

RESAMPLES: Final = 500
_HALVES: Final = 60
TARGET: Final = 0.8
COUNTS: Final = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50)


@dataclass(frozen=True, slots=True)
class KindReliability:
    """What the ratings or the comparisons of one attribute say of it.

    Attributes:
        kind: "rating" or "comparison".
        labelers, faces, answers: how many.
        alpha: Krippendorff's, ordinal.
        icc, icc_mean: ICC(2,1) and ICC(2,k), of ratings; `per_face` is k.
        split_half: of the faces' means over two halves of the labelers, stepped up to all.
        shared, private, noise: shares of the variance of one answer.
        beholder: private / (private + shared).
        enough: (labelers, reliability of their mean).
        needed: labelers for a reliability of 0.8.
    """

    kind: str
    labelers: int
    faces: int
    answers: int
    alpha: Estimate
    icc: Estimate
    icc_mean: Estimate
    per_face: float
    split_half: Estimate
    shared: Estimate
    private: Estimate
    noise: Estimate
    beholder: Estimate
    enough: tuple[tuple[int, Estimate], ...]
    needed: Estimate


def kind_reliability(rows: pd.DataFrame, kind: str, seed: int = 0) -> KindReliability | None:
    """Measure one attribute by answers of one kind; None where under two labelers gave any.

    Args:
        rows: of the answer table, one attribute's.
        kind: "rating" or "comparison".
        seed: of resamples and halves.
    """
    mine = rows[rows["kind"] == kind]
    if mine["labeler"].nunique() < 2:
        return None
    counts = {
        "labelers": int(mine["labeler"].nunique()),
        "faces": len(set(mine["left"]) | set(mine["right"])),
        "answers": len(mine),
    }
    unit, value, faces = _coded(mine, kind)
    pairs = faces if kind == "comparison" else None
    alpha = krippendorff_alpha(unit, value, pairs=pairs, seed=seed)
    half = split_half(*_scores(mine, kind), seed=seed)
    icc, icc_mean, per_face = NONE, NONE, float("nan")
    parts: tuple[Estimate, Estimate, Estimate, Estimate]
    if kind == "rating":
        found = components(mine, seed)
        if found is None:
            parts = NONE, NONE, NONE, NONE
        else:
            icc, per_face = found.icc(), found.per_face
            icc_mean = found.icc(per_face)
            parts = found.shared(), found.private(), found.noise(), found.beholder()
    else:
        taste: SharedTaste = shared_taste(mine, seed)
        parts = taste.shared, taste.private, taste.noise, taste.beholder
    enough = tuple((count, _stepped(parts[0], count)) for count in COUNTS)
    return KindReliability(
        kind, **counts, alpha=alpha, icc=icc, icc_mean=icc_mean, per_face=per_face,
        split_half=half, shared=parts[0], private=parts[1], noise=parts[2], beholder=parts[3],
        enough=enough, needed=_needed(parts[0]),
    )  # fmt: skip


def krippendorff_alpha(
    unit: Ints,
    value: Floats,
    *,
    pairs: Ints | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Krippendorff's alpha for ordinal values, with an interval by resampling the units.

    Pairs that share a face are alike in how far labelers agree, so of pairs the interval is as much
    wider as the standard error of the observed disagreement is when any two of them depend on each
    other (`dyadic_variance`), and as Student's t is for so many faces.

    Args:
        unit: (n,) what each value is about; one value for each labeler of it.
        value: (n,) values.
        pairs: (n, 2) the two faces, where units are pairs of them: each is seen from both sides, so
            that alpha does not depend on which of the two is named first.
        seed: of the resampling.
        resamples: how many.

    Returns:
        NaN where no unit has two values, or all values are the same.
    """
    levels, level = np.unique(value, return_inverse=True)
    units = pd.factorize(unit)[0]
    counts = np.zeros((int(units.max(initial=-1)) + 1, len(levels)))
    np.add.at(counts, (units, level), 1)
    several, mirrored = counts.sum(1) > 1, pairs is not None
    counts = counts[several]
    if not len(counts):
        return NONE
    found = _alpha(counts, np.ones(len(counts)), mirrored)
    rng = np.random.default_rng(seed)
    draws = np.array(
        [
            _alpha(counts, np.bincount(drawn, minlength=len(counts)).astype(float), mirrored)
            for drawn in rng.integers(0, len(counts), (resamples, len(counts)))
        ]
    )
    if pairs is not None:
        first = np.unique(units, return_index=True)[1]
        wider = _wider(counts, pairs[first][several])
        draws = np.clip(found + (draws - found) * wider, -1, 1)
    return _between(found, draws, int(counts.sum()))


def _wider(counts: Floats, pairs: Ints) -> float:
    """How much wider an interval is for pairs that share faces than for pairs of their own, and
    where there are few faces."""
    apart = _apart(counts, _ranks(counts.sum(0), mirrored=True))
    size = counts.sum(1)
    influence = apart - size * float(apart.sum() / size.sum())
    alone = float((influence**2).sum())
    if not alone > 0:
        return 1.0
    left, right = pairs.T
    faces = len(np.unique(pairs))
    spread = dyadic_variance(influence, left, right, faces)
    return student_width(faces) * float(np.sqrt(spread / alone))


def _alpha(counts: Floats, times: Floats, mirrored: bool) -> float:
    """Alpha of units that occur so many times each.

    Args:
        counts: (units, levels) how many gave each value.
    """
    margin = times @ counts
    if mirrored:
        margin = (margin + margin[::-1]) / 2
    n = float(margin.sum())
    rank = _ranks(margin)
    expected = 2 * n * float(margin @ rank**2)
    if not expected > 0:
        return float("nan")
    apart = _apart(counts, rank)
    # twice as many values where each unit is seen from two sides, as often each
    whole = 2 * n if mirrored else n
    return float(1 - (whole - 1) / whole * n * float(times @ apart) / expected)


def _ranks(margin: Floats, *, mirrored: bool = False) -> Floats:
    """(levels,) the middle ranks of the values, about their mean."""
    if mirrored:
        margin = (margin + margin[::-1]) / 2
    rank = np.cumsum(margin) - margin / 2
    return np.asarray(rank - float(margin @ rank) / float(margin.sum()), np.float64)


def _apart(counts: Floats, rank: Floats) -> Floats:
    """(units,) the squared distances of two values of a unit, summed over both orders of all."""
    size = counts.sum(1)
    return np.asarray(
        2 * (size * (counts @ rank**2) - (counts @ rank) ** 2) / (size - 1), np.float64
    )


def split_half(
    total: Floats, count: Floats, *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Reliability of the faces' mean scores over all labelers, by halves of the labelers.

    The mean correlation over random halves, stepped up by Spearman and Brown; the interval by
    resampling the faces.

    Args:
        total: (labelers, faces) sums of a labeler's scores of a face.
        count: (labelers, faces) how many there are.
    """
    labelers, faces = total.shape
    if labelers < 2 or faces < 3:
        return NONE
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((_HALVES, labelers)), axis=1)
    chosen = (order < (labelers + 1) // 2).astype(np.float64)
    halves = [_means(part @ total, part @ count) for part in (chosen, 1 - chosen)]
    known = ~np.isnan(halves[0]) & ~np.isnan(halves[1])
    weights = np.concatenate(
        [np.ones((1, faces)), rng.multinomial(faces, np.full(faces, 1 / faces), resamples)]
    )
    one, two = (np.where(known, half, 0.0) for half in halves)
    told = _correlations(weights.astype(np.float64), one, two, known.astype(np.float64))
    with np.errstate(invalid="ignore"):
        stepped = np.maximum(2 * told / (1 + np.maximum(told, -0.999)), -1)
    return _between(float(stepped[0]), stepped[1:], int((known.sum(0) > 0).sum()))


def _means(total: Floats, count: Floats) -> Floats:
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def _correlations(weights: Floats, one: Floats, two: Floats, known: Floats) -> Floats:
    """(resamples,) the mean over halves of the weighted correlations over faces."""
    size = weights @ known.T
    size = np.where(size > 2, size, np.nan)
    sums = [weights @ part.T / size for part in (one, two, one * one, two * two, one * two)]
    apart = [sums[2] - sums[0] ** 2, sums[3] - sums[1] ** 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        told = (sums[4] - sums[0] * sums[1]) / np.sqrt(apart[0] * apart[1])
    told = np.where(np.isfinite(told), told, np.nan)
    there = ~np.isnan(told)
    many = there.sum(1)
    return np.where(many > 0, np.nansum(told, axis=1) / np.where(many > 0, many, 1), np.nan)


def _coded(rows: pd.DataFrame, kind: str) -> tuple[Ints, Floats, Ints]:
    """Units, values and faces (n, 2) for alpha: of each labeler the first answer about a face or a
    pair."""
    turned = (rows["left"] > rows["right"]).to_numpy()
    low = np.where(turned, rows["right"], rows["left"])
    high = np.where(turned, rows["left"], rows["right"])
    faces = pd.factorize(np.concatenate([low, high]))[0]
    named = pd.Series(low, dtype=str) + " " + pd.Series(high, dtype=str)
    sign = np.where(turned, -1.0, 1.0) if kind == "comparison" else np.ones(len(rows))
    table = pd.DataFrame(
        {
            "unit": pd.factorize(named)[0],
            "labeler": rows["labeler"].to_numpy(),
            "value": rows["value"].to_numpy(np.float64) * sign,
            "low": faces[: len(rows)],
            "high": faces[len(rows) :],
        }
    ).drop_duplicates(["unit", "labeler"])
    return (
        table["unit"].to_numpy(np.int64),
        table["value"].to_numpy(np.float64),
        table[["low", "high"]].to_numpy(np.int64),
    )


def _scores(rows: pd.DataFrame, kind: str) -> tuple[Floats, Floats]:
    """(labelers, faces) sums and counts: ratings less the labeler's mean; comparisons won less
    those lost."""
    if kind == "rating":
        off = rows["value"] - rows.groupby("labeler")["value"].transform("mean")
        told = pd.DataFrame({"labeler": rows["labeler"], "face": rows["left"], "score": off})
    else:
        told = pd.concat(
            [
                pd.DataFrame(
                    {"labeler": rows["labeler"], "face": rows[side], "score": sign * rows["value"]}
                )
                for side, sign in (("left", 1.0), ("right", -1.0))
            ]
        )
    labeler, face = (pd.factorize(told[name])[0] for name in ("labeler", "face"))
    shape = int(labeler.max()) + 1, int(face.max()) + 1
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (labeler, face), told["score"].to_numpy(np.float64))
    np.add.at(count, (labeler, face), 1)
    return total, count


def _stepped(single: Estimate, count: float) -> Estimate:
    """Reliability of the mean of so many labelers, by that of one (Spearman and Brown)."""
    if np.isnan(single.value):
        return NONE
    value, low, high = (
        count * each / (1 + (count - 1) * each)
        for each in np.clip([single.value, single.low, single.high], 0, 1)
    )
    return Estimate(float(value), float(low), float(high), single.n)


def _needed(single: Estimate) -> Estimate:
    """How many labelers give a reliability of 0.8; infinite where they share nothing."""
    if np.isnan(single.value):
        return NONE
    value, most, least = (
        TARGET * (1 - each) / ((1 - TARGET) * each) if each > 1e-6 else float("inf")
        for each in np.clip([single.value, single.low, single.high], 0, 1)
    )
    return Estimate(float(value), float(least), float(most), single.n)


def _between(value: float, draws: npt.NDArray[np.float64], n: int) -> Estimate:
    known = draws[~np.isnan(draws)]
    if np.isnan(value) or not len(known):
        return NONE
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value), n)
