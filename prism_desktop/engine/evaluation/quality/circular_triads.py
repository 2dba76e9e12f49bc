"""Circular triads: A above B, B above C, C above A, against what the labeler's own model expects.

A raw number says little: close faces make circles in anybody's answers. So a Bradley-Terry model
with ties and a side term is fitted to the labeler alone, faces as far apart as their answers make
most probable, and the same questions are answered by it many times over.

Source: Kendall and Babington Smith, Biometrika 1940; posterior predictive checks by Gelman, Meng
and Stern, Statistica Sinica 1996.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prism_desktop.engine.analysis.bradley_terry import BradleyTerryFit, fit
from prism_desktop.engine.evaluation.pairs import Floats, Ints

_SPREADS = (0.3, 0.7, 1.5, 3.0)  # of the faces, in logits; the most probable is taken
_DRAWS = 400
_MOST_TRIADS = 20_000
_MOST_FACES = 1500  # whose scores' covariance is inverted


@dataclass(frozen=True, slots=True)
class CircularTriads:
    """One labeler's triads over all attributes.

    Attributes:
        triads: of faces whose three comparisons were all decided.
        circular: how many of them are circles.
        expected, low, high: how many the labeler's own model gives, with its 95 % interval.
        rows: (circles, 3) rows of the labeler's table, those that the model expects least first.
    """

    triads: int
    circular: int
    expected: float
    low: float
    high: float
    rows: Ints


def circular_triads(rows: pd.DataFrame, seed: int = 0) -> CircularTriads:
    """Count one labeler's circles, and have their own model answer the same comparisons.

    Args:
        rows: of the answer table, one labeler's, its index counting from 0.
        seed: of the model's answers.
    """
    rng = np.random.default_rng(seed)
    triads = 0
    draws = np.zeros(_DRAWS)
    found: list[Ints] = []
    odd: list[Floats] = []
    compared = rows[rows["kind"] == "comparison"]
    for _, mine in compared.groupby("attribute", sort=True):
        made = _of_attribute(mine, rng)
        if made is not None:
            triads += made[0]
            draws += made[1]
            found.append(made[2])
            odd.append(made[3])
    every = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
    every = every[np.argsort(np.concatenate(odd), kind="stable")] if odd else every
    low, high = np.quantile(draws, [0.025, 0.975])
    return CircularTriads(triads, len(every), float(draws.mean()), float(low), float(high), every)


def _of_attribute(
    mine: pd.DataFrame, rng: np.random.Generator
) -> tuple[int, Floats, Ints, Floats] | None:
    """Number of decided triads, circles by the model's answers, and the circles that there are with
    their probability."""
    codes = pd.factorize(pd.concat([mine["left"], mine["right"]], ignore_index=True))[0]
    left, right = codes[: len(mine)], codes[len(mine) :]
    faces = int(codes.max(initial=-1)) + 1
    value = mine["value"].to_numpy(np.float64)
    first = ~pd.DataFrame({"a": np.minimum(left, right), "b": np.maximum(left, right)}).duplicated()
    edges = _edges(left, right, first.to_numpy())
    triangles = _triangles(edges, faces, rng)
    if not len(triangles) or faces > _MOST_FACES:
        return None
    # the sign of each comparison on the way round: A to B, B to C, C to A
    corner = np.array([_way_round(triangle, edges, left) for triangle in triangles], np.int64)
    places, signs = corner[:, 0], corner[:, 1]
    told = value[places] * signs
    decided = (told != 0).all(axis=1)
    circle = np.abs(told.sum(axis=1)) == 3
    model = _own_model(left, right, value, faces)
    chances = _chances(model, left[places], right[places], rng)
    draws, often = np.zeros(_DRAWS), np.zeros(len(triangles))
    for number, chance in enumerate(chances):
        circles = np.abs((_answers(*chance, rng) * signs).sum(axis=1)) == 3
        draws[number] = circles.sum()
        often += circles / _DRAWS
    rows = mine.index.to_numpy()[places]
    return int(decided.sum()), draws, rows[circle], often[circle]


def _edges(left: Ints, right: Ints, first: np.ndarray) -> dict[tuple[int, int], int]:
    """Pair of faces, the smaller first -> row of the first comparison of it."""
    return {
        (int(min(one, two)), int(max(one, two))): int(row)
        for row, one, two in zip(np.flatnonzero(first), left[first], right[first], strict=True)
    }


def _triangles(
    edges: dict[tuple[int, int], int], faces: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Every three faces that were compared with each other, at most so many."""
    above: list[set[int]] = [set() for _ in range(faces)]
    for one, two in edges:
        above[one].add(two)

    def every() -> Iterator[tuple[int, int, int]]:
        for number in rng.permutation(len(edges)).tolist():
            one, two = pairs[number]
            for three in sorted(above[one] & above[two]):
                yield one, two, three

    pairs = list(edges)
    return [triangle for _, triangle in zip(range(_MOST_TRIADS), every(), strict=False)]


def _way_round(
    triangle: tuple[int, int, int], edges: dict[tuple[int, int], int], left: Ints
) -> tuple[list[int], list[int]]:
    """The rows of a triangle's comparisons, and 1 where the left face comes first on the way."""
    one, two, three = triangle
    places = [edges[one, two], edges[two, three], edges[one, three]]
    starts = [one, two, three]
    return places, [
        1 if left[place] == start else -1 for place, start in zip(places, starts, strict=True)
    ]


def _own_model(left: Ints, right: Ints, value: Floats, faces: int) -> BradleyTerryFit:
    outcome = (value + 1) / 2
    fits = [fit(left, right, outcome, faces, spread, errors=True) for spread in _SPREADS]
    return max(fits, key=lambda each: each.evidence)


def _chances(
    model: BradleyTerryFit, left: Ints, right: Ints, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats]]:
    """Probabilities of left and of a tie, for places of the faces that the answers leave open."""
    assert model.covariance is not None
    shown, code = np.unique(np.concatenate([left.ravel(), right.ravel()]), return_inverse=True)
    spread = model.covariance[np.ix_(shown, shown)]
    root = np.linalg.cholesky(spread + 1e-9 * np.eye(len(shown)))
    one, two = code[: left.size].reshape(left.shape), code[left.size :].reshape(left.shape)
    for _ in range(_DRAWS):
        scores = model.scores[shown] + root @ rng.standard_normal(len(shown))
        apart = scores[one] - scores[two] + model.side
        total = np.logaddexp(np.logaddexp(apart / 2, -apart / 2), model.tie)
        yield np.exp(apart / 2 - total), np.exp(model.tie - total)


def _answers(won: Floats, tied: Floats, rng: np.random.Generator) -> Floats:
    """1 left, 0 tie, -1 right."""
    drawn = rng.random(won.shape)
    return np.where(drawn < won, 1.0, np.where(drawn < won + tied, 0.0, -1.0))
