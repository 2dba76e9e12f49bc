"""The evaluation of a run on its test split.

Several seeds of one method may be given in place of one run's predictions: every quantity is then
averaged over them answer by answer (never the scores, which would make an ensemble), and intervals
are over images, with the seeds as given. `deviation`, the standard deviation of the seeds' macro
accuracies, tells how much they differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.ceiling import Ceiling, ceilings
from prism_desktop.engine.evaluation.intervals import RESAMPLES, Estimate, Resampled
from prism_desktop.engine.evaluation.labeler_intervals import LabelerBounds, labeler_bounds
from prism_desktop.engine.evaluation.metrics import ScoredPairs
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.ranking import held_out_ratings, spearman
from prism_desktop.engine.evaluation.significance import over_labelers
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Difference,
    Evaluation,
    Gain,
    RankCell,
    RankCorrelation,
    Result,
)
from prism_desktop.engine.runs.score_files import ScoreTable

Row = TypeVar("Row", Accuracy, Difference)
Scores = pd.DataFrame | ScoreTable
Predictions = Scores | Sequence[Scores]


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
        predictions: scores, or a frame of them with labeler, attribute, image, score. Several for
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
    table = _table(right, Estimate.accuracy)
    macro = _of_others(right, table.macro)
    loss = _mean([metrics.nll(one) for one in scored])
    by_labeler = pd.Series(loss).groupby(scored[0].labeler).mean()
    brier = _mean([metrics.brier(one) for one in scored])
    ranked = {}
    if ratings is not None:
        held = held_out_ratings(ratings, pairs) if "split" in pairs else ratings
        ranked["spearman"] = _mean_spearman(
            [spearman(held, frame) for frame in _frames(predictions)]
        )
    return Result(
        micro=table.micro,
        macro=macro,
        per_labeler={
            code: _under_ceiling(row, top.get(code)) for code, row in table.per_labeler.items()
        },
        per_attribute=table.per_attribute,
        per_labeler_attribute=table.per_labeler_attribute,
        **ranked,
        nll=_number(loss.mean() if len(loss) else np.nan),
        macro_nll=_number(by_labeler.mean()),
        brier=_number(brier.mean() if len(brier) else np.nan),
        ece=_number(float(np.mean([metrics.ece(one) for one in scored]))),
        ceiling={
            code: top[code].value if code in top else None
            for code in sorted(pairs["labeler"].unique())
        },
        ties=scored[0].ties,
        seeds=len(scored),
        deviation=_deviation(scored[0].labeler, hits),
    )


def _under_ceiling(row: Accuracy, top: Ceiling | None) -> Accuracy:
    if top is None:
        return row.model_copy(update={"ceiling": None, "of_ceiling": None})
    share = None if row.accuracy is None else row.accuracy / top.value
    told = {"ceiling_low": top.low, "ceiling_high": top.high, "repeats": top.n}
    return row.model_copy(update={"ceiling": top.value, "of_ceiling": share, **told})


def evaluate_against(
    pairs: pd.DataFrame,
    predictions: Predictions,
    consensus: Predictions | None,
    comparisons: pd.DataFrame | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    ratings: pd.DataFrame | None = None,
) -> Evaluation:
    """Test a method and the consensus on the same pairs and the same resamples.

    Args:
        pairs: a pairs frame with all splits.
        predictions: of the method, one frame or one per seed.
        consensus: predictions of the consensus run or runs; None where the method is the consensus.
        comparisons: `Study.comparisons()`.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        ratings: `Study.ratings()`.

    Returns:
        The test's results, and where a consensus is given those of it and the gain over it with
        paired intervals. What both are read against is tested apart, see `baselines`.
    """
    found = Evaluation(test=evaluate(pairs, predictions, comparisons, seed, resamples, ratings))
    if consensus is None:
        return found
    return found.model_copy(
        update={
            "consensus": evaluate(pairs, consensus, comparisons, seed, resamples, ratings),
            "gain": gain(held_out(pairs), predictions, consensus, seed, resamples),
        }
    )


def gain(
    test: pd.DataFrame,
    predictions: Predictions,
    other: Predictions,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Gain:
    """Accuracy of `predictions` minus that of `other`, averaged over the seeds of either."""
    mine, theirs = _score_pairs(test, predictions), _score_pairs(test, other)
    difference = _mean([metrics.correct(one) for one in mine]) - _mean(
        [metrics.correct(one) for one in theirs]
    )
    gained = Resampled(mine[0], difference, seed, resamples, bounds=(-1.0, 1.0))
    table = _table(gained, Estimate.difference)
    spread = over_labelers(table.per_labeler)
    return Gain(
        micro=table.micro,
        macro=_of_others(gained, table.macro),
        per_labeler=table.per_labeler,
        per_attribute=table.per_attribute,
        per_labeler_attribute=table.per_labeler_attribute,
        **spread.given(),
    )


def held_out(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows with split "test"; all of them where the frame has no such column."""
    return pairs[pairs["split"] == "test"] if "split" in pairs else pairs


