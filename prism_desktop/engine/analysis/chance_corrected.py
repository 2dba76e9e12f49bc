"""Agreement beyond chance of every two labelers: kappa of comparisons, alpha of ratings.

Which face of a comparison is named first is arbitrary, so each comparison is seen from both sides;
then two labelers who never tie agree on half by chance. A tie against a choice is half agreement.

Source: Cohen 1968 (kappa with weights); Krippendorff, "Content Analysis", 2004 (alpha; the ordinal
distance of two values is the distance of their middle ranks).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from prism_desktop.engine.analysis.agreement import (
    AgreementResult,
    Source,
    agreement,
    compared_table,
    of_attribute,
    outcomes_together,
    rated_values,
    study_agreement,
)
from prism_desktop.engine.analysis.coefficients import ALPHA, KAPPA, Measure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def measured_agreement(
    comparisons: pd.DataFrame,
    ratings: pd.DataFrame,
    attribute: str | None = None,
    labelers: Sequence[str] | None = None,
    source: Source | None = None,
    measure: Measure = "alike",
) -> AgreementResult:
    """As `study_agreement`, of the same answers, and beyond chance where that is asked."""
    found = study_agreement(comparisons, ratings, attribute, labelers, source)
    if measure == "alike":
        return found
    if found.source == "comparisons":
        return comparison_kappa(comparisons, attribute, labelers)
    return rating_alpha(ratings, attribute, labelers)


def comparison_kappa(
    comparisons: pd.DataFrame, attribute: str | None = None, labelers: Sequence[str] | None = None
) -> AgreementResult:
    """Kappa with linear weights on shared comparisons: 1 - (1 - agreement) / (1 - by chance).

    By chance, two labelers who call a share t and u of them ties agree on (1 + t u) / 2. The
    interval is that of the agreement (Wilson's) carried over, wider by as much as the standard
    error grows since t and u are estimates (delta method). NaN where both always tie. On the
    diagonal, each labeler against themselves on repeats.

    Args:
        comparisons: `Study.comparisons()`, or the same table of a run.
        attribute: only this one; None for all together.
        labelers: the order of the result; None for all in the frame, sorted.
    """
    plain = agreement(comparisons, attribute, labelers)
    codes, table, _ = compared_table(comparisons, attribute, labelers)
    once = table.drop_duplicates(["labeler", "item"])
    chance, wider = _chance_and_widening(once, plain)
    own = _ties_on_repeats(table, len(codes))
    chance[np.diag_indices(len(codes))] = own
    room = np.where(chance < 1, 1 - chance, np.nan)
    kappa, low, high = ((each - chance) / room for each in (plain.matrix, plain.low, plain.high))
    return replace(
        plain,
        matrix=kappa,
        low=np.clip(kappa - (kappa - low) * wider, -1, 1),
        high=np.clip(kappa + (high - kappa) * wider, -1, 1),
        coefficient=KAPPA,
    )


def rating_alpha(
    ratings: pd.DataFrame, attribute: str | None = None, labelers: Sequence[str] | None = None
) -> AgreementResult:
    """Krippendorff's alpha for ordinal values of every two labelers, on the faces that both rated.

    Of several attributes, observed and expected disagreement are summed, each attribute by its own
    ranks. Counts are shared faces. The interval is that of a ratio of two means over faces (delta
    method, Student's t); where nothing disagrees, one disagreement as large as by chance is just
    possible in n / 3 faces. The diagonal is NaN.

    Args:
        ratings: `Study.ratings()`, or the same table of a run.
        attribute: only this one; None for all together.
        labelers: the order of the result; None for all in the frame, sorted.
    """
    rows, chosen = of_attribute(ratings, attribute)
    codes = tuple(labelers) if labelers is not None else tuple(sorted(rows["labeler"].unique()))
    sums = _Disagreement.none(len(codes))
    for _, mine in rows.assign(used=rated_values(rows)).groupby("attribute", sort=True):
        table = mine.pivot_table(index="image", columns="labeler", values="used", aggfunc="mean")
        sums.add(table.reindex(columns=list(codes)).to_numpy(dtype=np.float64))
    count = np.rint(sums.faces).astype(np.int64)
    alpha, half = sums.alpha()
    sure = sums.apart == 0
    low = np.where(sure, alpha - 3 / np.maximum(count, 1), alpha - half)
    return AgreementResult(
        codes,
        alpha,
        np.where(np.isnan(alpha), 0, count),
        np.clip(low, -1, 1),
        np.clip(np.where(sure, alpha, alpha + half), -1, 1),
        "ratings",
        attribute,
        chosen,
        ALPHA,
    )


def _chance_and_widening(once: pd.DataFrame, plain: AgreementResult) -> tuple[Floats, Floats]:
    """Agreement by chance, and how much wider intervals are since it is an estimate."""
    size = len(plain.labelers)
    found = outcomes_together(once, size)
    n = found.same + found.opposite + found.both_tied + found.one_tied + found.one_tied.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mine = (found.both_tied + found.one_tied) / n  # share of ties, the row's labeler
        theirs = (found.both_tied + found.one_tied.T) / n
        agreed = (found.same + found.both_tied + (found.one_tied + found.one_tied.T) / 2) / n
        chance = (1 + mine * theirs) / 2
        room = 1 - chance
        moved, still = np.zeros((size, size)), np.zeros((size, size))
        cells = (
            (found.same, 1.0, 0, 0), (found.opposite, 0.0, 0, 0), (found.both_tied, 1.0, 1, 1),
            (found.one_tied, 0.5, 1, 0), (found.one_tied.T, 0.5, 0, 1),
        )  # fmt: skip
        for number, value, tied, other in cells:
            by_chance = (theirs * (tied - mine) + mine * (other - theirs)) / 2
            straight = (value - agreed) / room
            still += number * straight**2
            moved += number * (straight - (1 - agreed) * by_chance / room**2) ** 2
        wider = np.sqrt(moved / still)
    return chance, np.where(np.isfinite(wider), np.maximum(wider, 1), 1.0)


def _ties_on_repeats(table: pd.DataFrame, size: int) -> Floats:
    """Agreement by chance of each labeler with themselves, (size,)."""
    before = table.groupby(["labeler", "item"])["sign"].shift()
    again = (before.notna() & table["repeats"]).to_numpy()
    who = table["labeler"].to_numpy()[again]
    times = np.maximum(np.bincount(who, minlength=size), 1)
    first, second = (
        np.bincount(who, (sign[again] == 0).to_numpy(np.float64), size) / times
        for sign in (before, table["sign"])
    )
    return np.asarray((1 + first * second) / 2)


@dataclass(slots=True)
class _Disagreement:
    """Sums over shared faces, (labelers, labelers) each; e is what ratings so spread would
    disagree by chance, d what they do."""

    faces: Floats
    apart: Floats  # d
    expected: Floats  # e
    squares: Floats  # d d
    crossed: Floats  # d e
    spread: Floats  # e e

    @classmethod
    def none(cls, size: int) -> "_Disagreement":
        return cls(*(np.zeros((size, size)) for _ in range(6)))

    def add(self, values: Floats) -> None:
        """Add one attribute's ratings, (faces, labelers) with NaN where nobody rated."""
        levels, level = np.unique(values, return_inverse=True)
        point = np.where(np.isnan(values), -1, level.reshape(values.shape))
        for one in range(values.shape[1] - 1):
            mine = np.flatnonzero(point[:, one] >= 0)
            theirs = point[mine, one + 1 :]
            found = _pairwise(point[mine, one], theirs, len(levels))
            for total, part in zip(
                (self.faces, self.apart, self.expected, self.squares, self.crossed, self.spread),
                found,
                strict=True,
            ):
                total[one, one + 1 :] += part
                total[one + 1 :, one] += part

    def alpha(self) -> tuple[Floats, Floats]:
        """Alpha, and half of its interval; NaN where all ratings are the same or under two faces
        are shared."""
        n = self.faces
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where((self.expected > 0) & (n > 1), self.apart / self.expected, np.nan)
            square = self.squares - 2 * ratio * self.crossed + ratio**2 * self.spread
            spread = np.sqrt(np.maximum(square, 0) * n / (n - 1)) / self.expected
            wide = student.ppf(0.975, np.maximum(n - 1, 1))
        return 1 - ratio, wide * spread


def _pairwise(mine: Ints, theirs: Ints, levels: int) -> tuple[Floats, ...]:
    """The sums of one labeler against several.

    Args:
        mine: (faces,) numbers of the scale's points.
        theirs: (faces, others) the same, -1 where the other did not rate.
        levels: points of the scale.

    Returns:
        Six of (others,), as the fields of `_Disagreement`.
    """
    others = theirs.shape[1]
    both = theirs >= 0
    column = np.broadcast_to(np.arange(others), theirs.shape)
    one = np.broadcast_to(mine[:, None], theirs.shape)
    margin = np.zeros((others, levels))
    for given in (one, theirs):
        flat = column[both] * levels + given[both]
        margin += np.bincount(flat, minlength=others * levels).reshape(others, levels)
    whole = np.maximum(margin.sum(1, keepdims=True), 1)
    rank = (np.cumsum(margin, 1) - margin / 2) / whole
    rank -= (margin * rank).sum(1, keepdims=True) / whole
    first, second = (np.where(both, rank[column, given], 0.0) for given in (one, theirs))
    n = both.sum(0).astype(np.float64)
    apart = (first - second) ** 2 * (2 * n - 1) / np.maximum(2 * n, 1)  # of 2 n values
    expected = first**2 + second**2
    return (
        n, apart.sum(0), expected.sum(0), (apart**2).sum(0), (apart * expected).sum(0),
        (expected**2).sum(0),
    )  # fmt: skip
