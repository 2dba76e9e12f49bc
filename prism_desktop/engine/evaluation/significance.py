"""Does a method beat consensus: for how many labelers, by how much, and could it be chance.

The paired test of a gain is Student's t of its dyadic cluster-robust standard error
(`intervals.Estimate.p`): answers that share an image may depend on one another in any way, which
permuting single answers would deny. Where a method and consensus are alike but for noise it says "p
< 0.05" in at most 6 % of simulations. Wilcoxon's test treats labelers as a sample from all
labelers, which the t does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import rankdata
from scipy.stats import wilcoxon as scipy_wilcoxon

ALPHA = 0.05
IMPROVED = 0.6  # more than this share of labelers must gain
CATASTROPHE = -0.05  # a labeler who loses more than this, beyond chance, is let down
_EXACT = 14  # labelers up to whom all signs are tried, which is right with ties as well


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a method passes the success gate, with a reason per condition."""

    passed: bool
    reasons: tuple[str, ...]  # one sentence each, the failed conditions first

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "reasons": list(self.reasons)}


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (Scand.

    J. Stat. 1979) of a family of p-values; None stays None and counts not.
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


def over_labelers(gains: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """How a gain is spread over labelers.

    Args:
        gains: {code: {difference, low, high, ...}}, as in `report.gain`'s `per_labeler`.

    Returns:
        {improved: {share, labelers, of}, worst: {labeler, difference, low, high} or None,
        catastrophic: [codes], wilcoxon: p or None}. A labeler improves by any gain above 0.
        Catastrophic is who loses more than 5 points with an interval wholly below 0, so that
        neither a small loss nor a noisy one counts.
    """
    known = {code: row for code, row in gains.items() if row.get("difference") is not None}
    better = [code for code, row in known.items() if row["difference"] > 1e-12]
    worst = min(known, key=lambda code: known[code]["difference"], default=None)
    return {
        "improved": {
            "share": len(better) / len(known) if known else None,
            "labelers": len(better),
            "of": len(known),
        },
        "worst": {
            "labeler": worst,
            **{key: known[worst][key] for key in ("difference", "low", "high")},
        }
        if worst is not None
        else None,
        "catastrophic": sorted(
            c for c, row in known.items() if row["difference"] < CATASTROPHE and row["high"] < 0
        ),
        "wilcoxon": wilcoxon([row["difference"] for row in known.values()]),
    }


def gate(gain: Mapping[str, Any], p: float | None = None) -> Verdict:
    """The success gate: more than 60 % of labelers improve,
    none is let down, and the gain is beyond chance.

    Args:
        gain: what `report.gain` returns.
        p: adjusted for other methods tried; None for the macro gain's own.
    """
    spread = over_labelers(gain["per_labeler"])
    improved, worst, macro = spread["improved"], spread["worst"], gain["macro"]
    p = macro.get("p") if p is None else p
    value = macro.get("difference")
    if not improved["of"] or value is None:
        return Verdict(False, ("There are no tested answers to judge by.",))
    share = improved["share"] > IMPROVED
    harmless = not spread["catastrophic"]
    sure = p is not None and p < ALPHA and value > 0
    told = "unknown" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
    conditions = [
        (
            share,
            f"{improved['labelers']} of {improved['of']} labelers improve; more than "
            f"{IMPROVED:.0%} must.",
        ),
        (harmless, _worst_sentence(worst, spread["catastrophic"])),
        (
            sure,
            f"The mean gain over consensus is {100 * value:+.1f} points, p {_equals(told)}; it "
            f"must be above 0 with p below {ALPHA}.",
        ),
    ]
    ordered = sorted(conditions, key=lambda condition: condition[0])
    return Verdict(all(met for met, _ in conditions), tuple(reason for _, reason in ordered))


def _equals(told: str) -> str:
    return told if told.startswith("<") or told == "unknown" else f"= {told}"


def _worst_sentence(worst: Mapping[str, Any], catastrophic: Sequence[str]) -> str:
    limit = f"{-100 * CATASTROPHE:.0f} points"
    if catastrophic:
        return f"{', '.join(catastrophic)} lose more than {limit}, beyond chance."
    low, high = (100 * worst[key] for key in ("low", "high"))
    return (
        f"No labeler loses more than {limit} beyond chance; the worst is {worst['labeler']} with "
        f"{100 * worst['difference']:+.1f} points [{low:+.1f}, {high:+.1f}]."
    )
