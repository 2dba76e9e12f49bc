"""The space that heads live in: features centred, turned to their principal axes and scaled."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.models.answers import Ints

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[np.generic]]

# first axes of the blocks that principal axes are parted into, strong to weak
_STARTS = (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """An affine map of features; `power` of the axes' deviations was divided out."""

    centre: Floats  # (d,)
    axes: Floats  # (d, k), scaled so that the mean squared length of a projected feature is 1

    @property
    def dims(self) -> int:
        """k, the dimensions kept."""
        return int(self.axes.shape[1])

    @property
    def block(self) -> Ints:
        """(k,) which block each axis belongs to: axes of like strength share a variance."""
        return np.searchsorted(_STARTS, np.arange(self.dims), side="right").astype(np.int64)

    def project(self, features: npt.NDArray[np.floating]) -> Floats:
        """(images, d) features to (images, k)."""
        return np.asarray((np.asarray(features, dtype=np.float64) - self.centre) @ self.axes)

    def arrays(self) -> Arrays:
        """What `from_arrays` needs."""
        return {"space.centre": self.centre, "space.axes": self.axes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Space":
        """The inverse of `arrays`."""
        return cls(
            np.asarray(arrays["space.centre"], np.float64),
            np.asarray(arrays["space.axes"], np.float64),
        )


def fit_space(features: Features, dims: int = 64, power: float = 0.5) -> Space:
    """Principal axes of all images' features; no answer is looked at, so test images may take part.

    Args:
        features: (images, d).
        dims: at most so many axes; fewer where the features have a lower rank.
        power: 0 keeps the axes' deviations, so that strong axes speak loudest; 1 makes all equal.
    """
    x = np.asarray(features, dtype=np.float64)
    centre = x.mean(0)
    variance, vectors = np.linalg.eigh((x - centre).T @ (x - centre) / max(len(x), 1))
    order = np.argsort(variance)[::-1][:dims]
    kept = order[variance[order] > 1e-10 * max(float(variance[order[0]]), 1e-300)]
    if not len(kept):
        kept = order[:1]
    deviation = np.sqrt(np.maximum(variance[kept], 1e-300))
    scaled = deviation ** (1.0 - power)
    axes = vectors[:, kept] * deviation**-power / np.sqrt(np.sum(scaled**2))
    return Space(centre, axes)
