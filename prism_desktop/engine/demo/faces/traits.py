"""The traits of drawn faces: how each attribute follows from the factors for simulated people on
the whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import yaml
from numpy.typing import NDArray

from prism_desktop.engine import paths
from prism_desktop.engine.demo.faces.factors import factors
from prism_desktop.engine.errors import InputError


@dataclass(frozen=True, slots=True)
class Trait:
    """The consensus on one attribute."""

    name: str
    question: str
    # (factors,), unit norm: utilities have variance 1 over all possible faces
    weights: NDArray[np.float64]
    high_phrases: tuple[str, ...]
    low_phrases: tuple[str, ...]


@cache
def traits() -> tuple[Trait, ...]:
    """Every attribute of `data/consensus.yaml`, in its order."""
    file = yaml.safe_load((paths.data() / "consensus.yaml").read_text(encoding="utf-8"))
    return tuple(
        Trait(
            name,
            entry["question"],
            unit(weigh(entry["weights"])),
            tuple(entry["high"]),
            tuple(entry["low"]),
        )
        for name, entry in file.items()
    )


def weigh(named: Mapping[str, float]) -> NDArray[np.float64]:
    """Weights by factor name as a (factors,) vector, 0 for factors not named.

    Raises:
        InputError: if a name is no factor.
    """
    names = [factor.name for factor in factors()]
    if unknown := sorted(set(named) - set(names)):
        raise InputError(
            f"{', '.join(unknown)} is no factor of a face; the factors are {', '.join(names)}."
        )
    return np.array([float(named.get(name, 0.0)) for name in names])


def unit(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = weights / np.linalg.norm(weights)
    return scaled
