"""The law of a learning curve: accuracy against the number of answers, and what more answers would
bring.

accuracy(n) = top - drop * (n + 10)^-power, a power law with an asymptote as learning curves tend to
follow (Viering and Loog, IEEE TPAMI 2023); 10 stands for what is known without any answer of the
labeler.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.intervals import LEVEL
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.curve_files import START, Forecast
from prism_desktop.engine.runs.estimates import told_gain

MORE = 50  # answers that the forecast adds
FEWEST = 3  # points
_POWERS = np.linspace(0.2, 1.2, 21)
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class FittedCurve:
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
        found: float | Floats = self.top - self.drop * (np.asarray(answers) + START) ** -self.power
        return found

    def sentence(self) -> str:
        """The forecast for a reader."""
        told = told_gain(self.gain, self.low, self.high, unit=" points").line
        return f"+{counted(self.more, 'answer')} would give about {told}."

    def forecast(self) -> Forecast:
        """As the store of curves holds it."""
        return Forecast(**asdict(self), sentence=self.sentence())


def learning_curve(
    answers: Sequence[int],
    accuracy: Sequence[float],
    error: Sequence[float],
    ceiling: float = 1.0,
    more: int = MORE,
    seed: int = 0,
) -> FittedCurve:
    """Fit the curve and forecast the gain of `more` answers beyond the largest number measured.

    The interval refits curves to accuracies drawn anew within their errors, all powers weighed by
    how well they fit; so it covers what the measurements leave open about the curve's shape as
    well. Accuracies of nested draws on the same test pairs err together, which makes it too wide
    rather than too narrow.

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
        raise InputError(
            f"A learning curve needs at least {counted(FEWEST, 'different number')} of answers."
        )
    spread = np.maximum(np.asarray(error, dtype=np.float64), 1e-4)
    rng = np.random.default_rng(seed)
    drawn = y + rng.normal(0, spread, (_DRAWS, len(y)))
    tops, drops, belief = _fit(n, np.vstack([y, drawn]), spread, ceiling)
    last = float(n.max())
    gains = drops * ((last + START) ** -_POWERS - (last + more + START) ** -_POWERS)
    # The measured accuracies' own power is the median by belief: where nothing tells powers apart,
    # the middle one.
    reached = np.cumsum(belief, axis=1) >= np.append(0.5, rng.random(_DRAWS))[:, None]
    chosen = np.where(reached.any(axis=1), reached.argmax(axis=1), len(_POWERS) - 1)
    value, others = float(gains[0, chosen[0]]), gains[np.arange(1, _DRAWS + 1), chosen[1:]]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(others, [tail, 1 - tail])
    best = chosen[0]
    shape = float(tops[0, best]), float(drops[0, best]), float(_POWERS[best])
    return FittedCurve(
        *shape, int(last), more, value, float(min(low, value)), float(max(high, value))
    )


def _fit(n: Floats, y: Floats, spread: Floats, ceiling: float) -> tuple[Floats, Floats, Floats]:
    """Least squares in top <= ceiling and drop >= 0 for every power.

    Args:
        n: (points,) numbers of answers.
        y: (curves, points) accuracies.
        spread: (points,) their standard errors.
        ceiling: of the top.

    Returns:
        top, drop and belief, (curves, powers) each; beliefs follow the likelihood and add up to 1
        for every curve.
    """
    x, weight = (n + START) ** -_POWERS[:, None], 1 / spread**2  # (powers, points)
    share = weight / weight.sum()
    mean_x, mean_y = x @ share, (y @ share)[:, None]
    covariance = y @ (share * (x - mean_x[:, None])).T
    drop = np.maximum(0.0, -covariance / ((x - mean_x[:, None]) ** 2 @ share))
    top = mean_y + drop * mean_x
    capped = np.maximum(0.0, (ceiling - y) @ (share * x).T / (x**2 @ share))
    drop, top = np.where(top > ceiling, capped, drop), np.minimum(top, ceiling)
    fitted = top[:, :, None] - drop[:, :, None] * x
    misfit = (weight * (y[:, None, :] - fitted) ** 2).sum(axis=2)
    belief = np.exp(-(misfit - misfit.min(axis=1, keepdims=True)) / 2)
    return top, drop, belief / belief.sum(axis=1, keepdims=True)
