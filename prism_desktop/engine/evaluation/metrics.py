"""Metrics of predicted choices between two images: accuracy, NLL, Brier, calibration.

Only decided pairs count (a tie has no right answer). Equal scores count as half right, never as
right. Weights are for training; in a metric every answer counts once.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.coded_columns import rows_in
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.pairs import Floats, Ints, image_codes
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.score_files import ScoreTable

BINS = 10


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Decided pairs beside what a model says of them; n rows in all arrays."""

    labeler: npt.NDArray[np.object_]  # (n,) codes
    attribute: npt.NDArray[np.object_]  # (n,) names
    left: Ints  # (n,) numbers of images
    right: Ints  # (n,)
    images: int  # number of different images
    chosen: npt.NDArray[np.bool_]  # (n,) True where the left image was chosen
    margin: Floats  # (n,) s_left - s_right, a logit
    ties: int  # pairs left out because they were ties

    def __len__(self) -> int:
        return len(self.margin)


def score_pairs(pairs: pd.DataFrame, predictions: pd.DataFrame | ScoreTable) -> ScoredPairs:
    """Look up each decided pair's two scores.

    Args:
        pairs: a pairs frame.
        predictions: scores, or a frame of them with labeler, attribute, image, score.

    Raises:
        InputError: if a pair has no prediction.
    """
    decided = pairs[pairs["outcome"] != 0.5]
    table = ScoreTable.of(predictions)
    return with_margin(pairs, look_up(table, decided, "left") - look_up(table, decided, "right"))


def with_margin(pairs: pd.DataFrame, margin: Floats) -> ScoredPairs:
    """Decided pairs beside given margins, one for each of them in their order."""
    decided = pairs[pairs["outcome"] != 0.5]
    left, right, images = image_codes(decided)
    return ScoredPairs(
        labeler=decided["labeler"].to_numpy(dtype=object),
        attribute=decided["attribute"].to_numpy(dtype=object),
        left=left,
        right=right,
        images=len(images),
        chosen=decided["outcome"].to_numpy(dtype=np.float64) > 0.5,
        margin=margin,
        ties=len(pairs) - len(decided),
    )


def correct(scored: ScoredPairs) -> Floats:
    """1 where the chosen image has the higher score,
    0.5 where the scores are equal, else 0; (n,)."""
    return hits(scored.margin, scored.chosen)


def hits(margin: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
    """The same of margins (n,) and of whether the left image was chosen (n,)."""
    return np.where(margin == 0, 0.5, (margin > 0) == chosen).astype(np.float64)


def nll(scored: ScoredPairs) -> Floats:
    """Negative log-likelihood of each answer in nats; (n,). Chance is log 2."""
    return np.logaddexp(0.0, np.where(scored.chosen, -scored.margin, scored.margin))


def brier(scored: ScoredPairs) -> Floats:
    """Squared error of P(left); (n,). Chance is 0.25."""
    return (probability(scored) - scored.chosen) ** 2


def probability(scored: ScoredPairs) -> Floats:
    """P(the left image is chosen); (n,)."""
    return np.exp(-np.logaddexp(0.0, -scored.margin))


def ece(scored: ScoredPairs, bins: int = BINS) -> float:
    """Expected calibration error: |confidence - accuracy|
    over bins of equally many answers, by confidence.

    Answers of equal confidence share their accuracy, so that a bin's border among them depends on
    no order.
    """
    if not len(scored):
        return float("nan")
    size = np.abs(scored.margin)
    confidence = np.exp(-np.logaddexp(0.0, -size))
    _, alike = np.unique(size, return_inverse=True)
    right = (np.bincount(alike, correct(scored)) / np.bincount(alike))[alike]
    parts = np.array_split(np.argsort(size, kind="stable"), min(bins, len(scored)))
    return float(
        sum(abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts)
        / len(scored)
    )


def look_up(table: ScoreTable, pairs: pd.DataFrame, side: str) -> Floats:
    """(n,) the scores of the images on one side, by whoever answered about whatever was asked.

    Raises:
        InputError: if there is none.
    """
    scores = find(table, pairs, side)
    missing = np.isnan(scores)
    if missing.any():
        row = pairs.iloc[int(np.argmax(missing))]
        raise InputError(
            f"{counted(int(missing.sum()), 'tested answer has', 'tested answers have')} no "
            "prediction, the first by "
            f"{row['labeler']} on {row['attribute']}; predict again with all labelers and "
            "images."
        )
    return scores


def find(table: ScoreTable, answers: pd.DataFrame, image: str) -> Floats:
    """(n,) the score of each answer's image, in a column of that name; NaN where there is none."""
    labeler, attribute, place = (
        rows_in(answers[column], known)
        for column, known in (
            ("labeler", table.labelers),
            ("attribute", table.attributes),
            (image, table.images),
        )
    )
    known = (labeler >= 0) & (attribute >= 0) & (place >= 0)
    scores = np.full(len(answers), np.nan)
    scores[known] = table.array[labeler[known], attribute[known], place[known]]
    return scores
