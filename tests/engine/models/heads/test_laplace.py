from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from prism_desktop.engine.models.heads.laplace import Solver, moderation
from prism_desktop.engine.models.heads.likelihood import LOGISTIC, Block, steepness
from prism_desktop.engine.models.heads.prior import Prior, isotropic, shrunk, unpacked

NONE, EMPTY = np.zeros(0), np.zeros(0, np.int64)


def _choices(n: int, seed: int = 0, noise: float = LOGISTIC) -> Block:
    """Of images at places on a line, against one at 0, the last row."""
    rng = np.random.default_rng(seed)
    x = np.append(rng.normal(size=n), 0.0)[:, None]
    y = (rng.random(n) < expit(0.8 * x[:n, 0])).astype(float)
    return Block(x, np.arange(n), np.full(n, n), y, np.ones(n), EMPTY, NONE, noise)


def _ratings(n: int, noise: float, seed: int = 0) -> Block:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    return Block(x, EMPTY, EMPTY, NONE, NONE, np.arange(n), y - y.mean(), noise)


def test_that_mean_and_variance_agree_with_numerical_integration() -> None:
    block, solver = _choices(300), Solver.of(isotropic(np.array([0.3]), 2.0))
    found = solver.posterior((block,))

    def joint(w: float) -> float:
        prior = -0.5 * (w - 0.3) ** 2 / 2.0 - 0.5 * np.log(2 * np.pi * 2.0)
        return float(np.exp(block.log_likelihood(np.array([w])) + prior + 160))

    total = quad(joint, -3, 5)[0]
    mean = quad(lambda w: w * joint(w), -3, 5)[0] / total
    variance = quad(lambda w: (w - mean) ** 2 * joint(w), -3, 5)[0] / total
    assert found.mean[0] == pytest.approx(mean, abs=0.1 * np.sqrt(variance))
    assert solver.covariance(found.information)[0, 0] == pytest.approx(variance, rel=0.1)


def test_that_ratings_alone_give_the_exact_posterior_with_an_offset_of_which_nothing_is_known() -> (
    None
):
    block = _ratings(30, 0.7)
    found = Solver.of(isotropic(np.array([0.2, 0.0]), 0.5)).posterior((block,))
    # By brute force: head and offset are drawn from one Gaussian, that of the offset very wide.
    z = np.column_stack([block.x, np.ones(30)])
    precision = np.diag([2.0, 2.0, 1e-10]) + z.T @ z / 0.7
    expected = np.linalg.solve(precision, z.T @ block.value / 0.7 + np.array([0.4, 0.0, 0.0]))
    np.testing.assert_allclose(found.mean, expected[:2], rtol=1e-6)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(precision)[:2, :2], rtol=1e-6)


def test_that_choices_of_a_labeler_with_less_noise_are_steeper() -> None:
    assert steepness(LOGISTIC) == pytest.approx(1.0)
    one, other = _choices(5), _choices(5, noise=LOGISTIC / 4)
    head = np.array([0.6])
    assert other.log_likelihood(head) == pytest.approx(one.log_likelihood(2 * head))
    np.testing.assert_allclose(other.gradient(head), 2 * one.gradient(2 * head))
    np.testing.assert_allclose(other.information(head), 4 * one.information(2 * head))


@pytest.mark.parametrize("lifted", [False, True])
def test_that_slopes_and_curvatures_are_the_derivatives_of_the_likelihood(lifted: bool) -> None:
    rng, n = np.random.default_rng(0), 40
    x = rng.normal(size=(n, 3))
    left, right = rng.permutation(n)[:20], rng.permutation(n)[:20]
    outcome, value = rng.choice([0.0, 0.5, 1.0], 20), rng.normal(size=12)
    rated = rng.permutation(n)[:12]
    lift = rng.normal(size=n) if lifted else None
    block = Block(x, left, right, outcome, rng.random(20), rated, value - value.mean(), 0.4, lift)
    head, small = rng.normal(size=3), 1e-5
    steps = small * np.eye(3)
    ups = [block.log_likelihood(head + s) - block.log_likelihood(head - s) for s in steps]
    np.testing.assert_allclose(block.gradient(head), np.array(ups) / (2 * small), rtol=1e-5)
    bends = [block.gradient(head - s) - block.gradient(head + s) for s in steps]
    np.testing.assert_allclose(block.information(head), np.array(bends) / (2 * small), rtol=1e-5)
    terms = block.face_terms(head)
    slope = np.bincount(terms.image, terms.slope, minlength=n)
    still = np.zeros(n) if lift is None else lift
    for face in (left[0], right[3], rated[2]):
        up, down = still.copy(), still.copy()
        up[face] += small
        down[face] -= small
        rise = block.lifted(up).log_likelihood(head) - block.lifted(down).log_likelihood(head)
        assert slope[face] == pytest.approx(rise / (2 * small), rel=1e-4, abs=1e-6)


