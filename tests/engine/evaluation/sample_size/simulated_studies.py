"""Studies drawn from planted variances, and what the program's own measures find in them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.pairs import Floats, Ints
from prism_desktop.engine.evaluation.quality.attribute_reliability import (
    krippendorff_alpha,
    split_half,
)
from prism_desktop.engine.evaluation.quality.variance_components import components
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import PlannedDesign


@dataclass(frozen=True)
class Measured:
    """Estimates of one simulated study; agreement and gain are the first labeler's."""

    reliability: float
    alpha: float
    icc: float
    agreement: float
    gain: float


def simulated(
    design: PlannedDesign, variances: AnswerVariances, seed: int, *, with_icc: bool = False
) -> Measured:
    """Carry the design out once."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=design.faces) * np.sqrt(variances.shared)
    private = rng.normal(size=(design.labelers, design.faces)) * np.sqrt(variances.private)
    taste = shared + private
    if design.kind == "rating":
        return _rated(design, variances, rng, shared, taste, with_icc)
    return _compared(design, variances, rng, shared, taste)


def _chain(rng: np.random.Generator, faces: int, count: int) -> tuple[Ints, Ints]:
    """So many pairs in chains through all faces."""
    left: list[Ints] = []
    right: list[Ints] = []
    while sum(map(len, left)) < count:
        order = rng.permutation(faces)
        left.append(order)
        right.append(np.roll(order, 1))
    return np.concatenate(left)[:count], np.concatenate(right)[:count]


def _compared(
    design: PlannedDesign, variances: AnswerVariances, rng: np.random.Generator, shared: Floats,
    taste: Floats,
) -> Measured:  # fmt: skip
    fresh, faces = design.fresh, design.faces
    common = _chain(rng, faces, fresh // 2)
    total, count = np.zeros(taste.shape), np.zeros(taste.shape)
    spread = np.sqrt(2 * variances.noise)
    units, values, ends = [], [], []
    agreement = gain = 0.0
    for labeler, own in enumerate(taste):
        extra = _chain(rng, faces, fresh - fresh // 2)
        left, right = (np.concatenate(both) for both in zip(common, extra, strict=True))
        apart = own[left] - own[right]
        answer = np.sign(apart + rng.normal(size=fresh) * spread)
        np.add.at(total[labeler], left, answer)
        np.add.at(total[labeler], right, -answer)
        np.add.at(count[labeler], left, 1)
        np.add.at(count[labeler], right, 1)
        units.append(np.arange(fresh // 2))
        values.append(answer[: fresh // 2])
        ends.append(np.stack(common, axis=1))
        if labeler == 0:
            again = np.sign(apart + rng.normal(size=fresh) * spread)
            agreement = float((again == answer)[: design.repeated].mean())
            known = np.sign(shared[left] - shared[right])
            gain = float((np.sign(apart) == answer).mean() - (known == answer).mean())
    found = krippendorff_alpha(
        np.concatenate(units), np.concatenate(values), pairs=np.concatenate(ends), resamples=1
    )
    half = split_half(total, count, resamples=1)
    return Measured(half.value, found.value, float("nan"), agreement, gain)


def _rated(
    design: PlannedDesign, variances: AnswerVariances, rng: np.random.Generator, shared: Floats,
    taste: Floats, with_icc: bool,
) -> Measured:  # fmt: skip
    level = np.linspace(-1, 1, design.labelers)  # the same labelers each time
    level = level / level.std(ddof=1) * np.sqrt(variances.level)
    noise = rng.normal(size=taste.shape) * np.sqrt(variances.noise)
    rating = level[:, None] + taste + noise
    fresh = design.fresh
    total, count = np.zeros(taste.shape), np.zeros(taste.shape)
    for labeler in range(design.labelers):
        rest = fresh // 2 + rng.permutation(design.faces - fresh // 2)
        seen = np.concatenate([np.arange(fresh // 2), rest[: fresh - fresh // 2]])
        count[labeler, seen] = 1
        total[labeler, seen] = rating[labeler, seen]
    given = count > 0
    centred = np.where(given, total - (total.sum(1) / count.sum(1))[:, None], 0)
    who, face = np.nonzero(given)
    found = krippendorff_alpha(face, rating[given], resamples=1)
    icc = float("nan")
    if with_icc:
        frame = pd.DataFrame({"labeler": who, "left": face, "value": rating[given]})
        parts = components(frame)
        icc = parts.icc().value if parts is not None else icc
    seen = np.arange(fresh)
    again = taste[0] + rng.normal(size=design.faces) * np.sqrt(variances.noise)
    some = seen[: design.repeated]
    fold = seen % 7
    agreement = _concordant(rating[0], again, some)
    parts_of = [seen[fold == number] for number in range(7)]
    gain = float(
        np.mean(
            [_concordant(rating[0], taste[0], one) - _concordant(rating[0], shared, one)
             for one in parts_of]
        )
    )  # fmt: skip
    return Measured(
        split_half(centred, count, resamples=1).value, found.value, icc, agreement, gain
    )


def _concordant(one: Floats, other: Floats, faces: Ints) -> float:
    """Share of pairs of faces in the same order."""
    i, j = np.triu_indices(len(faces), 1)
    first, second = one[faces[i]] - one[faces[j]], other[faces[i]] - other[faces[j]]
    return float((first * second > 0).mean())
