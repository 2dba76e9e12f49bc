"""Face effects: what labelers say of a face beyond what their heads predict, as slope and
curvature of their answers."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.heads.likelihood import RATING_VARIANCE, Ratings
from prism_desktop.engine.models.heads.space import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Derivatives of the log-likelihood by an addition
    to a labeler's score of an image, at no addition.

    One Newton step with the curvature's diagonal: an answer's two images are treated as if the
    other were known.
    """

    slope: Floats  # (labelers, attributes, images)
    curvature: Floats  # (labelers, attributes, images) >= 0; zero where a labeler said nothing

    def __add__(self, other: "Residuals") -> "Residuals":
        return Residuals(self.slope + other.slope, self.curvature + other.curvature)


def of_answers(scores: Floats, answers: Answers, overlap: float) -> Residuals:
    """Of choices, given what the heads say: scores (labelers, attributes, images), unmoderated."""
    u, a = answers.labeler, answers.attribute
    weight = answers.weight.astype(np.float64) * _overlap(answers, scores.shape, overlap)
    p = expit(scores[u, a, answers.left].astype(np.float64) - scores[u, a, answers.right])
    error, curve = weight * (answers.outcome - p), weight * p * (1 - p)
    left, right = (
        (u * scores.shape[1] + a) * scores.shape[2] + side for side in (answers.left, answers.right)
    )
    slope = _sums(left, error, scores.shape) - _sums(right, error, scores.shape)
    return Residuals(slope, _sums(left, curve, scores.shape) + _sums(right, curve, scores.shape))


def of_ratings(scores: Floats, ratings: Ratings) -> Residuals:
    """Of ratings: each labeler's offset and scale are those that fit the scores best."""
    slope, curvature = np.zeros(scores.shape), np.zeros(scores.shape)
    cell = ratings.labeler * scores.shape[1] + ratings.attribute
    for one in np.unique(cell):
        rows = np.flatnonzero(cell == one)
        u, a = divmod(int(one), scores.shape[1])
        value, predicted = ratings.value[rows], scores[u, a, ratings.image[rows]].astype(np.float64)
        value, predicted = value - value.mean(), predicted - predicted.mean()
        square = float(value @ value)
        if square == 0:
            continue
        cross, noise = float(value @ predicted), len(rows) * RATING_VARIANCE
        scale = (cross + np.sqrt(cross**2 + 4 * square * noise)) / (2 * square)
        np.add.at(slope[u, a], ratings.image[rows], (scale * value - predicted) / RATING_VARIANCE)
        np.add.at(curvature[u, a], ratings.image[rows], 1 / RATING_VARIANCE)
    return Residuals(slope, curvature)


def _overlap(answers: Answers, shape: tuple[int, ...], overlap: float) -> Floats:
    """(answers,) factors that keep a labeler's and
    attribute's weights at most `overlap` per image."""
    cell = answers.labeler * shape[1] + answers.attribute
    seen = np.concatenate([cell * shape[2] + answers.left, cell * shape[2] + answers.right])
    images = np.bincount(np.unique(seen) // shape[2], minlength=shape[0] * shape[1])
    total = np.bincount(cell, weights=answers.weight, minlength=shape[0] * shape[1])
    factor = np.minimum(1.0, overlap * images / np.maximum(total, 1e-12))
    return np.asarray(factor[cell])


def _sums(place: Ints, value: Floats, shape: tuple[int, ...]) -> Floats:
    return np.asarray(
        np.bincount(place, weights=value, minlength=int(np.prod(shape))), np.float64
    ).reshape(shape)
