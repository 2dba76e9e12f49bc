"""The rows of a leaderboard: what each method gains over consensus, for whom, at what cost, and
whether that could be chance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from prism_desktop.engine.evaluation.intervals import LEVEL, p_of
from prism_desktop.engine.evaluation.significance import gate, holm, over_labelers
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.runs.leaderboard_file import MethodRow
from prism_desktop.engine.runs.result_files import Gain, MacroGain, Summary
from prism_desktop.engine.runs.stored import Stored

Record = TypeVar("Record", bound=Stored)


def rank_methods(summaries: Sequence[Summary]) -> list[MethodRow]:
    """One row per method, the best macro accuracy first.

    Several summaries of a method are its seeds. Their numbers are averaged, bounds of intervals and
    standard errors included: a mean of estimates never has a larger standard error than its parts
    on average, so the intervals, which are over images, are safe. How much seeds differ is told
    apart, as `deviation`. (Where all seeds share their test pairs, `report.evaluate` with all
    predictions at once gives the exact, narrower intervals.)

    Args:
        summaries: method, test, gain (None for consensus), and what the training cost.

    Returns:
        Rows; the p of a gain is adjusted after Holm over the methods that have one, `p_raw` is not.
    """
    groups: dict[str, list[Summary]] = defaultdict(list)
    for summary in summaries:
        groups[summary.method].append(summary)
    gains = [_gain(method, group) for method, group in groups.items()]
    adjusted = holm([gain.macro.p if gain is not None else None for gain in gains])
    rows = [
        _row(method, group, gain, p)
        for (method, group), gain, p in zip(groups.items(), gains, adjusted, strict=True)
    ]
    return sorted(rows, key=lambda row: -(row.test.macro.accuracy or 0.0))


def mean_record(records: Sequence[Record]) -> Record:
    """Records of one class averaged number by number, see `averaged`; at least one."""
    return type(records[0]).parse(averaged([record.dump() for record in records]))


def averaged(values: Sequence[Any]) -> Any:
    """JSON values of equal shape averaged number by number.

    What is None or missing in one is left out of the mean.
    """
    present = [value for value in values if value is not None]
    if not present:
        return None
    first = present[0]
    if isinstance(first, Mapping):
        keys = dict.fromkeys(key for value in present for key in value)
        return {key: averaged([value.get(key) for value in present]) for key in keys}
    if isinstance(first, bool) or not isinstance(first, int | float):
        return first
    mean = float(np.mean(present))
    return round(mean) if all(isinstance(value, int) for value in present) else mean


def _row(method: str, group: Sequence[Summary], gain: Gain | None, p: float | None) -> MethodRow:
    """A method's row: results averaged over its runs, and gains only where a consensus was
    compared with."""
    test = mean_record([summary.test for summary in group])
    macros = [m for summary in group if (m := summary.test.macro.accuracy) is not None]
    shares = [row.of_ceiling for row in test.per_labeler.values() if row.of_ceiling is not None]
    spread = over_labelers(gain.per_labeler) if gain is not None else None
    improved = spread.improved if spread is not None else None
    return MethodRow(
        method=method,
        test=test,
        parameters=averaged([summary.trained for summary in group]),
        seconds=averaged([summary.training_seconds for summary in group]),
        bytes_per_labeler=averaged([summary.bytes_per_labeler for summary in group]),
        gain=None if gain is None else _macro_gain(gain, p),
        improved=improved.share if improved is not None else None,
        worst=spread.worst if spread is not None else None,
        wilcoxon=spread.wilcoxon if spread is not None else None,
        verdict=gate(gain, p) if gain is not None else None,
        seeds=sum(summary.test.seeds or 1 for summary in group),
        deviation=float(np.std(macros, ddof=1)) if len(macros) > 1 else test.deviation,
        of_ceiling=float(np.mean(shares)) if shares else None,
    )


def _macro_gain(gain: Gain, p: float | None) -> MacroGain:
    raw = MacroGain.of(gain)
    return raw.model_copy(update={"p": p, "p_raw": raw.p})


def _gain(method: str, group: Sequence[Summary]) -> Gain | None:
    """A method's gain averaged over seeds; None for the consensus.

    The p of an averaged macro gain follows from its averaged standard error, not from averaged
    p-values.
    """
    gains = [summary.gain for summary in group if summary.gain is not None]
    if not gains or method == CONSENSUS:
        return None
    mean = mean_record(gains)
    macro = mean.macro
    if macro.difference is None:
        return mean
    error, images = macro.error, macro.images
    if error is None or images is None:  # a summary written before these were kept
        assert macro.low is not None
        assert macro.high is not None
        error, images = (macro.high - macro.low) / (2 * _normal(LEVEL)), 1_000_000
    p = p_of(macro.difference, error, images)
    return mean.model_copy(update={"macro": macro.model_copy(update={"p": p})})


def _normal(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))
