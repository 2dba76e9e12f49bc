"""Variance components of ratings: how much of them is the face, the labeler, their meeting, noise.

    rating = mean + face_i + labeler_u + meeting_iu + noise

all normal, any cells missing, by restricted maximum likelihood. Face is what labelers share, the
meeting is private taste, and only repeats tell it from noise.

Source: Patterson and Thompson, Biometrika 1971; Shrout and Fleiss, Psychological Bulletin 1979
(ICC); Hönekopp, JEP:HPP 2006 (beholder index, here without the labelers' levels). Intervals by the
curvature in the logarithms of the variances.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.quality.own_consistency import NONE

_LEAST = -9.0  # logarithm of the smallest share of the whole variance
_DRAWS = 4000
_STEP = 0.05  # of the curvature's differences
_MOST_LABELERS = 300
FEWEST_REPEATS = 10
_EXCLUDED = 1.92  # drop of the log likelihood at the end of a 95 % interval
_OPEN = 12.0  # largest standard deviation of a logarithm that the answers say nothing about


@dataclass(frozen=True, slots=True)
class Components:
    """What ratings of one attribute are made of, as draws from their distribution.

    Attributes:
        value: face, labeler, meeting, noise; without repeats the meeting is in the noise.
        draws: (draws, 4) the same, as far as the ratings leave them open.
        repeats: cells with several ratings.
        n: ratings.
        per_face: labelers per face, harmonic mean.
    """

    value: Floats
    draws: Floats
    repeats: int
    n: int
    per_face: float

    @property
    def tells_private(self) -> bool:
        """Whether there are repeats enough to tell private taste from noise."""
        return self.repeats >= FEWEST_REPEATS

    def estimate(self, function: Callable[[Floats], Floats]) -> Estimate:
        """A function of the four variances, with its 95 % interval."""
        value = float(function(self.value[None])[0])
        low, high = np.quantile(function(self.draws), [0.025, 0.975])
        return Estimate(value, min(float(low), value), max(float(high), value), self.n)

    def icc(self, labelers: float = 1) -> Estimate:
        """ICC(2, k): absolute agreement of the mean of k labelers."""
        return self.estimate(lambda v: v[:, 0] / (v[:, 0] + v[:, 1:].sum(1) / labelers))

    def shared(self) -> Estimate:
        """Share of the face in one rating, the labelers' levels apart: ICC(3, 1)."""
        return self.estimate(lambda v: v[:, 0] / (v[:, 0] + v[:, 2] + v[:, 3]))

    def private(self) -> Estimate:
        """Share of private taste likewise."""
        return self._told(lambda v: v[:, 2] / (v[:, 0] + v[:, 2] + v[:, 3]))

    def noise(self) -> Estimate:
        """Share of noise likewise."""
        return self._told(lambda v: v[:, 3] / (v[:, 0] + v[:, 2] + v[:, 3]))

    def beholder(self) -> Estimate:
        """Private taste among what is not noise: 0 all see alike, 1 nobody agrees."""
        return self._told(lambda v: v[:, 2] / (v[:, 0] + v[:, 2]))

    def _told(self, function: Callable[[Floats], Floats]) -> Estimate:
        return self.estimate(function) if self.tells_private else NONE


