"""Bradley-Terry scores against the truth that the answers were drawn from."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from prism_desktop.engine.analysis.bradley_terry import _Problem, fit


def drawn(
    seed: int, images: int, n: int, side: float = 0.4, nu: float = 0.5
) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, images)
    truth -= truth.mean()
    left = rng.integers(0, images, n)
    right = (left + rng.integers(1, images, n)) % images
    d = truth[left] - truth[right] + side
    weights = np.stack([np.exp(d / 2), np.exp(-d / 2), np.full(n, nu)], axis=1)
    choice = (
        rng.random(n)[:, None] > np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)
    ).sum(1)
    return truth, left, right, np.array([1.0, 0.0, 0.5])[choice]


def test_that_scores_side_and_ties_are_recovered() -> None:
    truth, left, right, outcome = drawn(0, 40, 8000)
    found = fit(left, right, outcome, 40, errors=True)
    assert np.corrcoef(truth, found.scores)[0, 1] > 0.98
    assert found.side == pytest.approx(0.4, abs=0.12)
    assert np.exp(found.tie) == pytest.approx(0.5, abs=0.06)


def test_that_standard_errors_cover_the_truth() -> None:
    inside = []
    for seed in range(8):
        truth, left, right, outcome = drawn(seed, 40, 3000)
        found = fit(left, right, outcome, 40, prior_sd=1.0, errors=True)
        inside.append(np.abs(found.scores - truth) < 1.96 * found.errors)
    assert 0.90 < np.mean(inside) < 0.99


def test_that_the_gradient_is_that_of_the_loss() -> None:
    _, left, right, outcome = drawn(1, 6, 50)
    problem = _Problem(left, right, outcome, np.ones(50), 6, 1.0, True)
    x = np.random.default_rng(0).normal(0, 1, 8)
    assert check_grad(lambda v: problem(v)[0], lambda v: problem(v)[1], x) < 1e-4


def test_that_an_image_that_always_won_or_never_was_seen_stays_finite() -> None:
    found = fit(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 1.0]), 4)
    assert np.isfinite(found.scores).all()
    assert found.scores[0] > found.scores[3] > found.scores[1]
    assert found.tie == -np.inf


def test_that_a_fit_does_not_depend_on_where_it_starts() -> None:
    rng = np.random.default_rng(5)
    left = rng.integers(0, 30, 400)
    right = (left + rng.integers(1, 30, 400)) % 30
    outcome = rng.choice([0.0, 0.5, 1.0], 400, p=[0.5, 0.1, 0.4])
    rest = np.arange(400) % 4 > 0  # as without one of four labelers
    everyone = fit(left, right, outcome, 30)
    alone = fit(left[rest], right[rest], outcome[rest], 30)
    near = fit(left[rest], right[rest], outcome[rest], 30, start=everyone)
    np.testing.assert_allclose(near.scores, alone.scores, atol=1e-5)
    assert near.side == pytest.approx(alone.side, abs=1e-5)
    assert near.tie == pytest.approx(alone.tie, abs=1e-5)
    problem = _Problem(left[rest], right[rest], outcome[rest], np.ones(rest.sum()), 30, 2.0, True)
    _, gradient = problem(np.array([*near.scores, near.side, near.tie]))
    assert np.abs(gradient).max() < 1e-3  # no tax of a start that was elsewhere


def test_that_the_hessians_product_is_the_change_of_the_gradient() -> None:
    rng = np.random.default_rng(6)
    left = rng.integers(0, 8, 60)
    right = (left + rng.integers(1, 8, 60)) % 8
    outcome, weight = rng.choice([0.0, 0.5, 1.0], 60), rng.uniform(0.5, 2, 60)
    problem = _Problem(left, right, outcome, weight, 8, 1.5, True)
    x, v = rng.normal(size=10), rng.normal(size=10)
    product, diagonal = problem.bent(x)
    change = (problem(x + 1e-6 * v)[1] - problem(x - 1e-6 * v)[1]) / 2e-6
    np.testing.assert_allclose(product(v), change, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(diagonal, [product(unit) @ unit for unit in np.eye(10)])
