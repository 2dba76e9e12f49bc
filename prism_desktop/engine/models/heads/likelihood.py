"""The likelihood of a linear head: one labeler's choices between two images, and ratings."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.heads.space import Floats

# Utilities with Gumbel noise make choices logistic (Yellott 1977), so a rating of the same utility
# has this variance.
RATING_VARIANCE = np.pi**2 / 6


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Single ratings, (ratings,) each."""

    labeler: Ints  # row of the labeler
    attribute: Ints  # row of the attribute
    image: Ints  # row of the image
    value: Floats  # on the labeler's own scale: offset and spread are taken out

    def __len__(self) -> int:
        return len(self.labeler)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One labeler's answers on one attribute, in a space of k dimensions."""

    difference: Floats  # (n, k) left minus right
    outcome: Floats  # (n,) 1 left, 0 right, 0.5 tie
    weight: Floats  # (n,)
    rated: Floats  # (m, k) features of rated images about their mean; none is (0, k)
    value: Floats  # (m,) ratings about their mean, deviation 1
    scale: float = 1.0  # ratings times scale are utilities in logits

    @property
    def dims(self) -> int:
        """k."""
        return int(self.difference.shape[1])

    def log_likelihood(self, head: Floats) -> float:
        """Of the answers, given a head (k,)."""
        logit = self.difference @ head
        choices = np.sum(self.weight * (self.outcome * logit - np.logaddexp(0.0, logit)))
        if not len(self.value):
            return float(choices)
        error = self.scale * self.value - self.rated @ head
        fit = len(self.value) * (np.log(self.scale) - 0.5 * np.log(2 * np.pi * RATING_VARIANCE))
        return float(choices + fit - 0.5 * np.sum(error**2) / RATING_VARIANCE)

    def gradient(self, head: Floats) -> Floats:
        """(k,) of the log-likelihood."""
        error = self.weight * (self.outcome - expit(self.difference @ head))
        slope = error @ self.difference
        if len(self.value):
            slope = (
                slope + (self.scale * self.value - self.rated @ head) @ self.rated / RATING_VARIANCE
            )
        return np.asarray(slope)

    def information(self, head: Floats) -> Floats:
        """(k, k): minus the second derivative."""
        p = expit(self.difference @ head)
        matrix = (self.difference * (self.weight * p * (1 - p))[:, None]).T @ self.difference
        if len(self.value):
            matrix = matrix + self.rated.T @ self.rated / RATING_VARIANCE
        return np.asarray(matrix)

    def rescaled(self, head: Floats) -> "Block":
        """With the scale of the ratings that is most likely under a head.

        The root of d log-likelihood / d scale.
        """
        if not len(self.value):
            return self
        square, cross = float(self.value @ self.value), float(self.value @ (self.rated @ head))
        noise = len(self.value) * RATING_VARIANCE
        return replace(self, scale=(cross + np.sqrt(cross**2 + 4 * square * noise)) / (2 * square))


Likelihood = tuple[Block, ...]  # one labeler's, by attribute


def gather(
    projected: Floats,
    answers: Answers | None,
    ratings: Ratings | None,
    labelers: int,
    attributes: int,
    overlap: float,
) -> list[Likelihood]:
    """Every labeler's evidence.

    Args:
        projected: (images, k).
        answers, ratings: whatever there is of either.
        labelers, attributes: how many.
        overlap: answers that share images are not independent, and rating-derived pairs less so; a
            block's weights add up to at most `overlap` times its number of images. `inf` takes
            every answer as it is.
    """
    chosen = _cells(answers, labelers, attributes)
    rated = _cells(ratings, labelers, attributes)
    return [
        tuple(
            block(
                projected,
                answers,
                chosen[u * attributes + a],
                ratings,
                rated[u * attributes + a],
                overlap,
            )
            for a in range(attributes)
        )
        for u in range(labelers)
    ]


def block(
    projected: Floats,
    answers: Answers | None,
    rows: Ints,
    ratings: Ratings | None,
    rated: Ints,
    overlap: float,
) -> Block:
    """The evidence in some rows of the answers and ratings."""
    k = projected.shape[1]
    nothing = (np.zeros((0, k)), np.zeros(0), np.zeros(0))
    difference, outcome, weight = nothing
    if answers is not None and len(rows):
        left, right = answers.left[rows], answers.right[rows]
        difference = projected[left] - projected[right]
        outcome, weight = (
            answers.outcome[rows].astype(np.float64),
            answers.weight[rows].astype(np.float64),
        )
        images = len(np.unique(np.concatenate([left, right])))
        weight = weight * min(1.0, overlap * images / max(float(weight.sum()), 1e-12))
    faces, value, _ = nothing
    if ratings is not None and len(rated) > 1 and np.ptp(ratings.value[rated]) > 0:
        value = ratings.value[rated].astype(np.float64)
        value = (value - value.mean()) / value.std()
        faces = projected[ratings.image[rated]]
        faces = faces - faces.mean(0)
    return Block(difference, outcome, weight, faces, value)


def _cells(rows: Answers | Ratings | None, labelers: int, attributes: int) -> list[Ints]:
    """The rows of every labeler x attribute."""
    if rows is None:
        return [np.zeros(0, np.int64)] * (labelers * attributes)
    cell = rows.labeler * attributes + rows.attribute
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.searchsorted(cell[order], np.arange(1, labelers * attributes)))
