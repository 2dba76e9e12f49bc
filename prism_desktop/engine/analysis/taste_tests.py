"""Do labelers whose vectors are similar judge alike? Who stands alone? Are those whom consensus
describes the ones whose models are right?

Permutation tests exchange whole labelers, since the pairs of one labeler are not independent.
Source: Mantel 1967; Jackson 1995 (PROTEST); Fieller, Hartley & Pearson 1957 (the interval of a rank
correlation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.labeler_groups import steadied
from prism_desktop.engine.runs.estimates import ENOUGH, too_few
from prism_desktop.engine.runs.result_files import Accuracy

Floats = npt.NDArray[np.float64]

PERMUTATIONS: Final = 999
# Of fewer labelers the 95 % interval of a correlation near zero is wider than 1, half of all the
# way from -1 to 1.
ENOUGH_LABELERS: Final = 16
_AXES = 2  # of the two maps that are laid on each other


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A correlation and how often exchanged labelers reach it."""

    labelers: int
    correlation: float  # NaN with fewer than four labelers or without any spread
    p: float  # one-sided

    @property
    def few(self) -> bool:
        return self.labelers < ENOUGH_LABELERS


@dataclass(frozen=True, slots=True)
class AlignmentCorrelation:
    """A rank correlation over labelers with its 95% interval."""

    labelers: int
    value: float
    low: float
    high: float

    @property
    def few(self) -> bool:
        return self.labelers < ENOUGH_LABELERS


@dataclass(frozen=True, slots=True)
class MeanAgreement:
    """How far a labeler agrees with the others, on the coefficient's scale; the interval is over
    other others."""

    labeler: str
    value: float
    low: float
    high: float
    others: int  # with whom they share enough answers


@dataclass(frozen=True, slots=True)
class VectorMap:
    """Labelers in the plane in which their vectors differ most (PCA)."""

    places: Floats  # (labelers, 2)
    shares: tuple[float, float]  # of the vectors' variance, along each axis


def vector_map(vectors: Floats) -> VectorMap:
    """The first two principal components; (labelers, width) -> (labelers, 2).

    Signs are such that the largest deviation along each axis is positive.
    """
    left, size, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    count, whole = min(2, len(size)), float((size**2).sum())
    places = np.zeros((len(vectors), 2))
    places[:, :count] = left[:, :count] * size[:count]
    for axis in range(count):
        largest = places[np.abs(places[:, axis]).argmax(), axis]
        places[:, axis] *= -1 if largest < 0 else 1
    shares = [float(each**2) / whole if whole > 0 else 0.0 for each in (*size[:2], 0.0, 0.0)]
    return VectorMap(places, (shares[0], shares[1]))


def mantel(
    similarity: Floats, labelers: Sequence[str], agreed: AgreementResult, seed: int = 0
) -> PermutationTest:
    """Rank correlation of similarity with agreement over pairs of labelers who share answers.

    Args:
        similarity: (labelers, labelers).
        labelers: their codes.
        agreed: of some of them, on answers that the vectors were not learned from.
        seed: of the permutations.
    """
    names, s = _common(labelers, similarity, agreed)
    at = [agreed.labelers.index(name) for name in names]
    return exchanged(s, agreed.matrix[np.ix_(at, at)], seed)


def exchanged(s: Floats, a: Floats, seed: int = 0) -> PermutationTest:
    """Mantel's test of any two matrices of the same people.

    Args:
        s: (people, people) how similar they are.
        a: (people, people) how much they agree, NaN where nobody knows.
        seed: of the permutations.
    """
    one, two = np.triu_indices(len(s), 1)
    known = ~np.isnan(a[one, two])
    one, two = one[known], two[known]
    met = len(set(one) | set(two))
    seen = spearman(s[one, two], a[one, two]) if met >= 4 else np.nan
    if np.isnan(seen):
        return PermutationTest(met, np.nan, np.nan)
    # ranked once among all pairs, so that exchanging labelers exchanges ranks
    ranks = np.zeros_like(s)
    upper = np.triu_indices(len(s), 1)
    ranks[upper] = rankdata(s[upper])
    ranks += ranks.T
    told = rankdata(a[one, two])
    told -= told.mean()

    def fit(order: npt.NDArray[np.intp]) -> float:
        mine = ranks[order[one], order[two]]
        mine = mine - mine.mean()
        size = float((mine**2).sum())
        return float(mine @ told) / size**0.5 if size > 0 else 0.0

    rng, least = np.random.default_rng(seed), fit(np.arange(len(s))) - 1e-9
    larger = sum(fit(rng.permutation(len(s))) >= least for _ in range(PERMUTATIONS))
    return PermutationTest(met, seen, (1 + larger) / (1 + PERMUTATIONS))