def _frames(predictions: Predictions) -> list[Scores]:
    return [predictions] if isinstance(predictions, (pd.DataFrame, ScoreTable)) else [*predictions]


def _score_pairs(test: pd.DataFrame, predictions: Predictions) -> list[ScoredPairs]:
    return [metrics.score_pairs(test, frame) for frame in _frames(predictions)]


def _mean(values: Sequence[Floats]) -> Floats:
    return np.mean(np.stack(values), axis=0)  # type: ignore[no-any-return]


def _deviation(labeler: npt.NDArray[np.object_], hits: Sequence[Floats]) -> float | None:
    """Standard deviation of the seeds' macro accuracies; None for one seed."""
    macros = [float(pd.Series(hit).groupby(labeler).mean().mean()) for hit in hits]
    return _number(float(np.std(macros, ddof=1))) if len(macros) > 1 else None


def _mean_spearman(found: list[RankCorrelation]) -> RankCorrelation:
    """The seeds' correlations averaged, intervals included; the rated images are the same."""
    first = found[0]
    cells = {
        code: {
            attribute: _mean_cell(
                [one.per_labeler.get(code, {}).get(attribute, cell) for one in found]
            )
            for attribute, cell in row.items()
        }
        for code, row in first.per_labeler.items()
    }
    macros = [one.macro for one in found if one.macro is not None]
    return RankCorrelation(
        macro=float(np.mean(macros)) if macros else None, n=first.n, per_labeler=cells
    )


def _mean_cell(cells: Sequence[RankCell]) -> RankCell:
    rho, low, high = np.mean([(cell.rho, cell.low, cell.high) for cell in cells], axis=0)
    return RankCell(rho=float(rho), low=float(low), high=float(high), n=cells[0].n)


@dataclass(frozen=True, slots=True)
class _Table(Generic[Row]):
    """One quantity over all answers and over groups of them."""

    micro: Row
    macro: Row
    per_labeler: dict[str, Row]
    per_attribute: dict[str, Row]
    per_labeler_attribute: dict[str, dict[str, Row]]


def _table(right: Resampled, row: Callable[[Estimate], Row]) -> _Table[Row]:
    """One quantity over all answers, over labelers, and in every cell of labeler and attribute
    that was tested."""
    cells: dict[str, dict[str, Row]] = {}
    for code, attribute in right.cells:
        cells.setdefault(code, {})[attribute] = row(right.mean(code, attribute))
    return _Table(
        micro=row(right.mean()),
        macro=row(right.macro()),
        per_labeler={code: row(right.mean(code)) for code in right.labelers},
        per_attribute={
            attribute: row(right.mean(None, attribute)) for attribute in right.attributes
        },
        per_labeler_attribute=cells,
    )


def _of_others(right: Resampled, macro: Row) -> Row:
    """A mean over labelers with its intervals over labelers, and over labelers and faces; they are
    None where the labelers tell nothing of others."""
    found = labeler_bounds(right.macro(), right.scored, right.values, right.bounds)
    bounds = dict.fromkeys(LabelerBounds._fields) if found is None else found._asdict()
    return macro.model_copy(update=bounds)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
