"""How far two models score the same faces alike, and on which faces and pairs they part."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_Z = 1.959964  # standard deviations of a two-sided 95 % interval
_APART = 100  # faces of widest gap on either side that disputed pairs are looked for among
LEAST = 5  # faces that a correlation takes


@dataclass(frozen=True, slots=True)
class ScoreCorrelation:
    """A correlation over faces with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DisputedPair:
    """Two faces that the models put in opposite order: the first model `first` above `second`."""

    first: int  # row
    second: int
    by: float  # the lesser of both models' gaps, in shares of faces


def pearson(x: Floats, y: Floats) -> ScoreCorrelation | None:
    """Of scores; None for too few faces or where one does not vary. Fisher's z."""
    return _correlation(x, y, lambda _: 1.0)


def spearman(x: Floats, y: Floats) -> ScoreCorrelation | None:
    """Of percentiles, in which ties share their middle.

    Interval: Bonett and Wright, Psychometrika 65 (2000): Fisher's z with a variance of (1 + r^2 /
    2) / (n - 3).
    """
    return _correlation(x, y, lambda r: 1 + r**2 / 2)


def _correlation(
    x: Floats, y: Floats, inflation: Callable[[float], float]
) -> ScoreCorrelation | None:
    if len(x) < LEAST or not x.std() or not y.std():
        return None
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    z = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12))
    half = _Z * math.sqrt(inflation(r) / (len(x) - 3))
    return ScoreCorrelation(r, math.tanh(z - half), math.tanh(z + half))


def disputed_faces(one: Floats, other: Floats) -> Rows:
    """Rows of the faces from the widest gap between two models' percentiles on; a face that both
    put at the same whole percentile is not disputed.

    Args:
        one, other: (images,) shares; NaN where a model says nothing.
    """
    rows = np.flatnonzero(~np.isnan(one) & ~np.isnan(other))
    order = rows[np.argsort(-np.abs(one[rows] - other[rows]), kind="stable")]
    return np.asarray(order[np.rint(100 * one[order]) != np.rint(100 * other[order])], np.int64)


def disputed_pairs(one: Floats, other: Floats, count: int = 12) -> tuple[DisputedPair, ...]:
    """Pairs that the models put in opposite order, by the lesser of both gaps; each face once.

    Looked for among the faces of widest gap on either side: the lesser gap of a pair is at most
    half of the difference between its two faces' gaps.
    """
    gap = np.where(np.isnan(one) | np.isnan(other), 0, one - other)
    by_gap = np.argsort(-gap, kind="stable")
    above, below = by_gap[:_APART], by_gap[::-1][:_APART]
    above, below = above[gap[above] > 0], below[gap[below] < 0]
    if not len(above) or not len(below):
        return ()
    least = np.minimum(
        one[above][:, None] - one[below][None], other[below][None] - other[above][:, None]
    )
    found: list[DisputedPair] = []
    used: set[int] = set()
    for at in np.argsort(-least, axis=None, kind="stable"):
        row, column = divmod(int(at), len(below))
        first, second = int(above[row]), int(below[column])
        if least[row, column] <= 0 or len(found) == count:
            break
        if first not in used and second not in used:
            used |= {first, second}
            found.append(DisputedPair(first, second, float(least[row, column])))
    return tuple(found)
