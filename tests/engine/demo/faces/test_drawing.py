"""Faces are drawn deterministically, and every factor can be seen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from prism_desktop.engine.demo.faces import draw, factors, sample
from prism_desktop.engine.demo.faces.factors import nuisances


def ordinary() -> dict[str, float]:
    """A face in the middle of everything."""
    face = {
        factor.name: (factor.low + factor.high) / 2 if factor.presence == 1 else 0.0
        for factor in factors()
    }
    return face | {name: (low + high) / 2 for name, (low, high) in nuisances().items()}


def pixels(face: dict[str, float], size: int = 112) -> NDArray[np.int16]:
    return np.asarray(draw(face, size)).astype(np.int16)


def test_that_the_same_seed_draws_the_same_faces_and_another_seed_others():
    first, again, other = sample(3, 5), sample(3, 5), sample(3, 6)
    for row in range(3):
        assert draw(first.face(row), 64).tobytes() == draw(again.face(row), 64).tobytes()
        assert draw(first.face(row), 64).tobytes() != draw(other.face(row), 64).tobytes()


@pytest.mark.parametrize("size", [64, 112, 256])
def test_that_a_face_is_drawn_in_the_size_asked_for(size):
    image = draw(ordinary(), size)
    assert image.size == (size, size)
    assert image.mode == "RGB"


def test_that_any_face_can_be_drawn():
    faces = sample(20, 11)
    extremes = []
    for end, side in (("low", 0), ("high", 1)):
        face = {factor.name: getattr(factor, end) for factor in factors()}
        extremes.append(face | {name: values[side] for name, values in nuisances().items()})
    for face in [*(faces.face(row) for row in range(20)), *extremes]:
        assert pixels(face, 48).std() > 10


@pytest.mark.parametrize("factor", factors(), ids=lambda factor: factor.name)
def test_that_every_factor_is_visible(factor):
    low, high = ordinary(), ordinary()
    low[factor.name] = factor.low if factor.presence == 1 else 0.0
    high[factor.name] = factor.high
    changed = np.abs(pixels(low) - pixels(high)).max(axis=2) > 24
    assert changed.sum() > 25


def test_that_long_hair_falls_to_the_shoulders_and_short_hair_does_not():
    short, long = ordinary() | {"hair_length": -0.3}, ordinary() | {"hair_length": 0.95}
    changed = np.abs(pixels(short) - pixels(long)).max(axis=2) > 24
    assert changed[75:105].mean() > 0.1
    assert changed[:20].mean() < changed[75:105].mean()


def test_that_a_larger_picture_shows_the_same_face():
    small, large = draw(ordinary(), 64), draw(ordinary(), 256).reduce(4)
    assert np.abs(np.asarray(small, dtype=np.int16) - np.asarray(large, dtype=np.int16)).mean() < 4