def procrustes(
    places: Floats, labelers: Sequence[str], agreed: AgreementResult, seed: int = 0
) -> PermutationTest:
    """How well the map of vectors, turned and stretched, lies on the map of agreement (PROTEST).

    The map of agreement is classical scaling of 1 - agreement, each value drawn towards the mean as
    far as 50 answers weigh; what nobody shares is the mean.

    Args:
        places: (labelers, 2) of the map of vectors.
        labelers: their codes.
        agreed: as of `mantel`.
        seed: of the permutations.
    """
    rows = [row for row, name in enumerate(labelers) if name in agreed.labelers]
    at = [agreed.labelers.index(labelers[row]) for row in rows]
    if len(rows) < 4:
        return PermutationTest(len(rows), np.nan, np.nan)
    distance = 1 - steadied(agreed)[np.ix_(at, at)]
    one, two = _unit(places[rows]), _unit(_scaling(distance))
    if one is None or two is None:
        return PermutationTest(len(rows), np.nan, np.nan)

    def fit(order: npt.NDArray[np.intp]) -> float:
        return float(np.linalg.svd(one[order].T @ two, compute_uv=False).sum())

    seen = fit(np.arange(len(rows)))
    rng = np.random.default_rng(seed)
    larger = sum(fit(rng.permutation(len(rows))) >= seen - 1e-12 for _ in range(PERMUTATIONS))
    return PermutationTest(len(rows), seen, (1 + larger) / (1 + PERMUTATIONS))


def with_others(agreed: AgreementResult) -> tuple[MeanAgreement, ...]:
    """How far each labeler agrees with those they share 50 answers with, who agrees least first.

    Labelers with fewer than two such others are left out.
    """
    found = []
    for row, code in enumerate(agreed.labelers):
        kept = (agreed.counts[row] >= ENOUGH) & ~np.isnan(agreed.matrix[row])
        kept[row] = False
        values, weight = agreed.matrix[row, kept], agreed.counts[row, kept].astype(np.float64)
        if len(values) < 2:
            continue
        share = weight / weight.sum()
        mean = float(share @ values)
        spread = float((share**2 * (values - mean) ** 2).sum()) * len(values) / (len(values) - 1)
        half = float(student.ppf(0.975, len(values) - 1)) * spread**0.5
        low, high = max(mean - half, agreed.coefficient.lowest), min(mean + half, 1.0)
        found.append(MeanAgreement(code, mean, low, high, len(values)))
    return tuple(sorted(found, key=lambda each: each.value))


def alignment(
    means: Sequence[MeanAgreement], accuracy: Mapping[str, Accuracy]
) -> AlignmentCorrelation:
    """Whether models are right more often of labelers who agree with others: rank correlation over
    those of whom both can be told."""
    pairs = [
        (each.value, row.accuracy)
        for each in means
        if (row := accuracy.get(each.labeler)) is not None
        and row.accuracy is not None
        and not too_few(row.n)
    ]
    count = len(pairs)
    x, y = np.array(pairs, dtype=np.float64).reshape(count, 2).T
    value = spearman(x, y)
    if count < 4 or np.isnan(value):
        return AlignmentCorrelation(count, value if count >= 4 else np.nan, np.nan, np.nan)
    half = float(norm.ppf(0.975)) * (1.06 / (count - 3)) ** 0.5
    middle = float(np.arctanh(np.clip(value, -1 + 1e-9, 1 - 1e-9)))
    low, high = float(np.tanh(middle - half)), float(np.tanh(middle + half))
    return AlignmentCorrelation(count, value, low, high)


def spearman(x: Floats, y: Floats) -> float:
    """Rank correlation; NaN of fewer than three values or without any spread."""
    if len(x) < 3:
        return np.nan
    x, y = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    spread = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float(x @ y) / spread if spread > 0 else np.nan


def _common(
    labelers: Sequence[str], similarity: Floats, agreed: AgreementResult
) -> tuple[list[str], Floats]:
    """Those of whom both are known, and their similarity."""
    rows = [row for row, name in enumerate(labelers) if name in agreed.labelers]
    return [labelers[row] for row in rows], similarity[np.ix_(rows, rows)]


def _scaling(distance: Floats) -> Floats:
    """Classical multidimensional scaling in two dimensions; (n, n) -> (n, 2)."""
    count = len(distance)
    distance = distance * ~np.eye(count, dtype=bool)
    middle = np.eye(count) - 1 / count
    values, axes = np.linalg.eigh(-0.5 * middle @ distance**2 @ middle)
    kept = slice(count - _AXES, count)
    return np.asarray(axes[:, kept] * np.sqrt(np.maximum(values[kept], 0)))


def _unit(places: Floats) -> Floats | None:
    """About their middle and of size 1; None where all are in one place."""
    centred = places - places.mean(0)
    size = float(np.sqrt((centred**2).sum()))
    return centred / size if size > 1e-12 else None
