"""Faces in an order, some of them: what the gallery of faces shows and its command tells."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

ORDERS = {
    "high": "Highest first",
    "low": "Lowest first",
    "apart": "Differs most from consensus",
    "unsure": "Model is least sure",
    "disputed": "Labelers differ most",
}
# What is known of a face, by the bits of its mark.
ANSWERED, LEARNED = 1, 2
KINDS = {
    "": "All faces",
    "answered": "Answered by this labeler",
    "unanswered": "Not answered by this labeler",
    "held-out": "Predicted, held out",
    "in-sample": "Predicted, in-sample",
}
Area = tuple[float, float, float, float]  # left, low, right, high
NOWHERE: Area = (0.0, 0.0, 0.0, 0.0)
DISPUTED = 0.9  # a face counts as disputed from this quantile of the labelers' spread


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """Which faces are shown; everything must hold."""

    search: str = ""  # in the face's name
    kind: str = ""  # one of `KINDS`
    fact: str = ""  # the name of a fact about images
    value: str = ""  # which it must have
    disputed: bool = False
    low: int = 0  # least percentile
    high: int = 100  # greatest
    area: Area = NOWHERE  # of the map of the faces

    @property
    def brushed(self) -> bool:
        """Whether an area of the map is asked for."""
        left, low, right, high = self.area
        return right > left and high > low

    @property
    def count(self) -> int:
        """How many conditions there are beside the search."""
        ranged = (self.low, self.high) != (0, 100)
        return bool(self.kind) + bool(self.fact) + self.disputed + ranged + self.brushed


@dataclass(frozen=True, slots=True, eq=False)
class FaceColumns:
    """What is known of each face, for one labeler and attribute; all (images,).

    Attributes:
        scores: logits, NaN where nothing is predicted.
        shares: share of the other faces that score lower.
        marks: uint8, `ANSWERED` and `LEARNED`.
        consensus: shares of the consensus; None where there is none.
        unsure: width of the interval of the share; None where the model does not know.
        dispute: spread of the labelers' shares; None where it was not found out yet.
    """

    scores: Floats
    shares: Floats
    marks: NDArray[np.uint8]
    consensus: Floats | None = None
    unsure: Floats | None = None
    dispute: Floats | None = None

    def key(self, order: str) -> Floats | None:
        """What an order goes by, the greatest first; None where it is not known."""
        if order == "apart":
            return None if self.consensus is None else np.abs(self.shares - self.consensus)
        return {
            "high": self.scores,
            "low": -self.scores,
            "unsure": self.unsure,
            "disputed": self.dispute,
        }[order]


def ranked(columns: FaceColumns, order: str) -> Rows:
    """Rows of the faces that have a score, in one of the `ORDERS`; equal ones stay in the run's
    order, and an order that is not known yet is that of the scores."""
    key = columns.key(order)
    key = columns.scores if key is None else key
    key = np.where(np.isnan(columns.scores), np.nan, key)
    found = np.argsort(-key, kind="stable")
    return np.asarray(found[: np.count_nonzero(~np.isnan(key))], np.int64)


def chosen(
    columns: FaceColumns,
    wanted: FaceFilter,
    names: tuple[str, ...],
    facts: Mapping[str, Mapping[int, str]],
    plane: Floats | None = None,
) -> NDArray[np.bool_]:
    """(images,): which faces a filter leaves.

    Args:
        names: of the faces, casefolded.
        facts: by name, by row.
        plane: (images, 2) the map of the faces, as far as it is known.
    """
    left = np.ones(len(columns.shares), bool)
    if wanted.kind:
        answered, learned = columns.marks & ANSWERED > 0, columns.marks & LEARNED > 0
        left &= {
            "answered": answered,
            "unanswered": ~answered,
            "held-out": ~answered & ~learned,
            "in-sample": ~answered & learned,
        }[wanted.kind]
    if wanted.fact:
        known = facts.get(wanted.fact, {})
        having = np.zeros(len(left), bool)
        having[[row for row, value in known.items() if value == wanted.value]] = True
        left &= having
    if (wanted.low, wanted.high) != (0, 100):
        percent = 100 * columns.shares
        with np.errstate(invalid="ignore"):
            left &= (percent >= wanted.low) & (percent <= wanted.high)
    if wanted.disputed and columns.dispute is not None:
        known_dispute = columns.dispute[~np.isnan(columns.dispute)]
        if len(known_dispute):
            with np.errstate(invalid="ignore"):
                left &= columns.dispute >= np.quantile(known_dispute, DISPUTED)
    if wanted.brushed and plane is not None:
        left[: len(plane)] &= within(plane, wanted.area)
        left[len(plane) :] = False
    text = wanted.search.strip().casefold()
    if text:
        left &= np.fromiter((text in name for name in names), bool, len(names))
    return left


def within(at: Floats, area: Area) -> NDArray[np.bool_]:
    """(n,): which of (n, 2) points lie in an area; none lies in one without a width."""
    left, low, right, high = area
    if right <= left or high <= low:
        return np.zeros(len(at), bool)
    x, y = at[:, 0], at[:, 1]
    return (x >= left) & (x <= right) & (y >= low) & (y <= high)
