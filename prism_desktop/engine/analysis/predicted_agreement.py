"""Agreement that a run's models foretell of two labelers who share no answers.

What is foretold is never measured: it is kept in a matrix of its own and enters no mean, group or
link. It is checked on the labelers who do share answers, each left out in turn with a fifth of the
others; a run that foretells them no better than their mean does foretells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.coefficients import ALPHA, Coefficient
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH

Floats = npt.NDArray[np.float64]

CHECKABLE: Final = 20  # pairs of labelers on whom predictions can be checked
_PAIRS = 4000  # pairs of faces, drawn at random, over which two models are compared
_PARTS = 5  # of labelers, left out in turn


@dataclass(frozen=True, slots=True)
class PredictedAgreement:
    """What models foretell.

    Attributes:
        matrix: (labelers, labelers) on the coefficient's scale; NaN where it was measured, or
            nothing is foretold. Empty of numbers where the check failed.
        half: half of a prediction's 95% interval; NaN where it could not be checked.
        checked: pairs of labelers it was checked on.
        error, plain: mean absolute error on them, and that of their mean instead.
        why_not: why nothing is foretold, a sentence; empty where something is, or need not be.
        coefficient: what is foretold.
    """

    matrix: Floats
    half: float
    checked: int
    error: float
    plain: float
    why_not: str
    coefficient: Coefficient

    @property
    def count(self) -> int:
        """Pairs of labelers of whom something is foretold."""
        return int(np.triu(~np.isnan(self.matrix), 1).sum())

    def frame(self, labelers: Sequence[str]) -> pd.DataFrame:
        """Columns beside those of `AgreementResult.frame`: predicted and its interval, empty where
        nothing is foretold."""
        one, two = np.triu_indices(len(labelers), k=1)
        value, of = self.matrix[one, two], self.coefficient
        return pd.DataFrame(
            {
                "predicted": value,
                "predicted_low": np.clip(value - self.half, of.lowest, 1),
                "predicted_high": np.clip(value + self.half, of.lowest, 1),
            }
        )

    def shares(self) -> Floats:
        """The matrix on a scale from 0 to 1 whose middle is chance."""
        return self.matrix if self.coefficient.chance == 0.5 else np.asarray((self.matrix + 1) / 2)

    def told(self) -> str:
        """What is foretold and how far it is right, for below a matrix."""
        if self.why_not:
            return self.why_not
        if not self.count:
            return ""
        told = (
            f"Hatched: predicted by the models for {counted(self.count, 'pair of labelers')} who "
            "share nothing, and counted in no mean, group or link."
        )
        if np.isnan(self.half):
            return (
                f"{told} Unchecked: under {counted(CHECKABLE, 'pair of labelers')} share "
                f"{counted(ENOUGH, 'answer')} and have models here."
            )
        about = self.coefficient
        half, error, plain = (about.off(each) for each in (self.half, self.error, self.plain))
        return (
            f"{told} Checked on {counted(self.checked, 'pair of labelers')}, left out in turn: off "
            f"by {error} on average (their mean: {plain}), 95% within ±{half}."
        )


def predicted_agreement(
    measured: AgreementResult,
    labelers: Sequence[str],
    scores: npt.NDArray[np.floating],
    seed: int = 0,
) -> PredictedAgreement:
    """Foretell the agreement of labelers who share nothing.

    Of two models whose differences of scores are logits, agreement is expected on
    (1 + mean of tanh(d/2) tanh(e/2)) / 2 of comparisons, d and e their differences for the same
    pairs of faces. Models know only a part of a taste, so a straight line through the labelers who
    share 50 answers or more brings the expected to what was measured.

    Args:
        measured: from `measured_agreement`.
        labelers: whose models there are.
        scores: (labelers, attributes, images), NaN where nothing is said; the attributes that
            `measured` is of.
        seed: of the pairs of faces and the parts left out.
    """
    size = len(measured.labelers)
    nothing = np.full((size, size), np.nan)
    blank = (measured.counts == 0) & ~np.eye(size, dtype=bool)
    place = {code: row for row, code in enumerate(labelers)}
    known = np.array([code in place for code in measured.labelers], dtype=bool)
    of = measured.coefficient

    def none(why: str = "") -> PredictedAgreement:
        return PredictedAgreement(nothing, np.nan, 0, np.nan, np.nan, why, of)

    if not (blank & np.outer(known, known)).any():
        return none()
    if of is ALPHA:
        return none("Alpha of two labelers cannot be predicted; their agreement can.")
    rows = np.array([place.get(code, 0) for code in measured.labelers])
    expected = _expected(scores, rows, np.random.default_rng(seed))
    expected = np.where(
        np.outer(known, known), 2 * expected - 1 if of.chance == 0 else expected, np.nan
    )
    usable = ~np.isnan(expected) & ~np.eye(size, dtype=bool)
    shared = usable & (measured.counts >= ENOUGH) & ~np.isnan(measured.matrix)
    checked = int(np.triu(shared).sum())
    if checked < CHECKABLE:
        return PredictedAgreement(
            np.where(blank & usable, expected, np.nan), np.nan, checked, np.nan, np.nan, "", of
        )
    wrong, mean_wrong = _errors(expected, measured.matrix, shared, seed)
    error, plain = float(np.abs(wrong).mean()), float(np.abs(mean_wrong).mean())
    if (wrong**2).sum() >= (mean_wrong**2).sum():
        return none(
            f"Nothing is predicted where labelers share nothing: on "
            f"{counted(checked, 'pair of labelers')} whose agreement is known, this run's models "
            f"are off by {of.off(error)} on average and their mean by {of.off(plain)}."
        )
    line = _line(expected[np.triu(shared)], measured.matrix[np.triu(shared)])
    told = np.clip(line[0] + line[1] * expected, of.lowest, 1)
    half = float(np.quantile(np.abs(wrong), 0.95))
    return PredictedAgreement(
        np.where(blank & usable, told, np.nan), half, checked, error, plain, "", of
    )


def _expected(
    scores: npt.NDArray[np.floating], rows: npt.NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    """(rows, rows) expected agreement of these labelers over random pairs of faces, the mean of the
    attributes; NaN where two models say nothing of the same pairs."""
    images = scores.shape[2]
    one, two = rng.integers(0, max(images, 1), (2, _PAIRS if images > 1 else 0))
    apart = one != two
    total = np.zeros((len(rows), len(rows)))
    number = np.zeros_like(total)
    for attribute in range(scores.shape[1]):
        left, right = (
            scores[rows[:, None], attribute, faces[apart]].astype(np.float64)
            for faces in (one, two)
        )
        sure = np.tanh((left - right) / 2)
        said = (~np.isnan(sure)).astype(np.float64)
        sure = np.where(np.isnan(sure), 0.0, sure)
        pairs = said @ said.T
        total += np.where(pairs > 0, (1 + sure @ sure.T / np.maximum(pairs, 1)) / 2, 0.0)
        number += pairs > 0
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Intercept and slope by least squares; where there is no spread, the mean and 0."""
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 0 else 0.0
    return float(y.mean()) - slope * float(x.mean()), slope


def _errors(
    expected: Floats, agreed: Floats, shared: npt.NDArray[np.bool_], seed: int
) -> tuple[Floats, Floats]:
    """How far predictions and the mean are off for pairs of whom either labeler was left out."""
    size = len(expected)
    part = np.random.default_rng(seed).permutation(size) % _PARTS
    wrong, mean_wrong = [], []
    for left in range(_PARTS):
        out = part == left
        touched = np.logical_or.outer(out, out)
        fit, test = np.triu(shared & ~touched), np.triu(shared & touched)
        if fit.sum() < 3 or not test.any():
            continue
        line = _line(expected[fit], agreed[fit])
        wrong.append(line[0] + line[1] * expected[test] - agreed[test])
        mean_wrong.append(agreed[fit].mean() - agreed[test])
    if not wrong:
        return np.array([np.inf]), np.array([0.0])
    return np.concatenate(wrong), np.concatenate(mean_wrong)
