"""Agreement: how often labelers answer alike, and like themselves on repeats.

On comparisons, two labelers' first answers to the same unordered pair and attribute are compared,
whatever sides they saw: 1 for the same image (or two ties), 0 for opposite images, 1/2 where only
one of them called a tie. On ratings, the order of two images that both labelers rated is compared,
where neither rated them equal. What is not shared is NaN, never 0. The diagonal is self-agreement
on repeated comparisons, scored alike. Trials that were chosen by what they tell are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from prism_desktop.engine.analysis.coefficients import ALIKE, Coefficient
from prism_desktop.engine.grammar import counted, word_for

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Source = Literal["comparisons", "ratings"]
SOURCES: Final[tuple[Source, ...]] = get_args(Source)

_MOST_POINTS = 128  # of a scale on which all shared images are compared
_MOST_IMAGES = 120  # shared images per two labelers whose orders are compared on a finer one
_SIGN = {"left": 1, "right": -1, "tie": 0}


@dataclass(frozen=True, slots=True)
class AgreementResult:
    """Agreement of every two labelers."""

    labelers: tuple[str, ...]
    # (labelers, labelers), 0-1, beyond chance -1 to 1; NaN where nothing is shared; symmetric
    matrix: Floats
    counts: Ints  # (labelers, labelers) shared answers; for ratings, shared pairs of images
    low: Floats  # (labelers, labelers) 95 % Wilson
    high: Floats
    source: Source  # what the answers were
    attribute: str | None  # None: all together
    chosen: int = 0  # answers left out, as their trials were chosen by what they tell
    coefficient: Coefficient = ALIKE  # what the matrix holds

    def on_shares(self) -> "AgreementResult":
        """The same on a scale from 0 to 1 whose middle is chance, for orders, groups and places."""
        if self.coefficient.chance == ALIKE.chance:
            return self
        matrix, low, high = (
            np.asarray((each + 1) / 2) for each in (self.matrix, self.low, self.high)
        )
        return replace(self, matrix=matrix, low=low, high=high, coefficient=ALIKE)

    def frame(self, repeats: bool = False) -> pd.DataFrame:
        """One row per two labelers: labeler, other, agreement, low, high, count, source; what is
        beyond chance is called by its own name.

        `repeats` adds each labeler's agreement with themselves.
        """
        one, two = np.triu_indices(len(self.labelers), k=0 if repeats else 1)
        names = np.array(self.labelers, dtype=object)
        return pd.DataFrame(
            {
                "labeler": names[one],
                "other": names[two],
                self.coefficient.key: self.matrix[one, two],
                "low": self.low[one, two],
                "high": self.high[one, two],
                "count": self.counts[one, two],
                "source": self.source,
            }
        )


def study_agreement(
    comparisons: pd.DataFrame,
    ratings: pd.DataFrame,
    attribute: str | None = None,
    labelers: Sequence[str] | None = None,
    source: Source | None = None,
) -> AgreementResult:
    """Agreement on comparisons where any are shared, else on the orders that the ratings imply;
    of one `source` alone where that is named."""
    if source == "ratings":
        return rating_agreement(ratings, attribute, labelers)
    result = agreement(comparisons, attribute, labelers)
    off = ~np.eye(len(result.labelers), dtype=bool)
    if source is None and not result.counts[off].any() and len(ratings):
        return rating_agreement(ratings, attribute, labelers)
    return result


def agreement(
    comparisons: pd.DataFrame, attribute: str | None = None, labelers: Sequence[str] | None = None
) -> AgreementResult:
    """Agreement on shared comparisons.

    Args:
        comparisons: `Study.comparisons()`, or the same table of a run.
        attribute: only this one; None for all together.
        labelers: the order of the result; None for all in the frame, sorted.
    """
    codes, table, chosen = compared_table(comparisons, attribute, labelers)
    score, counts = _shared(table.drop_duplicates(["labeler", "item"]), len(codes))
    own, times = _repeated(table, len(codes))
    score[np.diag_indices(len(codes))], counts[np.diag_indices(len(codes))] = own, times
    found = _result(codes, score, counts, counts.astype(np.float64), "comparisons", attribute)
    return replace(found, chosen=chosen)


def compared_table(
    comparisons: pd.DataFrame, attribute: str | None, labelers: Sequence[str] | None
) -> tuple[tuple[str, ...], pd.DataFrame, int]:
    """The labelers' codes, a row for each answer, and how many were left out.

    The rows have labeler (its place), item (an unordered pair and attribute), sign (1, -1 or 0 for
    a tie, seen from the same face for everybody) and repeats (whether a repeat counts).
    """
    rows, chosen = of_attribute(comparisons, attribute)
    codes = tuple(labelers) if labelers is not None else tuple(sorted(rows["labeler"].unique()))
    turned = (rows["left"] > rows["right"]).to_numpy()
    low, high = (
        rows["left"].where(~turned, rows["right"]),
        rows["right"].where(~turned, rows["left"]),
    )
    item = pd.DataFrame({"low": low, "high": high, "attribute": rows["attribute"]})
    table = pd.DataFrame(
        {
            "labeler": pd.Index(np.array(codes, dtype=object)).get_indexer(
                pd.Index(rows["labeler"].astype(object))
            ),
            "item": item.groupby(list(item.columns)).ngroup().to_numpy(),
            "sign": rows["outcome"].astype("str").map(_SIGN).to_numpy("float64")
            * np.where(turned, -1, 1),
            "repeats": told_apart(rows).to_numpy(),
        }
    )
    return codes, table[(table["labeler"] >= 0) & table["sign"].notna()], chosen


def rating_agreement(
    ratings: pd.DataFrame,
    attribute: str | None = None,
    labelers: Sequence[str] | None = None,
    seed: int = 0,
) -> AgreementResult:
    """Agreement on the order of two images that both labelers
    rated (its Goodman-Kruskal gamma is 2 x agreement - 1).

    All images that two labelers share are compared; on scales of more than 128 points at most 120
    of them per two labelers and attribute, drawn at random. The orders of n images are not
    independent, so the interval counts n images, not their n (n - 1) / 2 pairs.
    """
    rows, chosen = of_attribute(ratings, attribute)
    codes = tuple(labelers) if labelers is not None else tuple(sorted(rows["labeler"].unique()))
    size = len(codes)
    score, counts, images = (
        np.zeros((size, size)),
        np.zeros((size, size), dtype=np.int64),
        np.zeros((size, size)),
    )
    value = rows.assign(used=rated_values(rows))
    for _, mine in value.groupby("attribute", sort=True):
        table = mine.pivot_table(index="image", columns="labeler", values="used", aggfunc="mean")
        values = table.reindex(columns=list(codes)).to_numpy(dtype=np.float64)
        points, point = np.unique(values, return_inverse=True)  # NaN last, once
        if len(points) <= _MOST_POINTS:
            known = ~np.isnan(values)
            same, compared = _orders_on_points(np.where(known, point.reshape(values.shape), -1))
            used = known.T.astype(np.float64) @ known.astype(np.float64)
        else:
            same, compared, used = _orders_of_a_part(values, np.random.default_rng(seed))
        score += same
        counts += compared
        images += np.where(compared > 0, used, 0)
    found = _result(codes, score, counts, np.minimum(counts, images), "ratings", attribute)
    return replace(found, chosen=chosen)


def told_apart(answers: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each row, if it answers the same thing again, is a repeat that can be counted.

    A file without columns of time, order or session cannot tell a repeat with the same answer from
    a row that it holds twice, so of its repeats the import keeps only those that disagree;
    otherwise the import says what a trial repeats.
    """
    return (answers["source"] != "imported") | answers["repeat_of"].notna()


