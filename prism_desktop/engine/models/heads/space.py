"""The space that heads live in: features centred, turned to their principal axes and scaled.

The last columns of the features may be optional blocks, such as statistics of the images; each has
axes of its own, which share a variance of their own. What is not known of an image is NaN there,
and taken as the mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

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
    parts: Ints | None = None  # (k,) `block`, where there are optional blocks

    @property
    def dims(self) -> int:
        """k, the dimensions kept."""
        return int(self.axes.shape[1])

    @property
    def block(self) -> Ints:
        """(k,) which block each axis belongs to: axes of like strength share a variance."""
        return _by_strength(self.dims) if self.parts is None else self.parts

    def project(self, features: npt.NDArray[np.floating]) -> Floats:
        """(images, d) features to (images, k); NaN is the mean."""
        away = np.asarray(features, dtype=np.float64) - self.centre
        away[np.isnan(away)] = 0.0
        return np.asarray(away @ self.axes)

    def arrays(self) -> Arrays:
        """What `from_arrays` needs."""
        found: Arrays = {"space.centre": self.centre, "space.axes": self.axes}
        return found if self.parts is None else {**found, "space.parts": self.parts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Space":
        """The inverse of `arrays`."""
        parts = arrays.get("space.parts")
        return cls(
            np.asarray(arrays["space.centre"], np.float64),
            np.asarray(arrays["space.axes"], np.float64),
            None if parts is None else np.asarray(parts, np.int64),
        )


def fit_space(
    features: Features, dims: int = 64, power: float = 0.5, blocks: Sequence[int] = ()
) -> Space:
    """Principal axes of all images' features; no answer is looked at, so test images may take part.

    Args:
        features: (images, d).
        dims: at most so many axes of the features; fewer where they have a lower rank.
        power: 0 keeps the axes' deviations, so that strong axes speak loudest; 1 makes all equal.
        blocks: how many of the last columns are each optional block, all of whose axes are kept,
            each as loud as an axis of the features is on average.
    """
    x = np.asarray(features, dtype=np.float64)
    own = x.shape[1] - sum(blocks)
    found = [_principal(x[:, :own], dims, power)]
    if not blocks:
        return Space(*found[0])
    for start, size in zip(own + np.cumsum([0, *blocks]), blocks, strict=False):
        centre, axes = _principal(x[:, start : start + size], size, 0.5)
        found.append((centre, axes * np.sqrt(axes.shape[1] / found[0][1].shape[1])))
    kinds = [_by_strength(found[0][1].shape[1])]
    for _, axes in found[1:]:
        kinds.append(np.full(axes.shape[1], kinds[-1].max() + 1))
    axes = block_diag(*(axes for _, axes in found))
    return Space(np.concatenate([centre for centre, _ in found]), axes, np.concatenate(kinds))


def _by_strength(dims: int) -> Ints:
    return np.searchsorted(_STARTS, np.arange(dims), side="right").astype(np.int64)


def _principal(x: Floats, dims: int, power: float) -> tuple[Floats, Floats]:
    """Centre and scaled principal axes of some columns, as in `fit_space`."""
    known = np.where(np.isnan(x), 0.0, x).sum(0) / np.maximum((~np.isnan(x)).sum(0), 1)
    x, centre = np.where(np.isnan(x), known, x), known
    variance, vectors = np.linalg.eigh((x - centre).T @ (x - centre) / max(len(x), 1))
    order = np.argsort(variance)[::-1][:dims]
    kept = order[variance[order] > 1e-10 * max(float(variance[order[0]]), 1e-300)]
    if not len(kept):
        kept = order[:1]
    deviation = np.sqrt(np.maximum(variance[kept], 1e-300))
    scaled = deviation ** (1.0 - power)
    axes = vectors[:, kept] * deviation**-power / np.sqrt(np.sum(scaled**2))
    return centre, axes
