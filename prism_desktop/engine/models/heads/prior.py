"""A Gaussian over labelers' heads, all attributes stacked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.heads.space import Arrays, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """N(mean, covariance) over D = attributes x k stacked weights."""

    mean: Floats  # (D,)
    covariance: Floats  # (D, D), positive definite
    # (attributes,) how many labelers it was learned from; empty where that was not kept, as before
    # version 0.3, and then nobody who enters goes beyond it
    labelers: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def size(self) -> int:
        """D."""
        return len(self.mean)

    def of_attribute(self, attribute: int, attributes: int) -> "Prior":
        """The prior of one attribute's weights alone."""
        k = self.size // attributes
        part = slice(attribute * k, (attribute + 1) * k)
        return Prior(self.mean[part], self.covariance[part, part])

    def widened(self, reach: Floats) -> "Prior":
        """With the deviations of each attribute as many times as large; what is added on one
        attribute says nothing of another. (attributes,) factors."""
        if np.all(reach == 1):
            return self
        wider, k = self.covariance.copy(), self.size // len(reach)
        for a, factor in enumerate(reach):
            part = slice(a * k, (a + 1) * k)
            wider[part, part] *= factor**2
        return Prior(self.mean, wider, self.labelers)

    def arrays(self) -> Arrays:
        """What `from_arrays` needs; the lower half of the covariance, row by row."""
        half = np.tril_indices(self.size)
        found: Arrays = {"prior.mean": self.mean, "prior.covariance": self.covariance[half]}
        return {**found, "prior.labelers": self.labelers} if len(self.labelers) else found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Prior":
        """The inverse of `arrays`; runs before version 0.3 kept loadings and a diagonal."""
        mean = np.asarray(arrays["prior.mean"], np.float64)
        if "prior.loadings" in arrays:
            loadings, diagonal = (
                np.asarray(arrays[f"prior.{name}"], np.float64) for name in ("loadings", "diagonal")
            )
            return cls(mean, loadings @ loadings.T + np.diag(diagonal))
        covariance = unpacked(np.asarray(arrays["prior.covariance"], np.float64), len(mean))
        labelers = np.asarray(arrays.get("prior.labelers", np.zeros(0)), np.int64)
        return cls(mean, covariance, labelers)


def unpacked(half: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """(..., size, size) symmetric matrices from their lower halves (..., size (size + 1) / 2)."""
    place = np.zeros((size, size), np.int64)
    rows, columns = np.tril_indices(size)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return half[..., place]


def isotropic(mean: Floats, variance: float) -> Prior:
    """The start of the EM: nothing is known of the covariance but its size."""
    return Prior(mean, variance * np.eye(len(mean)))


def shrunk(
    second: Floats, labelers: int, block: Ints, attributes: int, strength: float, share: float
) -> Floats:
    """The most likely covariance of labelers' deviations under an inverse Wishart belief.

    As if `strength` more labelers had deviations that are alike on all axes of a block and `share`
    as large as they seem. A share below 1 is needed: a second moment holds what is not known of
    each labeler, so that with share 1 directions in which nobody differs never lose their variance.

    Args:
        second: (D, D) labelers' mean second moment about the prior mean.
        labelers: how many it is the mean over.
        block: (k,) which block each axis belongs to.
        attributes: D / k.
        strength: labelers' worth of belief.
        share: of the mean variance, over a block's axes, that is believed in.
    """
    k = len(block)
    between = np.einsum("akbk->abk", second.reshape(attributes, k, attributes, k))
    member = np.eye(int(block.max()) + 1)[block]  # (k, blocks)
    level = (between @ (member / member.sum(0))) @ member.T
    target = np.zeros((attributes, k, attributes, k))
    axes = np.arange(k)
    target[:, axes, :, axes] = np.moveaxis(level, 2, 0)
    believed = strength * share * target.reshape(second.shape)
    return np.asarray((labelers * second + believed) / (labelers + strength))
