"""The posterior of one labeler's heads: Newton's method
to the mode, and the Gaussian there (Laplace 1774).

Source: MacKay, "The evidence framework applied to classification networks", Neural Computation 4
(1992), also for `moderation`: a logit of variance v is worth its mean / sqrt(1 + pi v / 8).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from prism_desktop.engine.models.heads.likelihood import Block, Likelihood
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.heads.space import Floats

ENOUGH = 1e-7  # of the objective: a step that gains less is the last one


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A Gaussian approximation of what is known of one labeler."""

    mean: Floats  # (D,) the mode
    information: Floats  # (attributes, k, k) that the answers added to the prior's precision
    root: Floats  # (D, D) lower Cholesky factor of its precision

    @property
    def covariance(self) -> Floats:
        """(D, D), found whenever it is asked for."""
        return _inverse_by(self.root)

    @property
    def log_det(self) -> float:
        """Logarithm of the determinant of its precision."""
        return _log_det(self.root)


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """A prior, ready for many posteriors."""

    prior: Prior
    precision: Floats  # (D, D)
    log_det: float  # logarithm of its determinant

    @classmethod
    def of(cls, prior: Prior) -> "Solver":
        """Invert the covariance once."""
        root = _root(prior.covariance)
        return cls(prior, _inverse_by(root), -_log_det(root))

    def wider(self, factor: float) -> "Solver":
        """Of the same prior with a covariance so many times as large."""
        prior = replace(self.prior, covariance=factor * self.prior.covariance)
        log_det = self.log_det - self.prior.size * float(np.log(factor))
        return Solver(prior, self.precision / factor, log_det)

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
            root = _root(self._curvature(information))
            return Posterior(
                head + _solved(root, self._gradient(likelihood, head)), information, root
            )
        value = self._objective(likelihood, head)
        for _ in range(steps):
            gradient = self._gradient(likelihood, head)
            curvature = self._curvature(self._information(likelihood, head))
            step = _solved(_root(curvature), gradient)
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
        return Posterior(head, information, _root(self._curvature(information)))

    def covariance(self, information: Floats) -> Floats:
        """(D, D) of a posterior."""
        return inverse(self._curvature(information))

    def _curvature(self, information: Floats) -> Floats:
        """(D, D) precision of a posterior."""
        attributes, k, _ = information.shape
        found = self.precision.copy()
        parts = found.reshape(attributes, k, attributes, k)
        for a in range(attributes):
            parts[a, :, a] += information[a]
        return found

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
    return _inverse_by(_root(matrix))


def _root(matrix: Floats) -> Floats:
    """(D, D) lower Cholesky factor of a symmetric positive definite matrix."""
    root, failed = dpotrf(matrix.T, lower=1)  # whose columns lie as the library wants them
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    return np.asarray(root)


def _solved(root: Floats, vector: Floats) -> Floats:
    """The product of the inverse of a matrix, told by its root, and a vector."""
    return np.asarray(dpotrs(root, vector, lower=1)[0])


def _inverse_by(root: Floats) -> Floats:
    """The inverse of a matrix that is told by its root."""
    half, failed = dpotri(root, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    whole = half + half.T  # above the diagonal the root has zeros
    np.fill_diagonal(whole, half.diagonal())
    return np.asarray(whole)


def _log_det(root: Floats) -> float:
    """Logarithm of the determinant of a matrix that is told by its root."""
    return 2 * float(np.log(root.diagonal()).sum())


def moderation(variance: Floats) -> Floats:
    """Factors that turn logits of some variances into calibrated ones."""
    return np.asarray(1 / np.sqrt(1 + np.pi * variance / 8))
