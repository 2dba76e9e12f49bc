"""Who loses by a method beyond noise, of many people who answered few prompts each.

A person's own spread over three or four prompts is hardly known, so that Student's t alone finds
nobody among a hundred, whatever they lose. Spreads of people are therefore drawn to what is usual
among them, by as much as they differ from one another (moderated t: Smyth, "Linear models and
empirical Bayes methods for assessing differential expression", Stat. Appl. Genet. Mol. Biol. 3
(2004), section 6); p are one-sided and after Holm over people, as of many who lose nothing a few
would seem to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma, stdtr

Floats = NDArray[np.float64]
_LEAST: Final = 10  # people with a spread of their own, to know what is usual
_ROUNDING: Final = 1e-18  # of a variance
_MANY: Final = 1e6  # degrees of freedom where spreads do not differ beyond chance


class AskedValue(NamedTuple):
    """What a text of somebody says of them."""

    prompt: str
    value: float  # summed over its own tokens
    tokens: int


def over_prompts(texts: Sequence[AskedValue]) -> tuple[float, float, int]:
    """A person's mean, its standard error over prompts (0 of a single one), and how many these
    are."""
    tokens = max(1, sum(one.tokens for one in texts))
    value = sum(one.value for one in texts) / tokens
    off: dict[str, float] = {}  # texts that answer one prompt depend on one another
    for prompt, one, count in texts:
        off[prompt] = off.get(prompt, 0.0) + (one - value * count) / tokens
    if len(off) < 2:
        return value, 0.0, len(off)
    squares = sum(one**2 for one in off.values())
    return value, math.sqrt(squares * len(off) / (len(off) - 1)), len(off)


def let_down(own: Mapping[str, Sequence[AskedValue]]) -> tuple[str, ...]:
    """Who loses beyond noise, at 5 % over all who answered several prompts.

    Args:
        own: of each person what a method saves of their texts; below 0 is a loss.
    """
    from prism_desktop.engine.evaluation.significance import ALPHA, holm  # needs scipy.stats

    known = {code: over_prompts(texts) for code, texts in own.items()}
    several = {code: one for code, one in known.items() if one[2] > 1}
    if not several:
        return ()
    value, error, prompts = (np.array(column) for column in zip(*several.values(), strict=True))
    spread, freedom = drawn_together(error**2 * prompts, prompts - 1)
    error = np.sqrt(spread / prompts)
    # without any spread what is lost is lost for sure
    sure = np.where(value < 0, -np.inf, 0.0)
    far = np.divide(value, error, out=sure, where=error > 0)
    p = np.where(value < 0, stdtr(freedom, far), 1.0)
    return tuple(
        code for code, one in zip(several, holm(p.tolist()), strict=True)
        if one is not None and one < ALPHA
    )  # fmt: skip


def drawn_together(variances: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Variances drawn to what is usual among them, and their degrees of freedom.

    Args:
        variances: (people,); one that is none but for rounding tells nothing of what is usual, and
            stays.
        freedom: (people,) degrees of freedom of each, 1 or more.

    Returns:
        (people,) variances, and (people,) degrees of freedom, never more than all have together.
    """
    told = variances > _ROUNDING
    if told.sum() < _LEAST:
        return variances, freedom.astype(np.float64)
    half = freedom[told] / 2
    logs = np.log(variances[told]) - digamma(half) + np.log(half)
    beyond = float(logs.var(ddof=1) - polygamma(1, half).mean())
    if beyond <= 0:  # no more apart than chance has it: all have one
        prior, usual = _MANY, float(np.average(variances[told], weights=freedom[told]))
    else:
        prior = 2 * _trigamma_inverse(beyond)
        usual = math.exp(float(logs.mean()) + float(digamma(prior / 2)) - math.log(prior / 2))
    drawn = (prior * usual + freedom * variances) / (prior + freedom)
    known = np.minimum(prior + freedom, freedom[told].sum())
    return np.where(told, drawn, variances), np.where(told, known, freedom)


def _trigamma_inverse(wanted: float) -> float:
    """Where the trigamma function is `wanted`, above 0."""
    low, high = 1e-6, _MANY
    if wanted <= float(polygamma(1, high)):
        return high
    return float(brentq(lambda x: float(polygamma(1, x)) - wanted, low, high))
