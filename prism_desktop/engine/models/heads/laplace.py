"""The posterior of one labeler's heads: Newton's method
to the mode, and the Gaussian there (Laplace 1774).

Source: MacKay, "The evidence framework applied to classification networks", Neural Computation 4
(1992), also for `moderation`: a logit of variance v is worth its mean / sqrt(1 + pi v / 8).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from prism_desktop.engine.models.heads.likelihood import Block, Likelihood
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.heads.space import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A Gaussian approximation of what is known of one labeler."""

    mean: Floats  # (D,) the mode
    information: Floats  # (attributes, k, k) that the answers added to the prior's precision
    evidence: float  # log marginal likelihood of the answers


@dataclass(frozen=True, slots=True, eq=False)
class Solver:
    """A prior, ready for many posteriors."""

    prior: Prior
    precision: Floats  # (D, D)

    @classmethod
    def of(cls, prior: Prior) -> "Solver":
        """Invert the covariance once."""
        return cls(prior, prior.precision())

    def posterior(
        self, likelihood: Likelihood, start: Floats | None = None, steps: int = 30
    ) -> Posterior:
        """Climb to the mode from `start` (the prior mean), a few Newton steps.

        The objective is concave.
        """
        head = self.prior.mean if start is None else start
        value = self._objective(likelihood, head)
        for _ in range(steps):
            gradient = self._gradient(likelihood, head)
            step = cho_solve(cho_factor(self._curvature(likelihood, head)), gradient)
            rise = float(gradient @ step)
            if rise < 1e-7 * (1 + abs(value)):
                head = head + step  # so near that the full step is as good as exact
                value = self._objective(likelihood, head)
                break
            size, moved = 1.0, self._objective(likelihood, head + step)
            while moved < value + 1e-4 * size * rise and size > 1e-6:
                size *= 0.5
                moved = self._objective(likelihood, head + size * step)
            head, value = head + size * step, moved
        information = np.stack(
            [block.information(part) for block, part in self._parts(likelihood, head)]
        )
        root, _ = cho_factor(self.precision + _blocks(information))
        # log p(answers) = log joint at the mode + D/2 log 2 pi - 1/2 log det; the 2 pi of the prior
        # cancels.
        log_evidence = (
            value - 0.5 * self.prior.log_determinant() - float(np.log(np.diag(root)).sum())
        )
        return Posterior(head, information, log_evidence)

    def covariance(self, information: Floats) -> Floats:
        """(D, D) of a posterior."""
        return np.asarray(np.linalg.inv(self.precision + _blocks(information)))

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

    def _curvature(self, likelihood: Likelihood, head: Floats) -> Floats:
        return self.precision + _blocks(
            np.stack([b.information(part) for b, part in self._parts(likelihood, head)])
        )


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
