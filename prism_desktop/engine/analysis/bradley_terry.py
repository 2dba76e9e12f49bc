"""Bradley-Terry scores of images from comparisons, with
Davidson's ties and a term for the habitual side.

With d = s_left - s_right + side and nu = exp(tie): P(left), P(right) and P(tie) are proportional to
exp(d / 2), exp(-d / 2) and nu. Scores have a Gaussian prior around 0, so images that were never
compared, or always won, stay finite. Source: Davidson 1970; Davidson and Beaver 1977 for the order
effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_STEPS, _INNER = 50, 200  # at most, of Newton's method and of conjugate gradients within a step
_NEAR = 1e-3  # of the gradient, left by conjugate gradients
_DONE = 1e-12  # of the loss, that another step would gain


@dataclass(frozen=True, slots=True)
class BradleyTerryFit:
    """The most probable scores."""

    scores: Floats  # (images,) logits, mean 0
    side: float  # logit by which the left side is favoured
    tie: float  # log nu; -inf where no tie occurs
    # (images, images) of the scores, from the curvature, if errors were asked for
    covariance: Floats | None = None
    evidence: float = float("nan")  # log probability of the outcomes (Laplace), likewise

    @property
    def errors(self) -> Floats | None:
        """(images,) standard errors of the scores."""
        return None if self.covariance is None else np.sqrt(np.diag(self.covariance))


def fit(
    left: Ints,
    right: Ints,
    outcome: npt.NDArray[Any],
    images: int,
    prior_sd: float = 2.0,
    weight: npt.NDArray[Any] | None = None,
    errors: bool = False,
    start: BradleyTerryFit | None = None,
) -> BradleyTerryFit:
    """Fit by Newton's method, each step by conjugate gradients; the likelihood has one peak.

    Args:
        left, right: (n,) numbers of images.
        outcome: (n,) 1 left, 0 right, 0.5 tie.
        images: number of images.
        prior_sd: standard deviation of the prior of the scores, in logits.
        weight: (n,) or None for 1.
        errors: whether to compute standard errors, which takes images^3 steps.
        start: a similar fit of the same images, to start from.

    Raises:
        InputError: if the fit fails.
    """
    outcome = np.asarray(outcome, np.float64)
    weight = np.ones(len(outcome)) if weight is None else np.asarray(weight, np.float64)
    ties = bool((outcome == 0.5).any())
    problem = _Problem(left, right, outcome, weight, images, prior_sd, ties)
    x = np.zeros(images + 1 + ties)
    if start is not None:
        x[:images], x[images] = start.scores, start.side
    x = _minimise(problem, x)
    scores = x[:images] - x[:images].mean()
    side, tie = float(x[images]), float(x[images + 1]) if ties else -np.inf
    if not errors:
        return BradleyTerryFit(scores, side, tie)
    curvature = problem.curvature(x)
    evidence = -problem(x)[0] - np.linalg.slogdet(curvature)[1] / 2 - images * np.log(prior_sd)
    covariance = np.asarray(np.linalg.inv(curvature), np.float64)[:images, :images]
    return BradleyTerryFit(scores, side, tie, covariance, float(evidence))


def _minimise(problem: "_Problem", x: Floats) -> Floats:
    """The x of the least loss.

    Raises:
        InputError: the loss is not finite.
    """
    loss, gradient = problem(x)
    for _ in range(_STEPS):
        if not np.isfinite(loss):
            raise InputError("The Bradley-Terry fit failed: its likelihood is not finite.")
        step = _solve(*problem.bent(x), -gradient)
        if -gradient @ step < _DONE * (1 + abs(loss)):
            return np.asarray(x + step)  # by which less is gained than rounding loses
        size, (moved, slope) = 1.0, problem(x + step)
        while moved > loss and size > 1e-6:
            size *= 0.5
            moved, slope = problem(x + size * step)
        x, loss, gradient = x + size * step, moved, slope
    return x


def _solve(product: Callable[[Floats], Floats], diagonal: Floats, right: Floats) -> Floats:
    """Nearly the solution of a positive definite system: conjugate gradients, scaled by the
    diagonal."""
    solution, rest = np.zeros(len(right)), right.copy()
    scaled = rest / diagonal
    along, size = scaled.copy(), float(rest @ scaled)
    enough = size * _NEAR**2
    for _ in range(_INNER):
        if size <= enough:
            break
        turned = product(along)
        length = size / float(along @ turned)
        solution += length * along
        rest -= length * turned
        scaled = rest / diagonal
        size, before = float(rest @ scaled), size
        along = scaled + size / before * along
    return solution


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

    def bent(self, x: Floats) -> tuple[Callable[[Floats], Floats], Floats]:
        """The Hessian as what it makes of a vector, and its diagonal."""
        _, _, p_left, p_right, p_tie = self._terms(x)
        n = self.images
        bend = self.weight * 0.25 * (p_left + p_right - (p_left - p_right) ** 2)
        tied = self.weight * p_tie * (1 - p_tie)
        crossed = self.weight * -0.5 * (p_left - p_right) * p_tie
        diagonal = np.zeros(len(x))
        diagonal[:n] = (
            np.bincount(self.left, bend, n) + np.bincount(self.right, bend, n) + self.precision
        )
        diagonal[n] = bend.sum() + 0.01
        if self.ties:
            diagonal[-1] = max(float(tied.sum()), 1e-12)

        def product(v: Floats) -> Floats:
            along = v[self.left] - v[self.right] + v[n]
            pull = bend * along + crossed * v[-1] if self.ties else bend * along
            out = np.zeros(len(v))
            out[:n] = np.bincount(self.left, pull, n) - np.bincount(self.right, pull, n)
            out[:n] += self.precision * v[:n]
            out[n] = pull.sum() + 0.01 * v[n]
            if self.ties:
                out[-1] = float(crossed @ along + tied.sum() * v[-1])
            return out

        return product, diagonal

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