def was_drawn(answers: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each row's trial was drawn, or nobody knows; those chosen by what they tell are
    harder, or easier, than others, and so no fair sample."""
    if "drawn" not in answers:
        return pd.Series(True, index=answers.index)
    return answers["drawn"] != 0


def left_out(chosen: int) -> str:
    """A sentence on answers to chosen trials; empty where there are none."""
    if not chosen:
        return ""
    return (
        f"{counted(chosen, 'answer')} to trials chosen by what they tell "
        f"{word_for(chosen, 'is', 'are')} left out: only trials drawn at random are a fair sample."
    )


def of_attribute(frame: pd.DataFrame, attribute: str | None) -> tuple[pd.DataFrame, int]:
    """The answers that count, and how many were left out."""
    rows = frame if attribute is None else frame[frame["attribute"] == attribute]
    kept = rows[was_drawn(rows)]
    return kept.reset_index(drop=True), len(rows) - len(kept)


def _shared(table: pd.DataFrame, size: int) -> tuple[Floats, Ints]:
    """Summed agreement and number of shared items of every two labelers, (size, size) each."""
    found = outcomes_together(table, size)
    tied = found.one_tied + found.one_tied.T
    score = found.same + found.both_tied + 0.5 * tied
    everything = found.same + found.opposite + found.both_tied + tied
    return score, np.rint(everything).astype(np.int64)


@dataclass(frozen=True, slots=True)
class OutcomesTogether:
    """How many shared items two labelers answered how, (labelers, labelers) each."""

    same: Floats  # both chose the same image
    opposite: Floats
    both_tied: Floats
    one_tied: Floats  # the row's labeler called a tie, the column's chose


def outcomes_together(table: pd.DataFrame, size: int) -> OutcomesTogether:
    """Count them; the table has one answer per labeler and item."""
    if table.empty:
        return OutcomesTogether(*(np.zeros((size, size)) for _ in range(4)))
    shape = (int(table["item"].max()) + 1, size)

    def where(mask: "pd.Series[bool]") -> sparse.csr_array:
        part = table[mask]
        return sparse.csr_array((np.ones(len(part)), (part["item"], part["labeler"])), shape=shape)

    won, lost, tied = (where(table["sign"] == sign) for sign in (1, -1, 0))
    crossed = (won.T @ lost).toarray()
    return OutcomesTogether(
        (won.T @ won + lost.T @ lost).toarray(),
        crossed + crossed.T,
        (tied.T @ tied).toarray(),
        (tied.T @ (won + lost)).toarray(),
    )


def _repeated(table: pd.DataFrame, size: int) -> tuple[Floats, Ints]:
    """Summed agreement and number of successive answers
    to the same item, per labeler, (size,) each."""
    before = table.groupby(["labeler", "item"])["sign"].shift()
    again = before.notna() & table["repeats"]
    like = 1.0 - (table["sign"][again] - before[again]).abs().to_numpy(dtype=np.float64) / 2
    who = table["labeler"][again].to_numpy()
    return np.bincount(who, like, size).astype(np.float64), np.bincount(who, minlength=size).astype(
        np.int64
    )


def rated_values(rows: pd.DataFrame) -> pd.Series:
    """Only orders within a labeler matter, so the original
    scale serves wherever it is known for the whole frame."""
    raw = rows["raw"] if "raw" in rows and rows["raw"].notna().all() else rows["value"]
    return raw.astype("float64")


def _orders_on_points(points: Ints) -> tuple[Floats, Ints]:
    """Pairs of images that every two labelers put in the same order, and that neither rated equal.

    A table of points by points per two labelers holds all that their orders depend on, so the work
    grows with the answers that are shared, not with their pairs.

    Args:
        points: (images, labelers), number of the scale's point; -1: not rated.

    Returns:
        Two of (labelers, labelers), symmetric, the diagonal 0.
    """
    count, size = points.shape[1], int(points.max(initial=-1)) + 1
    image, labeler = np.nonzero(points >= 0)
    marks = np.ones(len(image))
    column = labeler * size + points[image, labeler]
    given = sparse.csr_array((marks, (image, column)), shape=(len(points), count * size))
    same, opposite = np.zeros((count, count)), np.zeros((count, count))
    for one in range(count - 1):
        mine = np.flatnonzero(points[:, one] >= 0)
        if not len(mine):
            continue
        used, row = np.unique(points[mine, one], return_inverse=True)
        rows = sparse.csr_array((np.ones(len(mine)), (row, mine)), shape=(len(used), len(points)))
        table = (rows @ given[:, (one + 1) * size :]).toarray().reshape(len(used), -1, size)
        below = np.cumsum(np.cumsum(table, axis=0)[:-1], axis=2)  # by the one; by the other, or at
        above = below[..., -1:] - below
        same[one, one + 1 :] = np.einsum("avb,avb->v", table[1:, :, 1:], below[..., :-1])
        opposite[one, one + 1 :] = np.einsum("avb,avb->v", table[1:], above)
    same, opposite = same + same.T, opposite + opposite.T
    return same, np.rint(same + opposite).astype(np.int64)


def _orders_of_a_part(values: Floats, rng: np.random.Generator) -> tuple[Floats, Ints, Floats]:
    """The same on any scale, from at most 120 images that two labelers share; and how many."""
    values = values[rng.permutation(len(values))]
    known = ~np.isnan(values)
    count = values.shape[1]
    same, images = np.zeros((count, count)), np.zeros((count, count))
    compared = np.zeros((count, count), dtype=np.int64)
    shared = known.T.astype(np.float64) @ known.astype(np.float64)
    for one, two in zip(*np.nonzero(np.triu(shared >= 2, 1)), strict=True):
        rows = np.flatnonzero(known[:, one] & known[:, two])[:_MOST_IMAGES]
        product = np.sign(np.subtract.outer(values[rows, one], values[rows, one])) * np.sign(
            np.subtract.outer(values[rows, two], values[rows, two])
        )
        for at in ((one, two), (two, one)):
            same[at] = (product > 0).sum() / 2
            compared[at] = np.count_nonzero(product) // 2
            images[at] = len(rows)
    return same, compared, images


def _result(
    codes: tuple[str, ...],
    score: Floats,
    counts: Ints,
    n: Floats,
    source: Source,
    attribute: str | None,
) -> AgreementResult:
    known = counts > 0
    matrix = np.where(known, score / np.where(known, counts, 1), np.nan)
    # Wilson's interval, as in the evaluation's, over the whole matrix at once.
    z = float(norm.ppf(0.975))
    size = np.where(known, n, np.nan)
    middle = (matrix + z * z / (2 * size)) / (1 + z * z / size)
    half = (
        z / (1 + z * z / size) * np.sqrt(matrix * (1 - matrix) / size + z * z / (4 * size * size))
    )
    return AgreementResult(
        codes,
        matrix,
        counts,
        np.maximum(middle - half, 0),
        np.minimum(middle + half, 1),
        source,
        attribute,
    )
