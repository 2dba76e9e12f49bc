"""One factor per labeler that makes predicted probabilities as sure as they may be; accuracies stay as they are."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.pairs import Floats

LIMIT = 4.0  # natural log of the largest factor, either way
_SPREAD = 0.5  # how far labelers' logarithms are believed to lie from everyone's
_WIDE = 2.0  # how far everyone's is believed to lie from 0


def temperatures(validation: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, float]:
    """The factor by which to multiply each labeler's scores, from validation answers.

    Minimises the NLL of a labeler's answers (temperature scaling, Guo et al., ICML 2017) plus a normal prior on the
    factor's logarithm around that of all labelers together, so that few answers move it little.

    Args:
        validation: a pairs frame, validation pairs only; the test split has no say.
        predictions: labeler, attribute, image, score.

    Returns:
        {code: factor} for every labeler with predictions; all have everyone's factor if they have no answers here.
    """
    codes = sorted(str(code) for code in predictions["labeler"].unique())
    judged = metrics.judge(validation, predictions)
    signed = np.where(judged.chosen, judged.margin, -judged.margin)
    everyone = _fit(signed, 0.0, _WIDE)
    return {code: float(np.exp(_fit(signed[judged.labeler == code], everyone, _SPREAD))) for code in codes}


def calibrated(predictions: pd.DataFrame, factors: Mapping[str, float]) -> pd.DataFrame:
    """Predictions with scores multiplied by their labelers' factors; labelers without one stay."""
    factor = predictions["labeler"].astype(object).map(dict(factors)).astype("float64").fillna(1.0)
    return predictions.assign(score=(predictions["score"].astype("float64") * factor).astype("float32"))


def _fit(signed: Floats, centre: float, spread: float) -> float:
    """Logarithm of the best factor for margins in favour of what was chosen, (n,)."""

    def loss(log_factor: float) -> float:
        fit = np.logaddexp(0.0, -np.exp(log_factor) * signed).sum()
        return float(fit + ((log_factor - centre) / spread) ** 2 / 2)

    if not len(signed):
        return centre
    return float(minimize_scalar(loss, bounds=(-LIMIT, LIMIT), method="bounded").x)