def test_that_no_answers_leave_the_prior_and_more_answers_narrow_it() -> None:
    solver = Solver.of(Prior(np.array([1.0]), np.array([[1.0]])))
    spreads = []
    for n in (0, 10, 40, 160):
        found = solver.posterior((_choices(n),))
        spreads.append(solver.covariance(found.information)[0, 0])
        assert n or found.mean[0] == 1.0
    assert spreads[0] == pytest.approx(1.0)
    assert spreads == sorted(spreads, reverse=True)


def test_that_the_weight_of_an_answer_is_how_often_it_was_given() -> None:
    one, solver = _choices(20), Solver.of(isotropic(np.zeros(1), 1.0))
    double = np.tile(np.arange(20), 2)
    twice = replace(
        one,
        left=one.left[double],
        right=one.right[double],
        outcome=one.outcome[double],
        weight=np.ones(40),
    )
    heavy = replace(one, weight=2 * one.weight)
    assert solver.posterior((heavy,)).mean == pytest.approx(solver.posterior((twice,)).mean)


def test_that_a_start_does_not_change_where_newton_ends() -> None:
    block, solver = _choices(50), Solver.of(isotropic(np.zeros(1), 1.0))
    ends = [solver.posterior((block,), np.array([start])).mean[0] for start in (-8.0, 0.0, 8.0)]
    assert ends == pytest.approx([ends[0]] * 3, abs=1e-4)


def test_that_moderation_averages_the_sigmoid_over_an_uncertain_logit() -> None:
    for mean, variance in ((1.0, 0.5), (2.0, 2.0), (0.5, 6.0)):
        draws = mean + np.sqrt(variance) * np.random.default_rng(0).normal(size=200_000)
        assert expit(mean * moderation(np.array(variance))) == pytest.approx(
            expit(draws).mean(), abs=0.02
        )


def test_that_a_covariance_is_read_back_from_its_half() -> None:
    root = np.random.default_rng(0).normal(size=(6, 6))
    prior = Prior(np.arange(6.0), root @ root.T + np.eye(6))
    again = Prior.from_arrays(prior.arrays())
    np.testing.assert_array_equal(
        again.covariance, np.tril(prior.covariance) + np.tril(prior.covariance, -1).T
    )
    np.testing.assert_allclose(Solver.of(prior).precision @ prior.covariance, np.eye(6), atol=1e-8)
    halves = np.stack([np.arange(3.0), np.arange(3.0) + 5])
    np.testing.assert_array_equal(unpacked(halves, 2)[1], [[5, 6], [6, 7]])


def test_that_a_prior_of_loadings_and_a_diagonal_as_earlier_runs_kept_it_is_read() -> None:
    loadings, diagonal = np.array([[1.0], [2.0]]), np.array([0.5, 0.25])
    told = {"prior.mean": np.zeros(2), "prior.loadings": loadings, "prior.diagonal": diagonal}
    np.testing.assert_allclose(Prior.from_arrays(told).covariance, [[1.5, 2], [2, 4.25]])


def test_that_few_labelers_leave_axes_of_a_block_alike_but_attributes_together() -> None:
    block = np.array([0, 0, 1])
    second = np.kron(np.array([[2.0, 1.0], [1.0, 2.0]]), np.diag([0.5, 1.5, 4.0]))
    second[0, 1] = second[1, 0] = 0.3
    alike = np.kron(np.array([[2.0, 1.0], [1.0, 2.0]]), np.diag([1.0, 1.0, 4.0]))
    np.testing.assert_allclose(shrunk(second, 1, block, 2, 1e9, 1.0), alike, atol=1e-6)
    np.testing.assert_allclose(shrunk(second, 1, block, 2, 1e9, 0.3), 0.3 * alike, atol=1e-6)
    np.testing.assert_allclose(shrunk(second, 10**9, block, 2, 1.0, 0.3), second, atol=1e-6)
    half = shrunk(second, 50, block, 2, 50.0, 0.4)
    np.testing.assert_allclose(half, (second + 0.4 * alike) / 2)
