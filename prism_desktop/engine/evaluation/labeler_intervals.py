"""Intervals of a mean over labelers that also speak of other labelers.

`intervals` asks what other faces would give and takes the labelers as they are. Here are the other
two questions about the same mean:

- over labelers: what would other labelers from the same population give on these faces? Student's t
  of the labelers' own means, s^2 / L with L - 1 degrees of freedom.
- over both: what would other labelers give on other faces? Labelers and faces are crossed, so the
  variances through either add up and what went into both is taken off once: V = V_faces +
  V_labelers - V_within, where V_within is the dyadic variance within each labeler (Cameron, Gelbach
  and Miller, "Robust inference with multiway clustering", J. Bus. Econ. Stat. 2011). Degrees of
  freedom after Satterthwaite (Biometrics Bulletin 1946). It is never narrower than the wider of the
  other two variances.

With few labelers both are wide, and rightly so: six labelers say little about all labelers.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from prism_desktop.engine.evaluation.intervals import LEVEL, Estimate, dyadic_variance
from prism_desktop.engine.evaluation.metrics import ScoredPairs
from prism_desktop.engine.evaluation.pairs import Floats, Ints


class LabelerBounds(NamedTuple):
    """95 % intervals of a mean over labelers; the fields are named as `Accuracy` names them."""

    labelers_low: float
    labelers_high: float
    both_low: float
    both_high: float


def labeler_bounds(
    faces: Estimate, scored: ScoredPairs, values: Floats, bounds: tuple[float, float] = (0.0, 1.0)
) -> LabelerBounds | None:
    """The intervals over labelers, and over labelers and faces, of a mean over labelers.

    Args:
        faces: the mean, with its standard error over faces.
        scored: the n answers.
        values: (n,) what is averaged within and then over labelers: 1 for right, 0 for wrong, or
            the difference of two methods.
        bounds: between which the mean lies; -1 and 1 for a difference.

    Returns:
        None with fewer than two labelers, of which nothing can be said about others, and where
        all labelers' means are equal, so that nothing is known of their spread.
    """
    rows = _by_labeler(scored)
    means = np.array([values[own].mean() for own in rows])
    if len(rows) < 2 or not np.isfinite(faces.error):
        return None
    labelers = float(means.var(ddof=1)) / len(rows)
    if labelers <= 1e-12:
        return None
    within = 0.0
    for own, mean in zip(rows, means, strict=True):
        influence = (values[own] - mean) / len(own) / len(rows)
        within += dyadic_variance(influence, scored.left[own], scored.right[own], scored.images)
    through_faces = faces.error**2
    both = max(through_faces + labelers - within, through_faces, labelers)
    freedom = len(rows) - 1
    joint = both**2 / (labelers**2 / freedom + through_faces**2 / max(faces.images / 2 - 1, 1))
    return LabelerBounds(
        *_interval(faces.value, labelers, freedom, bounds),
        *_interval(faces.value, both, max(joint, 1.0), bounds),
    )


def _by_labeler(scored: ScoredPairs) -> list[Ints]:
    """The answers of each labeler, in the order of their codes."""
    owner, codes = pd.factorize(scored.labeler, sort=True)
    if not len(codes):
        return []
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, len(codes))))


def _interval(
    value: float, variance: float, freedom: float, bounds: tuple[float, float]
) -> tuple[float, float]:
    half = float(student.ppf(0.5 + LEVEL / 2, freedom)) * variance**0.5
    return max(value - half, bounds[0]), min(value + half, bounds[1])
