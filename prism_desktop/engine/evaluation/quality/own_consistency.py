"""Own consistency: how much of an answer the same labeler's other answers account for.

Two answers of one labeler about one attribute have something to do with each other where they
share a face. If the labeler sees faces on a scale of their own, whatever it is, standardised
answers a and b have the expected product r k_ab, where k_ab is 1 for the same question asked again,
1/2 for two comparisons that share a face (minus where it is on opposite sides), and sqrt(1/2) for a
comparison and a rating of one of its faces. So r, the share of an answer's variance that the scale
accounts for, is the regression of the products on k: 0 for who clicks at random, about 0.6 for
people who agree with themselves four times in five. No repeats are needed, and no other labelers.

Source: Haseman and Elston, Behavior Genetics 1972 (variance components from products of pairs);
its interval treats every two pairs that share a trial as dependent (Aronow, Samii and Assenova,
Political Analysis 2015).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array, triu

from prism_desktop.engine.evaluation.intervals import Estimate, dyadic_variance
from prism_desktop.engine.evaluation.pairs import Floats, Ints

Mask = npt.NDArray[np.bool_]

_MOST_PAIRS = 3_000_000
_SAME = 0.999  # k of the same question
_Z = 1.959964
NONE = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True, slots=True)
class AnswerPairs:
    """Every two of a labeler's answers that share a face, each once.

    Attributes:
        first, second: (pairs,) rows of the labeler's table, `first` given before.
        k: (pairs,) how much they have to do with each other.
        product: (pairs,) of the standardised answers.
        trial: (answers,) numbers of trials.
    """

    first: Ints
    second: Ints
    k: Floats
    product: Floats
    trial: Ints

    def consistency(self, some: Mask | None = None, sign: Floats | None = None) -> Estimate:
        """The regression of the products on k over some of the pairs, with its 95 % interval.

        Args:
            some: (pairs,) which; None for all.
            sign: (pairs,) 1, or -1 where the two answers are thought to be turned round.
        """
        chosen = np.ones(len(self.k), bool) if some is None else some
        k, product = self.k[chosen], self.product[chosen]
        if sign is not None:
            product = product * sign[chosen]
        weight = float((k**2).sum())
        if not weight:
            return NONE
        value = float((k * product).sum()) / weight
        one, other = self.trial[self.first[chosen]], self.trial[self.second[chosen]]
        influence = (k * product - value * k**2) / weight
        spread = dyadic_variance(influence, one, other, int(self.trial.max()) + 1)
        error = float(np.sqrt(max(spread, 1 / weight)))
        n = int(chosen.sum())
        return Estimate(value, value - _Z * error, value + _Z * error, n, error=error)

    @property
    def again(self) -> Mask:
        """(pairs,) whether the second answer is to the question of the first."""
        return np.abs(self.k) > _SAME


def answer_pairs(rows: pd.DataFrame, seed: int = 0) -> AnswerPairs:
    """The pairs of one labeler's answers.

    Args:
        rows: of the answer table, one labeler's, in time.
        seed: of the answers that are drawn where there are too many pairs.
    """
    trial = pd.factorize(rows["trial"])[0].astype(np.int64)
    attribute = pd.factorize(rows["attribute"])[0]
    compared = (rows["kind"] == "comparison").to_numpy()
    codes = pd.factorize(pd.concat([rows["left"], rows["right"]], ignore_index=True))[0]
    faces = int(codes.max(initial=0)) + 1
    left = codes[: len(rows)] + attribute * faces
    right = codes[len(rows) :] + attribute * faces
    value = standardised(rows)
    shown = np.concatenate([left, right[compared]])
    heavy = float((np.bincount(shown).astype(float) ** 2).sum()) / 2
    keep = np.ones(len(rows), bool)
    if heavy > _MOST_PAIRS:
        keep = np.random.default_rng(seed).random(len(rows)) < np.sqrt(_MOST_PAIRS / heavy)
    keep &= value != 0
    shown_to = design(left, right, compared, keep, faces * (int(attribute.max(initial=0)) + 1))
    shared = triu(shown_to @ shown_to.T, k=1).tocoo()
    first, second = shared.row.astype(np.int64), shared.col.astype(np.int64)
    fine = (trial[first] != trial[second]) & (np.abs(shared.data) > 1e-9)
    doubtful = (np.abs(shared.data) > _SAME) & ~rows["told"].to_numpy(bool)[second]
    fine &= ~doubtful
    first, second = first[fine], second[fine]
    product = value[first] * value[second]
    return AnswerPairs(first, second, shared.data[fine], product, trial)


def standardised(rows: pd.DataFrame) -> Floats:
    """(answers,) with mean 0 and variance 1 within attribute and kind; 0 where all are alike."""
    group = rows.groupby(["attribute", "kind"], sort=False)["value"]
    off = rows["value"] - group.transform("mean")
    spread = group.transform("std", ddof=0)
    return np.asarray(np.where(spread > 0, off / spread.where(spread > 0, 1), 0.0), np.float64)


def design(left: Ints, right: Ints, compared: Mask, keep: Mask, columns: int) -> csr_array:
    """(answers, faces) rows of length 1: what an answer has to do with each face."""
    row = np.arange(len(left))
    one, two = row[keep], row[keep & compared]
    entries = np.concatenate(
        [np.where(compared[one], np.sqrt(0.5), 1), np.full(len(two), -np.sqrt(0.5))]
    )
    places = np.concatenate([one, two]), np.concatenate([left[one], right[two]])
    return csr_array((entries, places), shape=(len(left), columns))
