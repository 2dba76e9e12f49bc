"""The results of a run on its test split, as plain values for JSON.

Keys of `evaluate`: micro and macro {accuracy, low, high, n}; per_labeler {code: {..., ceiling, of_ceiling}};
per_attribute; per_labeler_attribute {code: {attribute: ...}}; nll, brier, ece; ceiling {code: value or None};
ties (left out); macro_nll.
"""

from typing import Any

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation import baselines, metrics
from prism_desktop.engine.evaluation.ceiling import ceilings
from prism_desktop.engine.evaluation.intervals import RESAMPLES, Resampled

Result = dict[str, Any]


def evaluate(
    pairs: pd.DataFrame,
    predictions: pd.DataFrame,
    comparisons: pd.DataFrame | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Result:
    """Test predictions.

    Args:
        pairs: a pairs frame; its rows with split "test" are tested.
        predictions: labeler, attribute, image, score; score differences are logits.
        comparisons: `Study.comparisons()`, for the labelers' consistency and so their ceilings.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        InputError: if a tested answer has no prediction.
    """
    judged = metrics.judge(held_out(pairs), predictions)
    right = Resampled(judged, metrics.correct(judged), seed, resamples)
    top = ceilings(comparisons) if comparisons is not None and len(comparisons) else {}
    out = _table(right)
    for code, row in out["per_labeler"].items():
        known = top.get(code)
        row["ceiling"] = known.value if known else None
        row["of_ceiling"] = row["accuracy"] / known.value if known else None
    loss = metrics.nll(judged)
    by_labeler = pd.Series(loss).groupby(judged.labeler).mean()
    return out | {
        "nll": _number(loss.mean() if len(loss) else np.nan),
        "macro_nll": _number(by_labeler.mean()),
        "brier": _number(metrics.brier(judged).mean() if len(loss) else np.nan),
        "ece": _number(metrics.ece(judged)),
        "ceiling": {code: top[code].value if code in top else None for code in sorted(pairs["labeler"].unique())},
        "ties": judged.ties,
    }


def evaluate_against(
    pairs: pd.DataFrame,
    predictions: pd.DataFrame,
    consensus: pd.DataFrame | None,
    comparisons: pd.DataFrame | None = None,
    zero_shot: pd.DataFrame | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Result]:
    """Test a method and what it must beat on the same pairs and the same resamples.

    Args:
        pairs: a pairs frame with all splits; training pairs tell each labeler's habitual side.
        consensus: predictions of the consensus run; None where the method is the consensus.
        zero_shot: predictions of the untrained backbone, if known.

    Returns:
        {"test": ..., "consensus": ... or absent, "gain": test minus consensus with paired intervals or absent,
        "baselines": {name: micro and macro accuracy with intervals, and a note on what the baseline knows}}.
    """
    out = {"test": evaluate(pairs, predictions, comparisons, seed, resamples)}
    if consensus is not None:
        out["consensus"] = evaluate(pairs, consensus, comparisons, seed, resamples)
        out["gain"] = gain(held_out(pairs), predictions, consensus, seed, resamples)
    out["baselines"] = baselines.evaluate(pairs, comparisons, zero_shot, seed, resamples)
    return out


def gain(
    test: pd.DataFrame, predictions: pd.DataFrame, other: pd.DataFrame, seed: int = 0, resamples: int = RESAMPLES
) -> Result:
    """Accuracy of `predictions` minus that of `other`; intervals are of the paired difference."""
    mine, theirs = metrics.judge(test, predictions), metrics.judge(test, other)
    difference = metrics.correct(mine) - metrics.correct(theirs)
    return _table(Resampled(mine, difference, seed, resamples, bounds=(-1.0, 1.0)), "difference")


def held_out(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows with split "test"; all of them where the frame has no such column."""
    return pairs[pairs["split"] == "test"] if "split" in pairs else pairs


def _table(right: Resampled, name: str = "accuracy") -> Result:
    pairs = right.cells
    return {
        "micro": right.mean().to_dict(name),
        "macro": right.macro().to_dict(name),
        "per_labeler": {code: right.mean(code).to_dict(name) for code in right.labelers},
        "per_attribute": {attribute: right.mean(None, attribute).to_dict(name) for attribute in right.attributes},
        "per_labeler_attribute": {
            code: {attribute: right.mean(code, attribute).to_dict(name) for owner, attribute in pairs if owner == code}
            for code in right.labelers
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
