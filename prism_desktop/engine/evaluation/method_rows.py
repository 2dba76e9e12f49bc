"""Methods side by side: what each gains over consensus, for
whom, at what cost, and whether that could be chance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prism_desktop.engine.evaluation.intervals import LEVEL, p_of
from prism_desktop.engine.evaluation.significance import gate, holm, over_labelers

Summary = Mapping[str, Any]


def leaderboard(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """One row per method, the best macro accuracy first.

    Several summaries of a method are its seeds. Their numbers are averaged, bounds of intervals and
    standard errors included: a mean of estimates never has a larger standard error than its parts
    on average, so the intervals, which are over images, are safe. How much seeds differ is told
    apart, as `deviation`. (Where all seeds share their test pairs, `report.evaluate` with all
    predictions at once gives the exact, narrower intervals.)

    Args:
        summaries: what `train --json` prints: method, test, gain (absent for consensus),
            parameters, seconds or seconds_per_epoch and epochs.

    Returns:
        Rows of method, seeds, deviation, micro, macro {accuracy, low, high, n}, nll, macro_nll,
        brier, ece, of_ceiling (mean over labelers who have a ceiling), gain {value, low, high, p,
        p_holm} or None, improved {share, labelers, of} or None, worst {labeler, difference, low,
        high} or None, wilcoxon, parameters, seconds, bytes_per_labeler, verdict {passed, reasons}
        or None, test and per_labeler_gain (for plots). Holm's adjustment is over the methods that
        have a gain.
    """
    groups: dict[str, list[Summary]] = defaultdict(list)
    for summary in summaries:
        groups[str(summary["method"])].append(summary)
    rows = [_row(method, group) for method, group in groups.items()]
    for row, p in zip(rows, holm([row["gain"] and row["gain"]["p"] for row in rows]), strict=True):
        if row["gain"] is not None:
            row["gain"]["p_holm"] = p
            row["verdict"] = gate(row.pop("_gain"), p).to_dict()
    return sorted(rows, key=lambda row: -(row["macro"].get("accuracy") or 0.0))


def methods_json(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`methods` of `compare --json`: {method, test, gain {value,
    low, high, p}, improved, parameters, seconds, ...}.

    The gain's p is Holm-adjusted, `p_raw` is not; `improved` is the share of labelers. Consensus
    has gain None.
    """
    out = []
    for row in rows:
        gain = row["gain"]
        told = gain and {
            **{key: gain[key] for key in ("value", "low", "high")},
            "p": gain["p_holm"],
            "p_raw": gain["p"],
        }
        improved = row["improved"]["share"] if row["improved"] else None
        rest = {
            key: row[key]
            for key in ("worst", "wilcoxon", "verdict", "seeds", "deviation", "of_ceiling")
        }
        known = {
            key: row[key]
            for key in ("method", "test", "parameters", "seconds", "bytes_per_labeler")
        }
        out.append({**known, "gain": told, "improved": improved, **rest})
    return out


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


def _row(method: str, group: Sequence[Summary]) -> dict[str, Any]:
    test = averaged([summary["test"] for summary in group])
    macros = [summary["test"]["macro"]["accuracy"] for summary in group]
    shares = [row.get("of_ceiling") for row in (test.get("per_labeler") or {}).values()]
    known = [share for share in shares if share is not None]
    deviation = float(np.std(macros, ddof=1)) if len(macros) > 1 else test.get("deviation")
    row: dict[str, Any] = {
        "method": method,
        "seeds": sum(int(summary["test"].get("seeds") or 1) for summary in group),
        "deviation": deviation,
        **{key: test.get(key) for key in ("micro", "macro", "nll", "macro_nll", "brier", "ece")},
        "of_ceiling": float(np.mean(known)) if known else None,
        "parameters": _parameters(averaged([summary.get("parameters") for summary in group])),
        "seconds": averaged([_seconds(summary) for summary in group]),
        "bytes_per_labeler": averaged([summary.get("bytes_per_labeler") for summary in group]),
        **dict.fromkeys(("gain", "improved", "worst", "wilcoxon", "verdict", "per_labeler_gain")),
        "test": test,
    }
    gains = [summary["gain"] for summary in group if summary.get("gain")]
    if gains and method != "consensus":
        mean = _with_p(averaged(gains))
        spread = over_labelers(mean["per_labeler"])
        macro = mean["macro"]
        row["gain"] = {
            "value": macro["difference"],
            **{key: macro[key] for key in ("low", "high", "p")},
        }
        row |= {key: spread[key] for key in ("improved", "worst", "wilcoxon")}
        row |= {"per_labeler_gain": mean["per_labeler"], "_gain": mean}
    return row


def _with_p(gain: dict[str, Any]) -> dict[str, Any]:
    """The p of an averaged macro gain follows from its
    averaged standard error, not from averaged p-values."""
    macro = dict(gain["macro"])
    if macro.get("difference") is not None:
        error, images = macro.get("error"), macro.get("images")
        if error is None or images is None:  # a summary written before these were kept
            error, images = (macro["high"] - macro["low"]) / (2 * _normal(LEVEL)), 1_000_000
        macro["p"] = p_of(macro["difference"], float(error), int(images))
    return {**gain, "macro": {"p": None, **macro}}


def _normal(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))


def _parameters(found: Any) -> int | None:
    """How many numbers were trained; a run tells {lora, tokens, trainable} or one number."""
    if isinstance(found, Mapping):
        parts = [float(value) for value in found.values() if isinstance(value, int | float)]
        return round(float(found.get("trainable", sum(parts))))
    return None if found is None else round(float(found))


def _seconds(summary: Summary) -> float | None:
    """How long the training took, as told or from its epochs."""
    if summary.get("seconds") is not None:
        return float(summary["seconds"])
    each, epochs = summary.get("seconds_per_epoch"), summary.get("epochs")
    return None if each is None or not epochs else float(each) * int(epochs)
