"""The factors of a face: those that tastes speak about, and nuisances that mean nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from prism_desktop.engine import paths


@dataclass(frozen=True, slots=True)
class Factor:
    """One visible quantity, drawn evenly from `low..high`, or 0 where the face lacks the thing."""

    name: str
    low: float
    high: float
    presence: float  # share of faces that have it; 1 for quantities every face has
    high_phrases: tuple[str, ...]
    low_phrases: tuple[str, ...]

    @property
    def mean(self) -> float:
        return self.presence * (self.low + self.high) / 2

    @property
    def deviation(self) -> float:
        """Standard deviation over faces, in the units of the drawing."""
        square = (self.low**2 + self.low * self.high + self.high**2) / 3
        return math.sqrt(self.presence * square - self.mean**2)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        values = rng.uniform(self.low, self.high, count)
        return np.where(rng.uniform(size=count) < self.presence, values, 0.0)


@dataclass(frozen=True, slots=True)
class Faces:
    """A table of faces: one row per face, factors and
    nuisances in the order of `data/faces.yaml`."""

    factors: NDArray[np.float64]  # (faces, factors), in the units of the drawing
    nuisances: NDArray[np.float64]  # (faces, nuisances)

    def __len__(self) -> int:
        return len(self.factors)

    def standard(self) -> NDArray[np.float32]:
        """(faces, factors): each factor with mean 0 and variance 1 over all possible faces."""
        means = np.array([factor.mean for factor in factors()])
        deviations = np.array([factor.deviation for factor in factors()])
        standard: NDArray[np.float32] = ((self.factors - means) / deviations).astype(np.float32)
        return standard

    def face(self, row: int) -> dict[str, float]:
        """What `draw` takes: every factor and nuisance of one face by name."""
        names = [factor.name for factor in factors()] + list(nuisances())
        values = [*self.factors[row].tolist(), *self.nuisances[row].tolist()]
        return dict(zip(names, values, strict=True))


@cache
def factors() -> tuple[Factor, ...]:
    return tuple(
        Factor(
            name,
            low=float(entry["range"][0]),
            high=float(entry["range"][1]),
            presence=float(entry.get("presence", 1.0)),
            high_phrases=tuple(entry["high"]),
            low_phrases=tuple(entry["low"]),
        )
        for name, entry in _file()["factors"].items()
    )


@cache
def nuisances() -> Mapping[str, tuple[float, float]]:
    return {name: (float(low), float(high)) for name, (low, high) in _file()["nuisances"].items()}


@cache
def colours() -> Mapping[str, Any]:
    """Colour ramps (lists of hex colours) and single colours by name."""
    ramps: Mapping[str, Any] = _file()["colours"]
    return ramps


def sample(count: int, seed: int) -> Faces:
    """Draw faces at random; the same count and seed give the same faces."""
    rng = np.random.default_rng(seed)
    drawn = [factor.draw(rng, count) for factor in factors()]
    varied = [rng.uniform(low, high, count) for low, high in nuisances().values()]
    return Faces(np.stack(drawn, axis=1), np.stack(varied, axis=1))


@cache
def _file() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(
        (paths.data() / "faces.yaml").read_text(encoding="utf-8")
    )
    return loaded
