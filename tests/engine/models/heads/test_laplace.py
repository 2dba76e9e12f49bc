import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from prism_desktop.engine.models.heads.laplace import Solver, moderation
from prism_desktop.engine.models.heads.likelihood import RATING_VARIANCE, Block
from prism_desktop.engine.models.heads.prior import Prior, factor, isotropic, shrunk


def _choices(n: int, seed: int = 0) -> Block:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1))
    y = (rng.random(n) < expit(0.8 * x[:, 0])).astype(float)
    return Block(x, y, np.ones(n), np.zeros((0, 1)), np.zeros(0))


def test_that_mean_variance_and_evidence_agree_with_numerical_integration() -> None:
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
    assert found.evidence == pytest.approx(np.log(total) - 160, abs=0.02)


def test_that_ratings_alone_give_the_exact_gaussian_posterior_and_evidence() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 1)), rng.normal(size=30)
    block = Block(np.zeros((0, 1)), np.zeros(0), np.zeros(0), x, y)
    found = Solver.of(isotropic(np.zeros(1), 0.5)).posterior((block,))
    precision = 2 + x[:, 0] @ x[:, 0] / RATING_VARIANCE
    assert found.mean[0] == pytest.approx(x[:, 0] @ y / RATING_VARIANCE / precision)
    marginal = RATING_VARIANCE * np.eye(30) + 0.5 * x @ x.T
    expected = -0.5 * (
        y @ np.linalg.solve(marginal, y) + np.linalg.slogdet(2 * np.pi * marginal)[1]
    )
    assert found.evidence == pytest.approx(expected)


def test_that_no_answers_leave_the_prior_and_more_answers_narrow_it() -> None:
    solver = Solver.of(Prior(np.array([1.0]), np.array([[0.5]]), np.array([0.75])))
    spreads = []
    for n in (0, 10, 40, 160):
        found = solver.posterior((_choices(n),))
        spreads.append(solver.covariance(found.information)[0, 0])
        assert n or found.mean[0] == 1.0
    assert spreads[0] == pytest.approx(1.0)
    assert spreads == sorted(spreads, reverse=True)


def test_that_the_weight_of_an_answer_is_how_often_it_was_given() -> None:
    one, solver = _choices(20), Solver.of(isotropic(np.zeros(1), 1.0))
    twice = Block(
        np.repeat(one.difference, 2, 0),
        np.repeat(one.outcome, 2),
        np.ones(40),
        one.rated,
        one.value,
    )
    heavy = Block(one.difference, one.outcome, 2 * one.weight, one.rated, one.value)
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


def test_that_factor_analysis_finds_a_covariance_that_is_low_rank_plus_diagonal() -> None:
    rng = np.random.default_rng(0)
    loadings, diagonal = rng.normal(size=(12, 2)), rng.uniform(0.5, 1.5, 12)
    covariance = loadings @ loadings.T + np.diag(diagonal)
    found, rest = factor(covariance, 2, steps=500)
    np.testing.assert_allclose(found @ found.T + np.diag(rest), covariance, atol=0.05)


def test_that_precision_and_determinant_belong_to_the_covariance() -> None:
    rng = np.random.default_rng(1)
    prior = Prior(np.zeros(9), rng.normal(size=(9, 3)), rng.uniform(0.1, 2, 9))
    np.testing.assert_allclose(prior.precision() @ prior.covariance(), np.eye(9), atol=1e-9)
    assert prior.log_determinant() == pytest.approx(np.linalg.slogdet(prior.covariance())[1])


def test_that_few_labelers_leave_axes_alike_but_attributes_together() -> None:
    second = np.kron(np.array([[2.0, 1.0], [1.0, 2.0]]), np.diag([0.5, 1.5]))
    alike = np.kron(np.array([[2.0, 1.0], [1.0, 2.0]]), np.eye(2))
    np.testing.assert_allclose(shrunk(second, 1, 2, 1e9), alike, atol=1e-6)
    np.testing.assert_allclose(shrunk(second, 10**9, 2, 1.0), second, atol=1e-6)
