"""The results of a run on its test split, as plain values for JSON.

Keys of `evaluate`: micro and macro {accuracy, low, high, n}; per_labeler {code: {..., ceiling,
of_ceiling}}; per_attribute; per_labeler_attribute {code: {attribute: ...}}; nll, brier, ece;
ceiling {code: value or None}; ties (left out); macro_nll; seeds and deviation; spearman, if ratings
are given.

Several seeds of one method may be given in place of one run's predictions: every quantity is then
averaged over them answer by answer (never the scores, which would make an ensemble), and intervals
are over images, with the seeds as given. `deviation`, the standard deviation of the seeds' macro
accuracies, tells how much they differ.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.evaluation import baselines, metrics
from prism_desktop.engine.evaluation.ceiling import ceilings
from prism_desktop.engine.evaluation.intervals import RESAMPLES, Estimate, Resampled
from prism_desktop.engine.evaluation.metrics import ScoredPairs
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.ranking import held_out_ratings, spearman
from prism_desktop.engine.evaluation.significance import over_labelers

Result = dict[str, Any]
Predictions = pd.DataFrame | Sequence[pd.DataFrame]


def evaluate(
    pairs: pd.DataFrame,
    predictions: Predictions,
    comparisons: pd.DataFrame | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    ratings: pd.DataFrame | None = None,
) -> Result:
    """Test predictions.

    Args:
        pairs: a pairs frame; its rows with split "test" are tested.
        predictions: labeler, attribute, image, score; score differences are logits. Several for
            several seeds.
        comparisons: `Study.comparisons()`, for the labelers' consistency and so their ceilings.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        ratings: `Study.ratings()`, for ceilings where few comparisons were repeated, and for rank
            correlations.

    Raises:
        InputError: if a tested answer has no prediction.
    """
    scored = _score_pairs(held_out(pairs), predictions)
    hits = [metrics.correct(one) for one in scored]
    right = Resampled(scored[0], _mean(hits), seed, resamples)
    top = ceilings(comparisons, ratings)
    out = _table(right)
    for code, row in out["per_labeler"].items():
        known = top.get(code)
        row["ceiling"] = known.value if known else None
        row["of_ceiling"] = row["accuracy"] / known.value if known else None
    loss = _mean([metrics.nll(one) for one in scored])
    by_labeler = pd.Series(loss).groupby(scored[0].labeler).mean()
    if ratings is not None:
        held = held_out_ratings(ratings, pairs) if "split" in pairs else ratings
        out["spearman"] = _mean_spearman([spearman(held, frame) for frame in _frames(predictions)])
    return out | {
        "nll": _number(loss.mean() if len(loss) else np.nan),
        "macro_nll": _number(by_labeler.mean()),
        "brier": _number(
            float(_mean([metrics.brier(one) for one in scored]).mean()) if len(loss) else np.nan
        ),
        "ece": _number(float(np.mean([metrics.ece(one) for one in scored]))),
        "ceiling": {
            code: top[code].value if code in top else None
            for code in sorted(pairs["labeler"].unique())
        },
        "ties": scored[0].ties,
        "seeds": len(scored),
        "deviation": _deviation(scored[0].labeler, hits),
    }


def evaluate_against(
    pairs: pd.DataFrame,
    predictions: Predictions,
    consensus: Predictions | None,
    comparisons: pd.DataFrame | None = None,
    zero_shot: pd.DataFrame | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    ratings: pd.DataFrame | None = None,
    ridge: pd.DataFrame | None = None,
) -> dict[str, Result]:
    """Test a method and what it must beat on the same pairs and the same resamples.

    Args:
        pairs: a pairs frame with all splits; training pairs tell each labeler's habitual side.
        predictions: of the method, one frame or one per seed.
        consensus: predictions of the consensus run or runs; None where the method is the consensus.
        comparisons: `Study.comparisons()`.
        zero_shot: predictions of the untrained backbone, if known.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        ratings: `Study.ratings()`.
        ridge: predictions of a ridge fitted to each labeler's own answers alone, if known.

    Returns:
        {"test": ..., "consensus": ... or absent, "gain": test minus consensus with paired intervals
        or absent, "baselines": {name: micro and macro accuracy with intervals, and a note on what
        the baseline knows}}.
    """
    out = {"test": evaluate(pairs, predictions, comparisons, seed, resamples, ratings)}
    if consensus is not None:
        out["consensus"] = evaluate(pairs, consensus, comparisons, seed, resamples, ratings)
        out["gain"] = gain(held_out(pairs), predictions, consensus, seed, resamples)
    out["baselines"] = baselines.evaluate(pairs, comparisons, zero_shot, seed, resamples, ridge)
    return out


def gain(
    test: pd.DataFrame,
    predictions: Predictions,
    other: Predictions,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Result:
    """Accuracy of `predictions` minus that of `other`, averaged over the seeds of either.

    Each row is {difference, low, high, n, p, error, images} of the paired difference; beside the
    tables of `evaluate` there are `improved`, `worst`, `catastrophic` and `wilcoxon`, see
    `significance.over_labelers`.
    """
    mine, theirs = _score_pairs(test, predictions), _score_pairs(test, other)
    difference = _mean([metrics.correct(one) for one in mine]) - _mean(
        [metrics.correct(one) for one in theirs]
    )
    table = _table(
        Resampled(mine[0], difference, seed, resamples, bounds=(-1.0, 1.0)), "difference"
    )
    return table | over_labelers(table["per_labeler"])


def held_out(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows with split "test"; all of them where the frame has no such column."""
    return pairs[pairs["split"] == "test"] if "split" in pairs else pairs


