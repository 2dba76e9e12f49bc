"""Answers of one or many labelers as one person's, held by the faces that they are about.

A face is in many pairs, so whatever runs over features runs over faces, and only what runs over
numbers runs over pairs: the information is x' L x with the Laplacian L of the weighted graph of
pairs, in place of the same over the differences of all pairs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads.space import Floats

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FacePairs:
    """Pairs of faces, and which was chosen.

    Attributes:
        x: (m, k) of the faces that occur.
        left, right: (n,) rows of `x`.
        outcome: (n,) 1 left, 0 right, 0.5 tie.
        weight: (n,).
        order: (2 n,) both directions of the pairs, sorted by the face that they start at.
        ends: (2 n,) the faces that those end at.
        starts: (m + 1,) where those of each face begin.
    """

    x: Floats
    left: Ints
    right: Ints
    outcome: Floats
    weight: Floats
    order: Ints
    ends: Ints
    starts: Ints

    @classmethod
    def of(cls, projected: Floats, answers: Answers, weight: Floats) -> "FacePairs":
        """Of answers on one attribute, with (images, k) features and (n,) weights."""
        n = len(answers)
        faces, rows = np.unique(np.concatenate([answers.left, answers.right]), return_inverse=True)
        left, right = rows[:n], rows[n:]
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(len(faces) + 1))
        ends = np.concatenate([right, left])[order]
        outcome = answers.outcome.astype(np.float64)
        return cls(projected[faces], left, right, outcome, weight, order, ends, starts)

    @property
    def dims(self) -> int:
        """k."""
        return int(self.x.shape[1])

    def logit(self, head: Floats) -> Floats:
        """(n,) of the left face being chosen, given a head (k,)."""
        score = self.x @ head
        return np.asarray(score[self.left] - score[self.right])

    def log_likelihood(self, head: Floats) -> float:
        """Of the answers."""
        logit = self.logit(head)
        return float(self.weight @ (self.outcome * logit - np.logaddexp(0.0, logit)))

    def gradient(self, head: Floats) -> Floats:
        """(k,) of the log-likelihood."""
        error = self.weight * (self.outcome - expit(self.logit(head)))
        m = len(self.x)
        pull = np.bincount(self.left, error, m) - np.bincount(self.right, error, m)
        return np.asarray(pull @ self.x)

    def information(self, head: Floats) -> Floats:
        """(k, k): minus the second derivative."""
        from scipy.sparse import csr_array  # which whoever enters need not wait for

        p = expit(self.logit(head))
        bend = self.weight * p * (1 - p)
        m, both = len(self.x), np.concatenate([bend, bend])[self.order]
        joined = csr_array((both, self.ends, self.starts), shape=(m, m)) @ self.x
        degree = np.bincount(self.left, bend, m) + np.bincount(self.right, bend, m)
        return np.asarray(self.x.T @ (degree[:, None] * self.x - joined))


def discounted(answers: Answers, labelers: int, attributes: int, overlap: float) -> Floats:
    """(n,) weights of answers, of which one labeler's on one attribute add up to at most
    `overlap` times the number of their images (see `likelihood.gather`)."""
    weight = answers.weight.astype(np.float64)
    cell = answers.labeler * attributes + answers.attribute
    count = labelers * attributes
    images = int(max(answers.left.max(initial=0), answers.right.max(initial=0))) + 1
    shown = np.unique(np.concatenate([cell * images + answers.left, cell * images + answers.right]))
    most = (
        overlap * np.bincount(shown // images, minlength=count) if np.isfinite(overlap) else np.inf
    )
    given = np.maximum(np.bincount(cell, weight, count), 1e-12)
    return np.asarray(weight * np.minimum(1.0, most / given)[cell])


def by_labeler(answers: Answers, labelers: int) -> list[Answers]:
    """Each labeler's answers, in their order."""
    order = np.argsort(answers.labeler, kind="stable")
    ends = np.searchsorted(answers.labeler[order], np.arange(1, labelers))
    return [select(answers, rows) for rows in np.split(order, ends)]
