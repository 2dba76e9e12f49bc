"""Where models put faces among all others, as shares that score lower, and how surely."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where all labelers' models put the faces on one attribute.

    Attributes:
        mean: (images,) float32 of the labelers' shares of the other faces that score lower.
        dispute: (images,) float32 standard deviation of the labelers' shares; NaN under two.
    """

    mean: Floats
    dispute: Floats


@dataclass(slots=True)
class Placing:
    """Finds a `Standing` labeler by labeler (Welford's method), so that none of their shares has
    to be kept and the work may be ended and gone on with.

    Attributes:
        images: how many there are.
        placed: labelers whose shares were added.
    """

    images: int
    placed: int = 0
    _known: NDArray[np.int64] = field(init=False)
    _mean: NDArray[np.float64] = field(init=False)
    _squares: NDArray[np.float64] = field(init=False)  # of the distances from the mean, summed

    def __post_init__(self) -> None:
        self._known = np.zeros(self.images, np.int64)
        self._mean, self._squares = np.zeros(self.images), np.zeros(self.images)

    def add(self, shares: Floats) -> None:
        """Add the next labeler's: (images,), NaN where the model says nothing."""
        known = ~np.isnan(shares)
        self._known += known
        away = np.where(known, shares - self._mean, 0.0)
        self._mean += away / np.maximum(self._known, 1)
        self._squares += away * np.where(known, shares - self._mean, 0.0)
        self.placed += 1

    def standing(self) -> Standing:
        """Of those who were added."""
        several = np.where(self._known > 1, self._squares / np.maximum(self._known - 1, 1), np.nan)
        mean = np.where(self._known > 0, self._mean, np.nan)
        return Standing(mean.astype(np.float32), np.sqrt(several).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class ShareSpread:
    """How surely a labeler's model places each face; all (images,) float32.

    Attributes:
        low, high: a 95 % interval of the share of faces that score lower.
        sd: of the score about the mean face's, in logits.
    """

    low: Floats
    high: Floats
    sd: Floats

    def longer(self, more: int) -> "ShareSpread":
        """With so many more images, of which nothing is known."""
        blank = np.full(more, np.nan, np.float32)
        return ShareSpread(*(np.append(each, blank) for each in (self.low, self.high, self.sd)))


def percentiles(scores: Floats) -> Floats:
    """Share of the other faces that score lower, in [0, 1].

    Equal scores share their middle, NaN stays NaN.
    """
    result = np.full(scores.shape, np.nan, np.float32)
    known = np.flatnonzero(~np.isnan(scores))
    if len(known) < 2:
        result[known] = 0.5
        return result
    _, inverse, counts = np.unique(scores[known], return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    result[known] = ((below + (counts - 1) / 2) / (len(known) - 1))[inverse]
    return result


def share_at(scores: Floats, row: int) -> Floats:
    """(...,): the same of one image alone, from (..., images) scores."""
    own = scores[..., row, None]
    known = np.count_nonzero(~np.isnan(scores), axis=-1)
    below = np.count_nonzero(scores < own, axis=-1)
    equal = np.count_nonzero(scores == own, axis=-1) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(known > 1, (below + equal / 2) / (known - 1), 0.5)
    return np.asarray(np.where(np.isnan(own[..., 0]), np.nan, found), np.float32)
