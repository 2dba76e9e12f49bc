"""Accuracy against the number of answers, and what more answers would bring.

accuracy(n) = top - drop * (n + 10)^-power, a power law with an asymptote as learning curves tend to follow (Viering and
Loog, IEEE TPAMI 2023); 10 stands for what is known without any answer of the labeler.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import LEVEL
from prism_desktop.engine.evaluation.pairs import Floats

MORE = 50  # answers that the forecast adds
FEWEST = 3  # points
_START = 10.0
_POWERS = np.linspace(0.2, 1.2, 21)
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """A fitted curve and its forecast."""

    top: float  # accuracy with endless answers
    drop: float
    power: float
    answers: int  # the largest number that was measured
    more: int  # how many answers the forecast adds to it
    gain: float  # what they would bring
    low: float  # 95 % interval of it
    high: float

    def at(self, answers: float | Floats) -> float | Floats:
        """The fitted accuracy."""
        found: float | Floats = self.top - self.drop * (np.asarray(answers) + _START) ** -self.power
        return found

    def sentence(self) -> str:
        """The forecast for a reader."""
        value, low, high = (100 * part for part in (self.gain, self.low, self.high))
        return f"+{self.more} answers would give about {value:+.1f} points [{low:+.1f}, {high:+.1f}]."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "sentence": self.sentence()}


def learning_curve(
    answers: Sequence[int],
    accuracy: Sequence[float],
    error: Sequence[float],
    ceiling: float = 1.0,
    more: int = MORE,
    seed: int = 0,
) -> LearningCurve:
    """Fit the curve and forecast the gain of `more` answers beyond the largest number measured.

    The interval refits curves to accuracies drawn anew within their errors, all powers weighed by how well they fit; so
    it covers what the measurements leave open about the curve's shape as well. Accuracies of nested draws on the same
    test pairs err together, which makes it too wide rather than too narrow.

    Args:
        answers: numbers of answers, at least three different ones.
        accuracy: at each of them.
        error: standard error of each.
        ceiling: no curve ends above it.
        more: answers to add.
        seed: of the draws.

    Raises:
        InputError: if there are too few points.
    """
    n, y = np.asarray(answers, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    if len(np.unique(n)) < FEWEST:
        raise InputError(f"A learning curve needs at least {FEWEST} different numbers of answers.")
    spread = np.maximum(np.asarray(error, dtype=np.float64), 1e-4)
    top, drop, power = _fit(n, y, spread, ceiling)
    rng = np.random.default_rng(seed)
    last = float(n.max())
    gains = []
    for _ in range(_DRAWS):
        _, b, c = _fit(n, y + rng.normal(0, spread), spread, ceiling, rng)
        gains.append(b * ((last + _START) ** -c - (last + more + _START) ** -c))
    value = drop * ((last + _START) ** -power - (last + more + _START) ** -power)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(gains, [tail, 1 - tail])
    return LearningCurve(
        top, drop, power, int(last), more, float(value), float(min(low, value)), float(max(high, value))
    )


def _fit(
    n: Floats, y: Floats, spread: Floats, ceiling: float, rng: np.random.Generator | None = None
) -> tuple[float, float, float]:
    """Weighted least squares in top and drop for each power; of the powers the median by likelihood, or one drawn."""
    found = [_line((n + _START) ** -power, y, 1 / spread**2, ceiling) for power in _POWERS]
    misfit = np.array([part[2] for part in found])
    belief = np.exp(-(misfit - misfit.min()) / 2)
    belief /= belief.sum()
    chosen = int(np.searchsorted(np.cumsum(belief), 0.5 if rng is None else rng.random() * belief.sum()))
    chosen = min(chosen, len(_POWERS) - 1)
    return found[chosen][0], found[chosen][1], float(_POWERS[chosen])


def _line(x: Floats, y: Floats, weight: Floats, ceiling: float) -> tuple[float, float, float]:
    """top and drop >= 0 of y = top - drop * x with top <= ceiling, and the weighted sum of squares."""
    mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / (weight * (x - mean_x) ** 2).sum()
    drop = max(0.0, -float(slope))
    top = float(mean_y + drop * mean_x)
    if top > ceiling:
        top = ceiling
        drop = max(0.0, float((weight * x * (ceiling - y)).sum() / (weight * x**2).sum()))
    return top, drop, float((weight * (y - top + drop * x) ** 2).sum())
