"""Heads of many labelers and penalties at once are those of plain Newton, one at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import ridge
from prism_desktop.engine.models.heads.face_pairs import FacePairs, discounted
from prism_desktop.engine.models.heads.likelihood import Block, Ratings, gather
from prism_desktop.engine.models.heads.ridge import RidgeSettings
from tests.engine.models.heads.planted import answer, features, last, order

U, A, K, N = 5, 2, 8, 60
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def study() -> tuple[NDArray[np.float32], Answers]:
    """Labelers with many, some, two and no answers; many pairs share their faces."""
    x = features(N, K)
    given = answer(
        np.einsum("uak,nk->uan", 0.8 * np.random.default_rng(3).normal(size=(U, A, K)), x), 120
    )
    kept = np.ones(len(given), bool)
    for labeler, count in ((1, 40), (2, 4), (4, 0)):
        rows = np.flatnonzero(given.labeler == labeler)
        kept[rows[count:]] = False
    return x, select(given, kept)


def by_hand(block: Block, penalty: float) -> Floats:
    """Newton on the differences of all pairs, from zero, until nothing moves any more."""
    head, difference = np.zeros(K), block.x[block.left] - block.x[block.right]
    for _ in range(50):
        p = 1 / (1 + np.exp(-difference @ head))
        gradient = difference.T @ (block.weight * (block.outcome - p)) - penalty * head
        bend = (difference.T * (block.weight * p * (1 - p))) @ difference
        head = head + np.linalg.solve(bend + penalty * np.eye(K), gradient)
    return head


def test_that_heads_of_many_are_each_ones_own(study: tuple[NDArray[np.float32], Answers]) -> None:
    x, given = study
    fitted = last(ridge.fit(x, given, U, A, settings=RidgeSettings(dims=K)))
    blocks = gather(fitted.space.project(x), given, None, U, A, fitted.overlap)
    for u in range(U):
        for a in range(A):
            alone = by_hand(blocks[u][a], fitted.penalty[u, a])
            np.testing.assert_allclose(fitted.weights[u, a], alone, atol=1e-6)
    assert not fitted.scores(x)[4].any()  # who said nothing


def test_that_the_penalty_is_the_one_that_single_fits_choose(
    study: tuple[NDArray[np.float32], Answers],
) -> None:
    x, given = study
    fitted = last(ridge.fit(x, given, U, A, settings=RidgeSettings(dims=K)))
    projected = fitted.space.project(x)
    part = np.random.default_rng(0).integers(0, 3, N)
    left, right = part[given.left], part[given.right]
    penalties = sorted(ridge.PENALTIES, reverse=True)
    loss = np.zeros((U, A, len(penalties)))
    for held in range(3):
        inside, outside = (
            gather(projected, select(given, rows), None, U, A, overlap)
            for rows, overlap in (
                ((left != held) & (right != held), 1.0),
                ((left == held) & (right == held), np.inf),
            )
        )
        for u, a, row in np.ndindex(*loss.shape):
            head = by_hand(inside[u][a], penalties[row])
            loss[u, a, row] -= outside[u][a].log_likelihood(head)
    assert np.array_equal(fitted.penalty, np.array(penalties)[loss.argmin(axis=2)])
    assert len(np.unique(fitted.penalty)) > 1


def test_that_what_runs_over_faces_is_what_runs_over_pairs(
    study: tuple[NDArray[np.float32], Answers],
) -> None:
    x, given = study
    one = select(given, (given.labeler == 0) & (given.attribute == 1))
    (block,) = (row[1] for row in gather(x.astype(float), one, None, 1, A, 1.0))
    weight = discounted(one, 1, A, 1.0)
    assert weight.sum() < len(one)
    np.testing.assert_allclose(weight, block.weight)
    faces, head = FacePairs.of(x.astype(float), one, weight), np.linspace(-1, 1, K)
    assert faces.log_likelihood(head) == pytest.approx(block.log_likelihood(head))
    np.testing.assert_allclose(faces.gradient(head), block.gradient(head))
    np.testing.assert_allclose(faces.information(head), block.information(head))


def test_that_a_ridge_learns_from_ratings_whatever_their_scale_and_beside_choices() -> None:
    x = features(150, 4)
    true = np.einsum("uak,nk->uan", np.random.default_rng(0).normal(size=(3, 1, 4)), x)
    rows, nobody = np.arange(60), np.zeros(0, np.int64)
    none = Answers(nobody, nobody, nobody, nobody, *np.zeros((2, 0), np.float32), nobody)
    noise = np.random.default_rng(1).normal(0, 0.5, (3, 60))

    def rated(scale: float) -> Ratings:
        value = np.concatenate([scale * (true[u, 0, rows] + noise[u]) + 7 for u in range(3)])
        return Ratings(
            np.repeat(np.arange(3), 60), np.zeros(180, np.int64), np.tile(rows, 3), value
        )

    alone = last(ridge.fit(x, none, 3, 1, ratings=rated(1)))
    assert order(alone.scores(x), true) > 0.9
    stretched = last(ridge.fit(x, none, 3, 1, ratings=rated(20)))
    np.testing.assert_allclose(stretched.scores(x), alone.scores(x), atol=1e-3)
    few = answer(true, 20, images=np.arange(60, 100))
    both = last(ridge.fit(x, few, 3, 1, ratings=rated(1)))
    assert order(both.scores(x), true) > order(last(ridge.fit(x, few, 3, 1)).scores(x), true)
