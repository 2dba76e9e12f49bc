"""Linear heads without a prior over labelers: `consensus`
(pooled) and per-labeler ridge, the baselines of every table.

The penalty is chosen by cross-validation inside the training answers, with images as units: an
answer whose two images lie in different parts is used by neither side, so no image is on both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads.likelihood import Block, Likelihood, gather
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats, Space, fit_space

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_PARTS = 3


@dataclass(frozen=True, slots=True)
class RidgeSettings:
    """The space, and the penalties that cross-validation chooses from."""

    dims: int = 64
    power: float = 1.0
    overlap: float = 1.0
    penalties: tuple[float, ...] = PENALTIES
    seed: int = 0  # of the parts of the cross-validation


@dataclass(frozen=True, slots=True, eq=False)
class LinearHeads:
    """A head per labeler and attribute."""

    space: Space
    weights: Floats  # (labelers, attributes, k); the consensus repeats one labeler's
    penalty: Floats  # (labelers, attributes) as chosen
    overlap: float
    shared: bool  # the consensus

    def scores(self, features: Features) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images); differences are logits."""
        return np.asarray(
            np.einsum("uak,nk->uan", self.weights, self.space.project(features)), np.float32
        )

    def adapt(self, features: Features, answers: Answers | None) -> "LinearHeads":
        """The same for one new labeler, who changes nothing of a consensus."""
        assert self.shared, "a ridge is a baseline of known labelers, whom nobody joins"
        return replace(self, weights=self.weights[:1], penalty=self.penalty[:1])

    def arrays(self) -> Arrays:
        """For a file; `from_arrays` reads them."""
        numbers = {"overlap": np.array(self.overlap), "shared": np.array(float(self.shared))}
        return {**self.space.arrays(), "weights": self.weights, "penalty": self.penalty, **numbers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "LinearHeads":
        """The inverse of `arrays`."""
        weights, penalty = (np.asarray(arrays[name], np.float64) for name in ("weights", "penalty"))
        return cls(
            Space.from_arrays(arrays),
            weights,
            penalty,
            float(arrays["overlap"]),
            bool(float(arrays["shared"]) > 0.5),
        )


def fit(
    features: Features,
    answers: Answers,
    labelers: int,
    attributes: int,
    *,
    owner: Literal["nobody", "labeler"] = "labeler",
    settings: RidgeSettings | None = None,
) -> Iterator[Event[LinearHeads]]:
    """One head for everyone (`owner="nobody"`, the consensus)
    or one per labeler, by penalised logistic regression.

    Args:
        features: (images, d) of all images; answers refer to its rows.
        answers: of the training split.
        labelers, attributes: how many; a labeler without answers scores zero everywhere.
        owner: of the heads.
        settings: see `RidgeSettings`.
    """
    settings = settings or RidgeSettings()
    space = fit_space(features, settings.dims, settings.power)
    x = space.project(features)
    groups = (
        [np.arange(labelers)] if owner == "nobody" else [np.array([u]) for u in range(labelers)]
    )
    weights, penalty = (
        np.zeros((labelers, attributes, space.dims)),
        np.zeros((labelers, attributes)),
    )
    for done, members in enumerate(groups):
        yield Progress(done, len(groups), "Fitting linear heads")
        mine = select(answers, np.isin(answers.labeler, members))
        chosen = choose(x, mine, labelers, attributes, settings)
        blocks = gather(x, mine, None, labelers, attributes, settings.overlap)
        weights[members], penalty[members] = pooled([blocks[u] for u in members], chosen), chosen
    yield Done(LinearHeads(space, weights, penalty, settings.overlap, owner == "nobody"))


def choose(
    x: Floats, answers: Answers, labelers: int, attributes: int, settings: RidgeSettings
) -> Floats:
    """(attributes,) the penalty with the least cross-validated
    loss, on images that were not trained on.

    Of penalties that do alike the strongest: where no answer could be held out, nothing speaks for
    a weak one.
    """
    penalties = np.array(sorted(settings.penalties, reverse=True), np.float64)
    part = np.random.default_rng(settings.seed).integers(0, _PARTS, len(x))
    left, right = part[answers.left], part[answers.right]
    loss = np.zeros((len(penalties), attributes))
    for held in range(_PARTS):
        inside = gather(
            x,
            select(answers, (left != held) & (right != held)),
            None,
            labelers,
            attributes,
            settings.overlap,
        )
        outside = gather(
            x, select(answers, (left == held) & (right == held)), None, labelers, attributes, np.inf
        )
        for row, penalty in enumerate(penalties):
            heads = pooled(inside, np.full(attributes, penalty))
            loss[row] -= [
                sum(b[a].log_likelihood(heads[a]) for b in outside) for a in range(attributes)
            ]
    return np.asarray(penalties[np.argmin(loss, axis=0)], np.float64)


def pooled(likelihood: Sequence[Likelihood], penalty: Floats) -> Floats:
    """(attributes, k) most likely heads of several labelers'
    answers taken as one person's, with ridge penalties."""
    return np.stack(
        [_logistic([blocks[a] for blocks in likelihood], penalty[a]) for a in range(len(penalty))]
    )


def _logistic(blocks: Sequence[Block], penalty: float, steps: int = 30) -> Floats:
    """The most likely head under a Gaussian at zero: Newton's method with halved steps, as a full
    one may overshoot."""
    k = blocks[0].dims
    head, ridge = np.zeros(k), penalty * np.eye(k)
    value = _penalised(blocks, head, penalty)
    for _ in range(steps):
        gradient = np.sum([b.gradient(head) for b in blocks], axis=0) - penalty * head
        step = cho_solve(
            cho_factor(np.sum([b.information(head) for b in blocks], axis=0) + ridge), gradient
        )
        if gradient @ step < 1e-9 * (1 + abs(value)):
            break
        size, moved = 1.0, _penalised(blocks, head + step, penalty)
        while moved < value and size > 1e-6:
            size *= 0.5
            moved = _penalised(blocks, head + size * step, penalty)
        head, value = head + size * step, moved
    return head


def _penalised(blocks: Sequence[Block], head: Floats, penalty: float) -> float:
    return sum(b.log_likelihood(head) for b in blocks) - 0.5 * penalty * float(head @ head)
