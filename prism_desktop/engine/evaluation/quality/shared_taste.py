"""Shared taste in comparisons: how much of an answer is what all see, what one sees, and noise.

The same regression as a labeler's own consistency: products of standardised answers that share
faces, on how much they share. Within labelers it gives what faces account for at all, between
labelers what they account for alike; the difference is private taste. Answers of any kind can be
put in, and no pair need be answered twice.

The interval is by a jackknife over groups of faces: the answers about a twentieth of the faces are
left out each time.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.stats import t as student

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import Floats, Ints
from prism_desktop.engine.evaluation.quality.own_consistency import NONE, design, standardised

_GROUPS = 20
_FEWEST_FACES = 2 * _GROUPS


@dataclass(frozen=True, slots=True)
class SharedTaste:
    """Shares of the variance of one answer, and private / (private + shared)."""

    shared: Estimate
    private: Estimate
    noise: Estimate
    beholder: Estimate


def shared_taste(rows: pd.DataFrame, seed: int = 0) -> SharedTaste:
    """Measure one attribute.

    Args:
        rows: of the answer table, one attribute's, of two labelers or more.
        seed: of the groups of faces.
    """
    value = np.zeros(len(rows))
    labeler = pd.factorize(rows["labeler"])[0].astype(np.int64)
    for code in range(int(labeler.max(initial=-1)) + 1):
        value[labeler == code] = standardised(rows[labeler == code])
    codes = pd.factorize(pd.concat([rows["left"], rows["right"]], ignore_index=True))[0]
    left, right = codes[: len(rows)].astype(np.int64), codes[len(rows) :].astype(np.int64)
    faces = int(codes.max(initial=-1)) + 1
    compared = (rows["kind"] == "comparison").to_numpy()
    whole = design(left, right, compared, value != 0, faces)
    everything = _shares(whole, value, labeler)
    group = np.random.default_rng(seed).permutation(faces) % _GROUPS if faces else np.zeros(0)
    without = [
        _shares(whole[kept], value[kept], labeler[kept])
        for number in range(_GROUPS)
        if (kept := (group[left] != number) & (group[right] != number)).any()
    ]
    if faces < _FEWEST_FACES:
        return SharedTaste(NONE, NONE, NONE, NONE)
    told = [
        _jackknifed(everything[name], np.array([each[name] for each in without]), len(rows))
        for name in ("shared", "private", "noise", "beholder")
    ]
    return SharedTaste(*told)


def _shares(whole: csr_array, value: Floats, labeler: Ints) -> dict[str, float]:
    """The shares by one pass over the labelers: what concerns all, less what concerns one."""
    faces = np.zeros(whole.shape[1])
    grams = csr_array((whole.shape[1], whole.shape[1]))
    own_products = own_weights = alone_products = alone_weights = 0.0
    for code in np.unique(labeler):
        mine = whole[labeler == code]
        given = value[labeler == code]
        sums, gram = mine.T @ given, mine.T @ mine
        length = np.asarray((mine * mine).sum(1)).ravel()
        own_products += float(sums @ sums) - float(length @ given**2)
        own_weights += float((gram * gram).sum()) - float(length @ length)
        alone_products += float(sums @ sums)
        alone_weights += float((gram * gram).sum())
        faces, grams = faces + sums, grams + gram
    cross_products = float(faces @ faces) - alone_products
    cross_weights = float((grams * grams).sum()) - alone_weights
    own = own_products / own_weights if own_weights > 1e-9 else float("nan")
    shared = cross_products / cross_weights if cross_weights > 1e-9 else float("nan")
    beholder = 1 - shared / own if own > 0 else float("nan")
    return {"shared": shared, "private": own - shared, "noise": 1 - own, "beholder": beholder}


def _jackknifed(value: float, without: Floats, n: int) -> Estimate:
    known = without[~np.isnan(without)]
    if np.isnan(value) or len(known) < _GROUPS // 2:
        return NONE
    count = len(known)
    error = float(np.sqrt((count - 1) / count * ((known - known.mean()) ** 2).sum()))
    half = float(student.ppf(0.975, count - 1)) * error
    return Estimate(value, value - half, value + half, n, error=error)
