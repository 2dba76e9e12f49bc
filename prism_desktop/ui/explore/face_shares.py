"""Where models put faces among all others, as shares that score lower, and how surely."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where all labelers' models put the faces on one attribute.

    Attributes:
        shares: (labelers, images) float32 share of the other faces that score lower.
        mean: (images,) float32 of the labelers' shares.
        dispute: (images,) float32 standard deviation of the labelers' shares; NaN under two.
    """

    shares: Floats
    mean: Floats
    dispute: Floats


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


_BLOCK = 4096  # images


def standing_of(shares: Floats) -> Standing:
    """Of (labelers, images) shares; some images at a time, for NumPy copies what it averages."""
    mean, dispute = (np.empty(shares.shape[1], np.float32) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a face that nobody scores
        for start in range(0, shares.shape[1], _BLOCK):
            some = slice(start, start + _BLOCK)
            mean[some] = np.nanmean(shares[:, some], axis=0)
            dispute[some] = np.nanstd(shares[:, some], axis=0, ddof=1)
    return Standing(shares, mean, dispute)