def _frames(predictions: Predictions) -> list[pd.DataFrame]:
    return [predictions] if isinstance(predictions, pd.DataFrame) else list(predictions)


def _score_pairs(test: pd.DataFrame, predictions: Predictions) -> list[ScoredPairs]:
    return [metrics.score_pairs(test, frame) for frame in _frames(predictions)]


def _mean(values: Sequence[Floats]) -> Floats:
    return np.mean(np.stack(values), axis=0)  # type: ignore[no-any-return]


def _deviation(labeler: npt.NDArray[np.object_], hits: Sequence[Floats]) -> float | None:
    """Standard deviation of the seeds' macro accuracies; None for one seed."""
    macros = [float(pd.Series(hit).groupby(labeler).mean().mean()) for hit in hits]
    return _number(float(np.std(macros, ddof=1))) if len(macros) > 1 else None


def _mean_spearman(found: list[Result]) -> Result:
    """The seeds' correlations averaged, intervals included; the rated images are the same."""
    cells = {
        code: {
            attribute: {
                key: float(
                    np.mean(
                        [
                            one["per_labeler"].get(code, {}).get(attribute, cell)[key]
                            for one in found
                        ]
                    )
                )
                if key != "n"
                else cell["n"]
                for key in cell
            }
            for attribute, cell in row.items()
        }
        for code, row in found[0]["per_labeler"].items()
    }
    macros = [one["macro"] for one in found if one["macro"] is not None]
    return {
        "macro": float(np.mean(macros)) if macros else None,
        "n": found[0]["n"],
        "per_labeler": cells,
    }


def _row(estimate: Estimate, name: str) -> dict[str, Any]:
    row = estimate.to_dict(name)
    if name == "difference":
        row |= {
            "p": _number(estimate.p),
            "error": _number(estimate.error),
            "images": estimate.images,
        }
    return row


def _table(right: Resampled, name: str = "accuracy") -> Result:
    pairs = right.cells
    return {
        "micro": _row(right.mean(), name),
        "macro": _row(right.macro(), name),
        "per_labeler": {code: _row(right.mean(code), name) for code in right.labelers},
        "per_attribute": {
            attribute: _row(right.mean(None, attribute), name) for attribute in right.attributes
        },
        "per_labeler_attribute": {
            code: {
                attribute: _row(right.mean(code, attribute), name)
                for owner, attribute in pairs
                if owner == code
            }
            for code in right.labelers
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
