"""The posterior of one labeler's heads: Newton's method
to the mode, and the Gaussian there (Laplace 1774).

Source: MacKay, "The evidence framework applied to classification networks", Neural Computation 4
(1992), also for `moderation`: a logit of variance v is worth its mean / sqrt(1 + pi v / 8).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from prism_desktop.engine.models.heads.likelihood import Block, Likelihood
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.heads.space import Floats

ENOUGH = 1e-7  # of the objective: a step that gains less is the last one


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A Gaussian approximation of what is known of one labeler."""

    mean: Floats  # (D,) the mode
    information: Floats  # (attributes, k, k) that the answers added to the prior's precision
    covariance: Floats  # (D, D)


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """A prior, ready for many posteriors."""

    prior: Prior
    precision: Floats  # (D, D)

    @classmethod
    def of(cls, prior: Prior) -> "Solver":
        """Invert the covariance once."""
        return cls(prior, inverse(prior.covariance))

    def posterior(
        self,
        likelihood: Likelihood,
        start: Floats | None = None,
        steps: int = 30,
        *,
        enough: float = ENOUGH,
    ) -> Posterior:
        """Climb to the mode from `start` (the prior mean), a few Newton steps.

        The objective is concave; of ratings alone it is a parabola, and one step is exact. A step
        that gains less than `enough` of it is the last one.
        """
        head = self.prior.mean if start is None else start
        if not any(len(block.outcome) for block in likelihood):
            information = self._information(likelihood, head)
            covariance = self.covariance(information)
            head = head + covariance @ self._gradient(likelihood, head)
            return Posterior(head, information, covariance)
        value = self._objective(likelihood, head)
        for _ in range(steps):
            gradient = self._gradient(likelihood, head)
            curvature = self.precision + _blocks(self._information(likelihood, head))
            step = cho_solve(cho_factor(curvature), gradient)
            rise = float(gradient @ step)
            if rise < enough * (1 + abs(value)):
                head = head + step  # so near that the full step is as good as exact
                break
            size, moved = 1.0, self._objective(likelihood, head + step)
            while moved < value + 1e-4 * size * rise and size > 1e-6:
                size *= 0.5
                moved = self._objective(likelihood, head + size * step)
            head, value = head + size * step, moved
        information = self._information(likelihood, head)
        return Posterior(head, information, self.covariance(information))

    def covariance(self, information: Floats) -> Floats:
        """(D, D) of a posterior."""
        return inverse(self.precision + _blocks(information))

    def _parts(self, likelihood: Likelihood, head: Floats) -> "zip[tuple[Block, Floats]]":
        return zip(likelihood, head.reshape(len(likelihood), -1), strict=True)

    def _objective(self, likelihood: Likelihood, head: Floats) -> float:
        away = head - self.prior.mean
        fit = sum(block.log_likelihood(part) for block, part in self._parts(likelihood, head))
        return float(fit - 0.5 * away @ self.precision @ away)

    def _gradient(self, likelihood: Likelihood, head: Floats) -> Floats:
        slope = np.concatenate(
            [block.gradient(part) for block, part in self._parts(likelihood, head)]
        )
        return np.asarray(slope - self.precision @ (head - self.prior.mean))

    def _information(self, likelihood: Likelihood, head: Floats) -> Floats:
        return np.stack([b.information(part) for b, part in self._parts(likelihood, head)])


def inverse(matrix: Floats) -> Floats:
    """Of a symmetric positive definite (D, D) matrix."""
    root, failed = dpotrf(matrix, lower=1)
    half, failed = dpotri(root, lower=1) if not failed else (root, failed)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    return np.asarray(np.tril(half) + np.tril(half, -1).T)


def moderation(variance: Floats) -> Floats:
    """Factors that turn logits of some variances into calibrated ones."""
    return np.asarray(1 / np.sqrt(1 + np.pi * variance / 8))


def _blocks(information: Floats) -> Floats:
    """(attributes, k, k) to block-diagonal (D, D)."""
    attributes, k, _ = information.shape
    out = np.zeros((attributes, k, attributes, k))
    for a in range(attributes):
        out[a, :, a, :] = information[a]
    return out.reshape(attributes * k, attributes * k)
