"""How much of a map's mass lies in each region of a face, over many faces, and whether any region
stands out. Needs no torch.

A map's mass is what it holds of what sets a face apart; patches that speak the other way have none.
Intervals are over faces (percentile bootstrap). Nearly every map has more than its share of the
small parts in the middle of a face, whosever it is, so a region stands out only if it has more than
its area, and more than the maps of random tastes have there: its distance from their mean, in their
standard deviations, must be larger than the largest over the regions of 95 % of the random tastes
(Westfall and Young, "Resampling-Based Multiple Testing", 1993).

Two labelers, or a labeler and the others, are compared on the same faces: the signs of the faces'
differences are drawn anew, and the largest studentised difference over the regions is what an
observed one must surpass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.face_regions import REST, Regions

Floats = NDArray[np.float64]
_DRAWS: Final = 4000
_LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class RegionMass:
    """One region."""

    region: str
    mass: float  # share of the map
    low: float  # a 95 % interval over faces
    high: float
    area: float  # share of the map's patches
    random: float | None  # mean share that random tastes have there; None: not compared
    # that a random taste lies as far beyond the others in any region; None: not compared
    p: float | None

    @property
    def ratio(self) -> float:
        """Times its area."""
        return self.mass / self.area if self.area > 0 else float("nan")

    @property
    def stands_out(self) -> bool:
        """Whether it has more than its area and than random tastes have there, beyond chance."""
        return self.p is not None and self.p < _LEVEL and self.low > self.area


@dataclass(frozen=True, slots=True)
class RegionDifference:
    """One region, of one set of maps less that of another."""

    region: str
    difference: float  # of shares of the mass
    low: float  # a 95 % interval over faces
    high: float
    p: float  # by permutation, adjusted for the number of regions


def shares(grids: NDArray[np.floating], regions: Regions) -> Floats:
    """(n, regions): how much of each map's mass lies where; the areas where a map has none.

    Args:
        grids: (n, rows, columns).
        regions: of the same faces.
    """
    return shares_of(grids, regions.weights)


def shares_of(grids: NDArray[np.floating], weights: NDArray[np.float32]) -> Floats:
    """The same by (n, regions, rows, columns) weights of the regions."""
    mass = grids.astype(np.float64).clip(0)
    whole = mass.sum((1, 2))
    mass = np.where(whole[:, None, None] > 0, mass, 1.0)
    found: Floats = np.einsum("nij,nrij->nr", mass, weights) / mass.sum((1, 2))[:, None]
    return found


def masses(
    share: Floats, regions: Regions, random: Floats, seed: int = 0
) -> tuple[RegionMass, ...]:
    """Every region that there is in these faces, those first that lie farthest beyond random
    tastes, or have most mass for their area where there are none to compare with.

    Args:
        share: (n, regions) as `shares` gives them.
        regions: of the same faces.
        random: (tastes, regions) mean shares of random tastes on the same faces; may be empty.
        seed: of the bootstrap.
    """
    mean, area = share.mean(0), regions.area.mean(0)
    low, high = np.quantile(share[_draws(len(share), seed)].mean(1), [0.025, 0.975], axis=0)
    seen = np.flatnonzero(area > 0)
    middle, spread = np.zeros_like(mean), np.ones_like(mean)
    worst = np.zeros(0)
    if len(random):
        middle, spread = random.mean(0), np.maximum(random.std(0, ddof=1), 1e-12)
        worst = ((random - middle) / spread)[:, seen].max(1)
    beyond = (mean - middle) / spread
    found = [
        RegionMass(
            regions.names[place], float(mean[place]), float(low[place]), float(high[place]),
            float(area[place]), float(middle[place]) if len(random) else None,
            (1 + int((worst >= beyond[place]).sum())) / (1 + len(worst)) if len(random) else None,
        )
        for place in seen
    ]  # fmt: skip
    order = beyond[seen] if len(random) else mean[seen] / area[seen]
    return tuple(found[place] for place in np.argsort(-order, kind="stable"))


def differences(
    one: Floats, other: Floats, names: tuple[str, ...], seed: int = 0
) -> tuple[RegionDifference, ...]:
    """Where one set of maps has more mass than another of the same faces.

    Args:
        one, other: (n, regions) shares.
        names: of the regions.
        seed: of permutation and bootstrap.
    """
    gap = one - other
    low, high = np.quantile(gap[_draws(len(gap), seed)].mean(1), [0.025, 0.975], axis=0)
    t = np.abs(_studentised(gap)[0])
    signs = np.random.default_rng((seed, 2)).choice([-1.0, 1.0], (_DRAWS, len(gap)))
    largest = np.empty(_DRAWS)
    for start in range(0, _DRAWS, 500):
        part = signs[start : start + 500, :, None] * gap
        error = part.std(1, ddof=1) / np.sqrt(len(gap))
        drawn = np.abs(part.mean(1)) / np.maximum(error, 1e-12)
        largest[start : start + 500] = drawn.max(1)
    p = (1 + (largest[:, None] >= t - 1e-12).sum(0)) / (1 + _DRAWS)
    found = [
        RegionDifference(name, *map(float, numbers))
        for name, *numbers in zip(names, gap.mean(0), low, high, p, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (each.p, -abs(each.difference))))


def standing_out(found: tuple[RegionMass, ...]) -> RegionMass | None:
    """The region that stands out most, if any does; what no region covers does not count."""
    return next((each for each in found if each.stands_out and each.region != REST), None)


def _studentised(values: Floats) -> tuple[Floats, Floats]:
    """(n, regions) -> means in standard errors, and the standard errors."""
    error = np.maximum(values.std(0, ddof=1) / np.sqrt(len(values)), 1e-12)
    return values.mean(0) / error, error


def _draws(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 1)).integers(0, n, (_DRAWS, n))
