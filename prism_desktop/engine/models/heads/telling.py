"""The choice of questions: which faces, or pairs of faces, would tell most of a labeler.

A rating tells of the utility of its face, a choice of the difference of two, and how much either
tells does not depend on what is answered. So questions are taken one after another, each time the
one of whose outcome least is known, as if those before were answered: D-optimal design, greedily.

Source: Fedorov, "Theory of optimal experiments" (1972).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.special import expit

from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.laplace import moderation
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Features, Floats

NO_IMAGE = -1  # to the right of a face that is rated
EVERY_ATTRIBUTE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """What may be asked, (questions,) each."""

    left: Ints  # rows of images; of a rating, its image
    right: Ints  # rows of images, `NO_IMAGE` where one face is rated
    attribute: Ints  # rows of attributes, `EVERY_ATTRIBUTE` where all are asked at once

    def __len__(self) -> int:
        return len(self.left)


def most_telling(
    heads: BayesHeads, features: Features, questions: Questions, count: int, labeler: int = 0
) -> Ints:
    """(count,) rows of the questions that would tell most of a labeler, the most telling first.

    The first ones of a longer choice are the shorter one.

    Args:
        heads: what is known of the labeler; of somebody new the heads after `adapt`.
        features: (images, d) that the questions' images are rows of.
        questions: what may be asked, each once.
        count: how many to choose, fewer where there are fewer.
        labeler: whose.
    """
    with one_thread():
        rows = _rows(heads, features, questions)
        covariance = heads.covariance(labeler)
        found = np.zeros(min(count, len(questions)), np.int64)
        seen = [rows @ covariance[part, part] for part in _parts(heads)]
        variance = np.stack([np.einsum("nk,nk->n", each, rows) for each in seen])
        weight = _weights(heads, rows, questions, variance, labeler)
        free = np.ones(len(questions), bool)
        for place in range(len(found)):
            gain = np.log1p(weight * np.maximum(variance, 0.0)).sum(0)
            found[place] = best = int(np.argmax(np.where(free, gain, -np.inf)))
            free[best] = False
            asked = np.flatnonzero(weight[:, best])
            covariance, told = _answered(covariance, rows[best], weight[asked, best], asked)
            for a, part in enumerate(_parts(heads)):
                variance[a] -= ((told[:, part] @ rows.T) ** 2).sum(0)
    return found


def _answered(
    covariance: Floats, row: Floats, weight: Floats, asked: Ints
) -> tuple[Floats, Floats]:
    """The covariance (D, D) once a row, (k,), was answered about on some attributes at once, with
    these precisions, and the (asked, D) whose squares it lost."""
    k = len(row)
    reached = np.stack([covariance[:, a * k : (a + 1) * k] @ row for a in asked])
    own = reached.reshape(len(asked), -1, k)[:, asked] @ row
    root = np.linalg.cholesky(own + np.diag(1 / weight))
    told = solve_triangular(root, reached, lower=True)
    return covariance - told.T @ told, told


def ratings_of_faces(images: Ints) -> Questions:
    """Each face rated on all attributes."""
    none = np.full(len(images), NO_IMAGE)
    return Questions(images, none, np.full(len(images), EVERY_ATTRIBUTE))


def choices_between(left: Ints, right: Ints) -> Questions:
    """Each pair compared on all attributes."""
    return Questions(left, right, np.full(len(left), EVERY_ATTRIBUTE))


def _parts(heads: BayesHeads) -> list[slice]:
    k = heads.space.dims
    return [slice(a * k, (a + 1) * k) for a in range(heads.attributes)]


def _rows(heads: BayesHeads, features: Features, questions: Questions) -> Floats:
    """(questions, k): what a head is multiplied with."""
    rated = questions.right == NO_IMAGE
    images = np.union1d(questions.left, questions.right[~rated])
    x = heads.space.project(features[images])
    rows = x[np.searchsorted(images, questions.left)]
    rows[~rated] -= x[np.searchsorted(images, questions.right[~rated])]
    return rows


def _weights(
    heads: BayesHeads, rows: Floats, questions: Questions, variance: Floats, labeler: int
) -> npt.NDArray[np.float64]:
    """(attributes, questions): precision of what an answer tells of its row's utility, 0 where an
    attribute is not asked; of a choice the expected curvature of its likelihood."""
    noise, steep = heads.noise[labeler][:, None], heads.steepness()[labeler][:, None]
    logit = steep * (heads.mean[labeler] @ rows.T) * moderation(steep**2 * variance)
    chance = expit(logit)
    weight = np.where(questions.right == NO_IMAGE, 1 / noise, steep**2 * chance * (1 - chance))
    asked = np.arange(heads.attributes)[:, None]
    every = questions.attribute == EVERY_ATTRIBUTE
    return np.asarray(weight * (every | (questions.attribute == asked)))