def components(ratings: pd.DataFrame, seed: int = 0) -> Components | None:
    """Estimate the components; None where under two faces or labelers have ratings, or all ratings
    are the same.

    Args:
        ratings: of the answer table, one attribute's.
        seed: of the draws.
    """
    most = ratings["labeler"].value_counts().index[:_MOST_LABELERS]
    some = ratings[ratings["labeler"].isin(most)]
    cells = _Cells.of(some)
    if cells is None:
        return None
    start = np.log(np.array([0.3, 0.2, 0.2, 0.5][: cells.free]))
    bounds = [(_LEAST, 3.0)] * cells.free
    best = minimize(cells, start, method="L-BFGS-B", bounds=bounds).x
    inside = best > _LEAST + 0.5
    draws: Floats = np.tile(best, (_DRAWS, 1))
    spread = _covariance(cells, best, inside)
    rng = np.random.default_rng(seed)
    draws[:, inside] += rng.multivariate_normal(np.zeros(inside.sum()), spread, _DRAWS)
    for place in np.flatnonzero(~inside):  # half of a normal distribution
        end = _most(cells, best, int(place))
        draws[:, place] = np.log(np.abs(rng.normal(0, end / 1.96, _DRAWS)) + np.exp(_LEAST))
    draws = np.clip(draws, 2 * _LEAST, 6)
    return Components(
        cells.four(np.exp(best)[None])[0] * cells.scale,
        cells.four(np.exp(draws)) * cells.scale,
        cells.repeats,
        len(some),
        float(1 / np.mean(1 / np.bincount(cells.face))),
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Means of what each labeler gave each face, in units of the whole standard deviation; called
    with logarithms of variances it is minus the restricted log likelihood."""

    face: np.ndarray
    labeler: np.ndarray
    mean: Floats
    count: Floats
    within: float  # sum of squares about the cells' means
    spare: int  # ratings more than cells
    repeats: int
    scale: float

    @classmethod
    def of(cls, ratings: pd.DataFrame) -> "_Cells | None":
        variance = float(ratings["value"].var()) if len(ratings) > 1 else 0.0
        if not variance > 0:
            return None
        grouped = ratings.groupby(["left", "labeler"], sort=True)["value"]
        cells = grouped.agg(["mean", "count"]).reset_index()
        face, labeler = pd.factorize(cells["left"])[0], pd.factorize(cells["labeler"])[0]
        if face.max() < 1 or labeler.max() < 1:
            return None
        off = (ratings["value"] - grouped.transform("mean")).to_numpy(np.float64)
        mean = (cells["mean"] - cells["mean"].mean()).to_numpy(np.float64) / np.sqrt(variance)
        count = cells["count"].to_numpy(np.float64)
        return cls(
            face, labeler, mean, count, float(off @ off) / variance,
            len(ratings) - len(cells), int((count > 1).sum()), variance,
        )  # fmt: skip

    @property
    def free(self) -> int:
        """How many variances can be told apart."""
        return 4 if self.repeats >= FEWEST_REPEATS else 3

    def four(self, variances: Floats) -> Floats:
        """(n, 4) variances of (n, free) ones."""
        if self.free == 4:
            return variances
        return np.insert(variances, 2, 0.0, axis=1)

    def __call__(self, logs: Floats) -> float:
        face, labeler, meeting, noise = self.four(np.exp(logs)[None])[0]
        weight = 1 / (meeting + noise / self.count)
        faces, labelers = int(self.face.max()) + 1, int(self.labeler.max()) + 1
        table = np.zeros((faces, labelers))
        table[self.face, self.labeler] = weight
        # the faces are eliminated, the mean is the first of what stays
        each = np.column_stack([table.sum(1), table])
        diagonal = each[:, 0] + 1 / face
        stays = np.zeros((labelers + 1, labelers + 1))
        stays[0, 1:] = stays[1:, 0] = table.sum(0)
        stays[0, 0] = weight.sum()
        stays[np.arange(1, labelers + 1), np.arange(1, labelers + 1)] = table.sum(0) + 1 / labeler
        stays -= each.T @ (each / diagonal[:, None])
        told = weight * self.mean
        of_faces = np.bincount(self.face, told, faces)
        right = np.concatenate([[told.sum()], np.bincount(self.labeler, told, labelers)])
        right -= each.T @ (of_faces / diagonal)
        factor = cho_factor(stays + 1e-10 * np.eye(labelers + 1), lower=True)
        explained = float(of_faces @ (of_faces / diagonal) + right @ cho_solve(factor, right))
        logs_all = (
            np.log(diagonal).sum() + 2 * np.log(np.diag(factor[0])).sum() - np.log(weight).sum()
            + faces * np.log(face) + labelers * np.log(labeler)
        )  # fmt: skip
        # a few repeats alone tell nothing of noise; they are means of their cells then
        inside = self.within / noise + self.spare * np.log(noise) if self.free == 4 else 0.0
        return float(logs_all + told @ self.mean - explained + inside) / 2


def _most(value: Callable[[Floats], float], at: Floats, place: int) -> float:
    """The largest variance that the ratings do not exclude where the most probable one is none."""
    best, tried = value(at), at.copy()
    for log in np.arange(_LEAST, 3.0, 0.1).tolist():
        tried[place] = log
        if value(tried) - best > _EXCLUDED:
            break
    return float(np.exp(tried[place]))


def _covariance(value: Callable[[Floats], float], at: Floats, inside: np.ndarray) -> Floats:
    """Of the logarithms that are not at their bound, by differences of the likelihood."""
    places = np.flatnonzero(inside)
    size = len(places)
    bend = np.zeros((size, size))
    step = np.eye(len(at)) * _STEP
    for i, one in enumerate(places):
        for j, two in enumerate(places[: i + 1]):
            corners = [
                value(at + a * step[one] + b * step[two]) * a * b for a in (1, -1) for b in (1, -1)
            ]
            bend[i, j] = bend[j, i] = sum(corners) / (4 * _STEP**2)
    values, vectors = np.linalg.eigh(bend)
    spread = 1 / np.maximum(values, _OPEN**-2)
    return np.asarray(vectors @ np.diag(spread) @ vectors.T)
