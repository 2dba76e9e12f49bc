"""Labelers with known heads."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.events import Done
from prism_desktop.engine.models.answers import Answers


def last(events: Iterator[Any]) -> Any:
    """The result of long work."""
    *_, done = events
    assert isinstance(done, Done)
    return done.value


def features(images: int, dims: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(images, dims)).astype(np.float32)


def answer(
    utilities: NDArray[Any], count: int, seed: int = 1, images: NDArray[Any] | None = None
) -> Answers:
    """`count` logistic choices per labeler, all attributes asked of each.

    Utilities (labelers, attributes, images).
    """
    rng = np.random.default_rng(seed)
    labelers, attributes, n = utilities.shape
    faces = np.arange(n) if images is None else images
    pairs = np.stack([rng.choice(faces, 2, replace=False) for _ in range(labelers * count)])
    left, right = np.repeat(pairs, attributes, axis=0).T
    u = np.repeat(np.arange(labelers), count * attributes)
    a = np.tile(np.arange(attributes), labelers * count)
    margin = utilities[u, a, left] - utilities[u, a, right]
    outcome = (rng.random(len(u)) < 1 / (1 + np.exp(-margin))).astype(np.float32)
    group = np.repeat(np.arange(labelers * count), attributes)
    return Answers(
        u,
        a,
        left.astype(np.int64),
        right.astype(np.int64),
        outcome,
        np.ones(len(u), np.float32),
        group,
    )


def order(scores: NDArray[Any], utilities: NDArray[Any]) -> float:
    """Mean correlation over labelers and attributes."""
    flat = zip(
        scores.reshape(-1, scores.shape[-1]),
        utilities.reshape(-1, utilities.shape[-1]),
        strict=True,
    )
    return float(np.mean([np.corrcoef(s, t)[0, 1] for s, t in flat]))
