"""Faces drawn along a taste: what a simulated labeler was made to like, and what a model learned of
it. Drawings, and nobody's portrait."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.demo.faces import draw, factors, sample
from prism_desktop.engine.demo.faces.factors import nuisances
from prism_desktop.engine.demo.ideal_accuracy import SEED
from prism_desktop.engine.demo.simulated_labelers import labelers
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.images import open_image

Floats = NDArray[np.float64]

REACH = 2.5  # standard deviations of the taste over faces, to either side
_PER_FACTOR = 3  # held-out faces that a learned taste needs, for each factor
_LOOKED_AT = 64  # px
_ALIKE = 6.0  # mean difference in steps of 255 of a picture and its drawing
_RESAMPLES = 400


@dataclass(frozen=True, slots=True, eq=False)
class LearnedTaste:
    """The linear taste in the drawing's factors that scores follow.

    Attributes:
        weights: (factors,) unit norm.
        likeness: cosine with the planted taste; 1 the same, 0 nothing in common.
        low, high: its 95 % interval over faces, by bootstrap.
        faces: how many held-out faces it was fitted to.
    """

    weights: Floats
    likeness: float
    low: float
    high: float
    faces: int


def planted_taste(labeler: str, attribute: str) -> Floats | None:
    """(factors,) what a simulated labeler was made to like; None for anybody else."""
    found = next((each for each in labelers() if each.code == labeler), None)
    return None if found is None else found.tastes.get(attribute)


def demo_factors(names: Sequence[str], files: Sequence[Path]) -> Floats | None:
    """(faces, factors) of the demo's faces, standardised; None where the images are others.

    The factors follow from how many faces there are, so three of them are drawn again and held
    beside the files.
    """
    if not names or sorted(names) != [f"face-{n + 1:04d}.jpg" for n in range(len(names))]:
        return None
    faces = sample(len(names), SEED)
    number = [int(name[5:9]) - 1 for name in names]
    for place in {0, len(names) // 2, len(names) - 1}:
        if not _same(files[place], faces.face(number[place])):
            return None
    return np.asarray(faces.standard()[number], np.float64)


def learned_taste(standard: Floats, scores: Floats, planted: Floats) -> LearnedTaste:
    """Regress the scores of held-out faces on the factors.

    Args:
        standard: (faces, factors) of held-out faces.
        scores: (faces,) of a labeler's model.
        planted: (factors,) what the labeler was made to like.

    Raises:
        InputError: there are too few faces.
    """
    if len(scores) < _PER_FACTOR * standard.shape[1]:
        raise InputError(
            f"A learned taste is fitted to {_PER_FACTOR * standard.shape[1]} or more faces held "
            f"out, and there are {len(scores)}."
        )
    dice = np.random.default_rng(0)
    weights = _fitted(standard, scores)
    drawn = (dice.integers(len(scores), size=len(scores)) for _ in range(_RESAMPLES))
    spread = [float(_fitted(standard[rows], scores[rows]) @ planted) for rows in drawn]
    low, high = np.quantile(spread, [0.025, 0.975])
    return LearnedTaste(weights, float(weights @ planted), float(low), float(high), len(scores))


def faces_along(taste: Floats, count: int, size: int = 192) -> list[Image.Image]:
    """The mean face moved along a taste, from what is liked least to what is liked most.

    Args:
        taste: (factors,) unit norm.
        count: how many drawings.
        size: px of a side.
    """
    middle = {name: (low + high) / 2 for name, (low, high) in nuisances().items()}
    found = []
    for step in np.linspace(-REACH, REACH, count):
        values = dict(middle)
        for factor, weight in zip(factors(), taste, strict=True):
            value = factor.mean + factor.deviation * step * weight
            absent = factor.presence < 1 and value < factor.low / 2
            values[factor.name] = 0.0 if absent else min(max(value, factor.low), factor.high)
        found.append(draw(values, size))
    return found


def _fitted(standard: Floats, scores: Floats) -> Floats:
    design = np.column_stack([np.ones(len(scores)), standard])
    weights = np.linalg.lstsq(design, scores, rcond=None)[0][1:]
    return np.asarray(weights / max(float(np.linalg.norm(weights)), 1e-12), np.float64)


def _same(file: Path, face: dict[str, float]) -> bool:
    try:
        there = open_image(file)
    except (OSError, InputError):
        return False
    small = [
        np.asarray(each.convert("RGB").resize((_LOOKED_AT, _LOOKED_AT)), np.float64)
        for each in (there, draw(face, max(there.size)))
    ]
    return float(np.abs(small[0] - small[1]).mean()) < _ALIKE
