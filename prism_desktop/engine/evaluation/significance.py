"""Tests of a method's gain over consensus: for how many labelers, by how much, and could it be
chance.

The paired test of a gain is Student's t of its dyadic cluster-robust standard error
(`intervals.Estimate.p`): answers that share an image may depend on one another in any way, which
permuting single answers would deny. Where a method and consensus are alike but for noise it says "p
< 0.05" in at most 6 % of simulations. Wilcoxon's test treats labelers as a sample from all
labelers, which the t does not.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from scipy.stats import rankdata
from scipy.stats import wilcoxon as scipy_wilcoxon

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.leaderboard_file import Verdict
from prism_desktop.engine.runs.result_files import (
    Difference,
    Gain,
    Improved,
    Spread,
    Worst,
)

ALPHA = 0.05
IMPROVED = 0.6  # more than this share of labelers must gain
CATASTROPHE = -0.05  # a labeler who loses more than this, beyond chance, is let down
_EXACT = 14  # labelers up to whom all signs are tried, which is right with ties as well


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment of a family of p-values; None stays None and counts not.

    Source: Holm, Scand. J. Stat. 1979.
    """
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None and not np.isnan(p))
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, place) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = highest
    return adjusted


def wilcoxon(differences: Sequence[float]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test over
    labelers' gains; None with fewer than two labelers.

    Labelers without any change are left out (Wilcoxon's own rule); if none changed, p is 1. With
    six labelers the smallest possible p is 0.031.
    """
    found = np.asarray(
        [difference for difference in differences if difference is not None], dtype=np.float64
    )
    # equal sizes are ties, whatever the last bits say
    found = np.round(found[~np.isnan(found)], 12)
    if len(found) < 2:
        return None
    changed = found[found != 0]
    if not len(changed):
        return 1.0
    ranks = rankdata(np.abs(changed))
    if len(changed) > _EXACT:
        return float(scipy_wilcoxon(changed, method="approx").pvalue)
    signs = np.array(list(product((0.0, 1.0), repeat=len(changed))))
    off = np.abs(signs @ ranks - ranks.sum() / 2)
    return float((off >= abs(ranks[changed > 0].sum() - ranks.sum() / 2) - 1e-9).mean())


def over_labelers(gains: Mapping[str, Difference]) -> Spread:
    """How a gain is spread over labelers.

    Args:
        gains: by labeler, as in `Gain.per_labeler`.

    Returns:
        A labeler improves by any gain above 0. Catastrophic is who loses more than 5 points with an
        interval wholly below 0, so that neither a small loss nor a noisy one counts.
    """
    known = {
        code: Worst(labeler=code, difference=row.difference, low=row.low, high=row.high)
        for code, row in gains.items()
        if row.difference is not None and row.low is not None and row.high is not None
    }
    better = sum(row.difference > 1e-12 for row in known.values())
    share = better / len(known) if known else None
    return Spread(
        improved=Improved(share=share, labelers=better, of=len(known)),
        worst=min(known.values(), key=lambda row: row.difference, default=None),
        catastrophic=tuple(
            sorted(c for c, row in known.items() if row.difference < CATASTROPHE and row.high < 0)
        ),
        wilcoxon=wilcoxon([row.difference for row in known.values()]),
    )


def gate(gain: Gain, p: float | None = None) -> Verdict:
    """The success gate: more than 60 % of labelers improve,
    none is let down, and the gain is beyond chance.

    Args:
        gain: over the consensus.
        p: adjusted for other methods tried; None for the macro gain's own.
    """
    spread, macro = over_labelers(gain.per_labeler), gain.macro
    improved, worst = spread.improved, spread.worst
    p = macro.p if p is None else p
    value = macro.difference
    if improved is None or improved.share is None or worst is None or value is None:
        return Verdict(passed=False, reasons=("There are no tested answers to judge by.",))
    sure = p is not None and p < ALPHA and value > 0
    told = "unknown" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
    conditions = [
        (
            improved.share > IMPROVED,
            f"{improved.labelers} of {counted(improved.of, 'labeler')} improve; more than "
            f"{IMPROVED:.0%} must.",
        ),
        (not spread.catastrophic, _worst_sentence(worst, spread.catastrophic)),
        (
            sure,
            f"The mean gain over consensus is {100 * value:+.1f} points, p {_equals(told)}; it "
            f"must be above 0 with p below {ALPHA}.",
        ),
    ]
    ordered = sorted(conditions, key=lambda condition: condition[0])
    return Verdict(
        passed=all(met for met, _ in conditions), reasons=tuple(reason for _, reason in ordered)
    )


def _equals(told: str) -> str:
    return told if told.startswith("<") or told == "unknown" else f"= {told}"


def _worst_sentence(worst: Worst, catastrophic: Sequence[str]) -> str:
    limit = f"{-100 * CATASTROPHE:.0f} points"
    if catastrophic:
        return f"{', '.join(catastrophic)} lose more than {limit}, beyond chance."
    low, high = 100 * worst.low, 100 * worst.high
    return (
        f"No labeler loses more than {limit} beyond chance; the worst is {worst.labeler} with "
        f"{100 * worst.difference:+.1f} points [{low:+.1f}, {high:+.1f}]."
    )
