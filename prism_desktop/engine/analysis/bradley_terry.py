"""Bradley-Terry scores of images from comparisons, with
Davidson's ties and a term for the habitual side.

With d = s_left - s_right + side and nu = exp(tie): P(left), P(right) and P(tie) are proportional to
exp(d / 2), exp(-d / 2) and nu. Scores have a Gaussian prior around 0, so images that were never
compared, or always won, stay finite. Source: Davidson 1970; Davidson and Beaver 1977 for the order
effect.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from prism_desktop.engine.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BradleyTerryFit:
    """The most probable scores."""

    scores: Floats  # (images,) logits, mean 0
    side: float  # logit by which the left side is favoured
    tie: float  # log nu; -inf where no tie occurs
    errors: Floats | None  # (images,) standard errors from the curvature, if asked for


def fit(
    left: Ints,
    right: Ints,
    outcome: npt.NDArray[Any],
    images: int,
    prior_sd: float = 2.0,
    weight: npt.NDArray[Any] | None = None,
    errors: bool = False,
    start: Floats | None = None,
) -> BradleyTerryFit:
    """Fit by L-BFGS.

    Args:
        left, right: (n,) numbers of images.
        outcome: (n,) 1 left, 0 right, 0.5 tie.
        images: number of images.
        prior_sd: standard deviation of the prior of the scores, in logits.
        weight: (n,) or None for 1.
        errors: whether to compute standard errors, which takes images^3 steps.
        start: (images,) scores to start from, of a similar fit.

    Raises:
        InputError: if the fit fails.
    """
    outcome = np.asarray(outcome, dtype=np.float64)
    weight = np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=np.float64)
    ties = bool((outcome == 0.5).any())
    problem = _Problem(left, right, outcome, weight, images, prior_sd, ties)
    x = np.zeros(images + 1 + ties)
    x[:images] = 0.0 if start is None else start
    found = minimize(problem, x, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    if not np.isfinite(found.fun):
        raise InputError("The Bradley-Terry fit failed: its likelihood is not finite.")
    scores = found.x[:images] - found.x[:images].mean()
    sd = np.sqrt(np.diag(np.linalg.inv(problem.curvature(found.x)))[:images]) if errors else None
    return BradleyTerryFit(
        scores, float(found.x[images]), float(found.x[images + 1]) if ties else -np.inf, sd
    )


class _Problem:
    """Negative log posterior with its gradient."""

    def __init__(
        self,
        left: Ints,
        right: Ints,
        outcome: Floats,
        weight: Floats,
        images: int,
        prior_sd: float,
        ties: bool,
    ) -> None:
        self.left, self.right, self.outcome, self.weight = left, right, outcome, weight
        self.images, self.precision, self.ties = images, prior_sd**-2, ties

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        d, logs, p_left, p_right, p_tie = self._terms(x)
        tied = self.outcome == 0.5
        # The log numerators are d/2, -d/2 and log nu; for a decided pair that is (outcome - 1/2) d.
        numerator = (self.outcome - 0.5) * d + (np.where(tied, x[-1], 0.0) if self.ties else 0.0)
        loss = float(
            (self.weight * (logs - numerator)).sum()
            + 0.5 * self.precision * (x[: self.images] ** 2).sum()
        )
        slope = self.weight * (0.5 * (p_left - p_right) - (self.outcome - 0.5))
        gradient = np.zeros(len(x))
        gradient[: self.images] = np.bincount(self.left, slope, self.images) - np.bincount(
            self.right, slope, self.images
        )
        gradient[: self.images] += self.precision * x[: self.images]
        gradient[self.images] = slope.sum() + 0.01 * x[self.images]
        loss += 0.005 * float(x[self.images] ** 2)
        if self.ties:
            gradient[-1] = float((self.weight * (p_tie - tied)).sum())
        return loss, gradient

    def curvature(self, x: Floats) -> Floats:
        """Hessian in the scores and the side, the tie rate held fixed."""
        _, _, p_left, p_right, _ = self._terms(x)
        bend = self.weight * 0.25 * (p_left + p_right - (p_left - p_right) ** 2)
        n = self.images
        hessian = np.zeros((n + 1, n + 1))
        np.add.at(hessian, (self.left, self.left), bend)
        np.add.at(hessian, (self.right, self.right), bend)
        np.add.at(hessian, (self.left, self.right), -bend)
        np.add.at(hessian, (self.right, self.left), -bend)
        side = np.bincount(self.left, bend, n) - np.bincount(self.right, bend, n)
        hessian[:n, n], hessian[n, :n] = side, side
        hessian[n, n] = bend.sum() + 0.01
        hessian[np.arange(n), np.arange(n)] += self.precision
        return hessian

    def _terms(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        d = x[self.left] - x[self.right] + x[self.images]
        tie = np.full(len(d), x[-1] if self.ties else -np.inf)
        logs = np.logaddexp(np.logaddexp(d / 2, -d / 2), tie)
        return d, logs, np.exp(d / 2 - logs), np.exp(-d / 2 - logs), np.exp(tie - logs)
