"""The demo's simulated labelers: what they like, how noisy they are, and how they answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from prism_desktop.engine import paths
from prism_desktop.engine.demo.faces.traits import traits, unit, weigh

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimulatedLabeler:
    """One planted person."""

    code: str
    name: str
    profile: str
    comparisons: int  # trials, repeats included
    ratings: int  # trials, repeats included
    noise: float  # standard deviation of the noise on the utility of one face, whose own is 1
    ties: float  # share of random pairs that end in a tie
    side_bias: float  # added to the left face's lead
    seconds: float  # median response time where the faces clearly differ
    rating_shares: tuple[float, ...]  # of all faces that get 1, 2, 3, 4
    tastes: Mapping[str, Floats]  # attribute -> (factors,), unit norm

    def utilities(self, standard: NDArray[np.float32]) -> dict[str, Floats]:
        """Attribute -> (faces,) true utility; mean 0 and variance 1 over all possible faces."""
        return {attribute: standard @ weights for attribute, weights in self.tastes.items()}

    @property
    def tie_threshold(self) -> float:
        """The noisy lead below which the answer is a tie, from the tie rate.

        Utilities are nearly normal.
        """
        return self.lead_deviation * NormalDist().inv_cdf((1 + self.ties) / 2)

    @property
    def lead_deviation(self) -> float:
        """Standard deviation of the noisy lead over random pairs."""
        return math.sqrt(2 * (1 + self.noise**2))

    def compare(self, lead: Floats, rng: np.random.Generator) -> tuple[NDArray[np.int8], Floats]:
        """Answer pairs whose true lead (left minus right) is
        given: 1 left, -1 right, 0 tie, and the noisy leads."""
        felt = lead + self.side_bias + math.sqrt(2) * self.noise * rng.standard_normal(lead.shape)
        answers: NDArray[np.int8] = np.where(
            np.abs(felt) < self.tie_threshold, 0, np.sign(felt)
        ).astype(np.int8)
        return answers, felt

    def rate(self, utility: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rate faces 1-4."""
        felt = utility + self.noise * rng.standard_normal(utility.shape)
        spread = math.sqrt(1 + self.noise**2)
        cuts = [
            spread * NormalDist().inv_cdf(share) for share in np.cumsum(self.rating_shares)[:-1]
        ]
        return np.searchsorted(cuts, felt) + 1

    def chosen_side(self, lead: Floats) -> tuple[Floats, Floats]:
        """Probabilities that the answer is left, and that it is right, given the true lead."""
        scale = math.sqrt(2) * self.noise
        left = _normal((lead + self.side_bias - self.tie_threshold) / scale)
        right = _normal((-lead - self.side_bias - self.tie_threshold) / scale)
        return left, right


@dataclass(frozen=True, slots=True)
class DemoDesign:
    """How trials are laid out."""

    repeats: float
    repeat_lag: int
    shared: float
    session_trials: int
    first_day: Any  # datetime.date


@cache
def labelers() -> tuple[SimulatedLabeler, ...]:
    return tuple(_labeler(entry) for entry in _file()["labelers"])


@cache
def design() -> DemoDesign:
    return DemoDesign(**_file()["design"])


def _labeler(entry: Mapping[str, Any]) -> SimulatedLabeler:
    consensus = {trait.name: trait.weights for trait in traits()}
    tastes = {
        attribute: unit(taste["share"] * consensus[attribute] + weigh(taste.get("own", {})))
        for attribute, taste in entry["tastes"].items()
    }
    plain = {key: value for key, value in entry.items() if key not in ("tastes", "rating_shares")}
    return SimulatedLabeler(**plain, rating_shares=tuple(entry["rating_shares"]), tastes=tastes)


def _normal(x: Floats) -> Floats:
    """The standard normal distribution function."""
    from scipy.special import ndtr

    below: Floats = ndtr(x)
    return below


@cache
def _file() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(
        (paths.data() / "labelers.yaml").read_text(encoding="utf-8")
    )
    return loaded
