"""Linear heads without a prior over labelers: `consensus`
(pooled) and per-labeler ridge, the baselines of every table.

The penalty is chosen by cross-validation inside the training answers, with images as units: an
answer whose two images lie in different parts is used by neither side, so no image is on both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.methods.parts.part import AXES
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads.face_pairs import FacePairs, by_labeler, discounted
from prism_desktop.engine.models.heads.likelihood import (
    LOGISTIC,
    NOISE,
    Block,
    Likelihood,
    Ratings,
    gather,
    steepness,
)
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats, Space, fit_space

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_PARTS = 3
_STEPS = 40  # at most, of Newton's method
# of the gain that the last step promised; less must be left, or the second derivative is renewed
_SLOW = 0.05


@dataclass(frozen=True, slots=True)
class RidgeSettings:
    """The space, and the penalties that cross-validation chooses from."""

    dims: int = AXES
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
            np.tensordot(self.weights, self.space.project(features), axes=(2, 1)), np.float32
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
    ratings: Ratings | None = None,
    settings: RidgeSettings | None = None,
) -> Iterator[Event[LinearHeads]]:
    """One head for everyone (`owner="nobody"`, the consensus)
    or one per labeler, by penalised logistic regression.

    Args:
        features: (images, d) of all images; answers refer to its rows.
        answers: of the training split.
        labelers, attributes: how many; a labeler without answers scores zero everywhere.
        owner: of the heads.
        ratings: of the training split, used as ratings beside the answers; each labeler's own.
        settings: see `RidgeSettings`.
    """
    settings = settings or RidgeSettings()
    space = fit_space(features, settings.dims, settings.power)
    x = space.project(features)
    everyone = owner == "nobody"
    weights, penalty = (
        np.zeros((labelers, attributes, space.dims)),
        np.zeros((labelers, attributes)),
    )
    rated = _rated_blocks(x, ratings, labelers, attributes)
    for done, mine in enumerate([answers] if everyone else by_labeler(answers, labelers)):
        yield Progress(done, 1 if everyone else labelers, "Fitting linear heads")
        own = None if rated is None else rated[done]
        with one_thread():
            chosen = choose(x, mine, labelers, attributes, settings, own)
            evidence = _by_attribute(x, mine, labelers, attributes, settings.overlap, own)
            heads = [_path(one, [p])[0] for one, p in zip(evidence, chosen, strict=True)]
        members = slice(None) if everyone else done
        weights[members], penalty[members] = np.stack(heads), chosen
    yield Done(LinearHeads(space, weights, penalty, settings.overlap, everyone))


def choose(
    x: Floats,
    answers: Answers,
    labelers: int,
    attributes: int,
    settings: RidgeSettings,
    rated: Likelihood | None = None,
) -> Floats:
    """(attributes,) the penalty with the least cross-validated
    loss, on images that were not trained on.

    Of penalties that do alike the strongest: where no answer could be held out, nothing speaks for
    a weak one. Each penalty's fit starts at that of the next stronger one.
    """
    penalties = np.array(sorted(settings.penalties, reverse=True), np.float64)
    part = np.random.default_rng(settings.seed).integers(0, _PARTS, len(x))
    left, right = part[answers.left], part[answers.right]
    loss = np.zeros((len(penalties), attributes))
    for held in range(_PARTS):
        inside, outside = (
            _by_attribute(
                x, select(answers, kept), labelers, attributes, overlap, _of(rated, images)
            )
            for kept, images, overlap in (
                ((left != held) & (right != held), part != held, settings.overlap),
                ((left == held) & (right == held), part == held, np.inf),
            )
        )
        for a in range(attributes):
            for row, head in enumerate(_path(inside[a], penalties)):
                loss[row, a] -= sum(one.log_likelihood(head) for one in outside[a])
    return np.asarray(penalties[np.argmin(loss, axis=0)], np.float64)


def _by_attribute(
    x: Floats,
    answers: Answers,
    labelers: int,
    attributes: int,
    overlap: float,
    rated: Likelihood | None,
) -> list[list[Block | FacePairs]]:
    """By attribute: the choices, and the ratings if there are any."""
    weight = discounted(answers, labelers, attributes, overlap)
    rows = [np.flatnonzero(answers.attribute == a) for a in range(attributes)]
    found: list[list[Block | FacePairs]] = [
        [FacePairs.of(x, select(answers, one), weight[one])] for one in rows
    ]
    for evidence, chosen, block in zip(found, rows, rated or (), strict=False):
        if len(block):
            evidence[:] = [*(evidence if len(chosen) else ()), block.multiplied()]
    return found


def _rated_blocks(
    x: Floats, ratings: Ratings | None, labelers: int, attributes: int
) -> list[Likelihood] | None:
    """Each labeler's ratings, on the scale of logits that choices have."""
    if ratings is None:
        return None
    unit = steepness(NOISE)
    return [
        tuple(replace(one, value=unit * one.value) for one in blocks)
        for blocks in gather(x, None, ratings, labelers, attributes, np.inf, LOGISTIC)
    ]


def _of(rated: Likelihood | None, images: npt.NDArray[np.bool_]) -> Likelihood | None:
    """The ratings of some (images,)."""
    if rated is None:
        return None
    kept = [images[one.image] for one in rated]
    return tuple(
        replace(one, image=one.image[those], value=one.value[those])
        for one, those in zip(rated, kept, strict=True)
    )


def pooled(likelihood: Sequence[Likelihood], penalty: Floats) -> Floats:
    """(attributes, k) most likely heads of several labelers'
    answers taken as one person's, with ridge penalties."""
    return np.stack(
        [_path([blocks[a] for blocks in likelihood], [penalty[a]])[0] for a in range(len(penalty))]
    )


def _path(evidence: Sequence[Block | FacePairs], penalties: Iterable[float]) -> list[Floats]:
    """The most likely heads under Gaussians at zero: Newton's method with halved steps, as a full
    one may overshoot.

    Each head starts at the one before it, so penalties are given from strong to weak. What costs
    most, the second derivative, is kept as long as steps with it get on.
    """
    head = np.zeros(evidence[0].dims)
    bend: Floats | None = None
    found = []
    for penalty in penalties:
        ridge, last = penalty * np.eye(len(head)), np.inf
        value = _penalised(evidence, head, penalty)
        for _ in range(_STEPS):
            gradient = np.sum([b.gradient(head) for b in evidence], axis=0) - penalty * head
            step = None if bend is None else cho_solve(cho_factor(bend + ridge), gradient)
            if bend is None or step is None or gradient @ step > _SLOW * last:
                bend = np.sum([b.information(head) for b in evidence], axis=0)
                step = cho_solve(cho_factor(bend + ridge), gradient)
            last = float(gradient @ step)
            if last < 1e-12 * (1 + abs(value)):
                head = head + step  # by which less is gained than rounding loses
                break
            size, moved = 1.0, _penalised(evidence, head + step, penalty)
            while moved < value and size > 1e-6:
                size *= 0.5
                moved = _penalised(evidence, head + size * step, penalty)
            head, value = head + size * step, moved
        found.append(head)
    return found


def _penalised(evidence: Sequence[Block | FacePairs], head: Floats, penalty: float) -> float:
    return sum(b.log_likelihood(head) for b in evidence) - 0.5 * penalty * float(head @ head)
