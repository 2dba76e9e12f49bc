"""A Gaussian over labelers' heads, all attributes stacked:
a mean and a covariance of low rank plus a diagonal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.models.heads.space import Arrays, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """N(mean, loadings loadings' + diag(diagonal)) over D = attributes x k stacked weights."""

    mean: Floats  # (D,)
    loadings: Floats  # (D, rank)
    diagonal: Floats  # (D,) > 0

    @property
    def size(self) -> int:
        """D."""
        return len(self.mean)

    def covariance(self) -> Floats:
        """(D, D)."""
        return np.asarray(self.loadings @ self.loadings.T + np.diag(self.diagonal))

    def precision(self) -> Floats:
        """(D, D) inverse of the covariance, by Woodbury's identity."""
        scaled = self.loadings / self.diagonal[:, None]
        inner = np.eye(self.loadings.shape[1]) + self.loadings.T @ scaled
        return np.asarray(np.diag(1 / self.diagonal) - scaled @ np.linalg.solve(inner, scaled.T))

    def log_determinant(self) -> float:
        """Of the covariance."""
        inner = np.eye(self.loadings.shape[1]) + self.loadings.T @ (
            self.loadings / self.diagonal[:, None]
        )
        return float(np.log(self.diagonal).sum() + np.linalg.slogdet(inner)[1])

    def arrays(self) -> Arrays:
        """What `from_arrays` needs."""
        return {
            "prior.mean": self.mean,
            "prior.loadings": self.loadings,
            "prior.diagonal": self.diagonal,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Prior":
        """The inverse of `arrays`."""
        names = ("prior.mean", "prior.loadings", "prior.diagonal")
        return cls(*(np.asarray(arrays[name], np.float64) for name in names))


def isotropic(mean: Floats, variance: float) -> Prior:
    """The start of the EM: nothing is known of the covariance but its size."""
    return Prior(mean, np.zeros((len(mean), 0)), np.full(len(mean), variance))


def shrunk(second: Floats, labelers: int, attributes: int, strength: float) -> Floats:
    """Pull labelers' second moment (D, D) towards one that is
    alike on all axes, as if `strength` more labelers had it.

    The target is the mean, over axes, of the covariance between attributes, times the identity over
    axes: with few labelers only how far tastes lie apart and how attributes go together can be
    learned, not in which direction.
    """
    k = len(second) // attributes
    between = np.einsum("akbk->ab", second.reshape(attributes, k, attributes, k)) / k
    target = np.kron(between, np.eye(k))
    return np.asarray((labelers * second + strength * target) / (labelers + strength))


def factor(covariance: Floats, rank: int, steps: int = 30) -> tuple[Floats, Floats]:
    """Maximum likelihood factor analysis of a covariance: loadings (D, rank) and diagonal (D,).

    Alternates the diagonal and the leading eigenvectors of the scaled covariance (Joreskog 1967,
    Lawley's equations).
    """
    variance = np.maximum(np.diag(covariance), 1e-12)
    rank = min(rank, len(covariance) - 1)
    if rank <= 0:
        return np.zeros((len(covariance), 0)), variance
    diagonal = 0.5 * variance
    loadings = np.zeros((len(covariance), rank))
    for _ in range(steps):
        root = np.sqrt(diagonal)
        value, vector = np.linalg.eigh(covariance / root[:, None] / root)
        top = np.argsort(value)[::-1][:rank]
        loadings = root[:, None] * vector[:, top] * np.sqrt(np.maximum(value[top] - 1, 0))
        diagonal = np.maximum(variance - np.sum(loadings**2, axis=1), 0.02 * variance)
    return loadings, diagonal
