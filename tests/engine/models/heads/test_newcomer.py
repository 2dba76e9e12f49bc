"""Labelers who enter where those who are known agree with one another."""

from dataclasses import replace

import numpy as np
import pytest

from prism_desktop.engine.adaptation.head_fitter import HeadFitter
from prism_desktop.engine.models.answers import select
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.laplace import Solver
from prism_desktop.engine.models.heads.likelihood import NOISE, NOISE_RATINGS, Block, Ratings
from prism_desktop.engine.models.heads.newcomer import reach, settle
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.saved_heads import HeadCard, LoadedHeads
from tests.engine.models.heads.planted import answer, features, last, order

DIMS, ATTRIBUTES = 6, 2
X = features(150, DIMS)
TASTE = np.random.default_rng(7).normal(size=(ATTRIBUTES, DIMS))
OLD, NEW = np.arange(100), np.arange(100, 150)  # faces that are learned from, and others


def _utilities(labelers: int, *, seed: int = 0) -> np.ndarray:
    """Of labelers who nearly agree."""
    away = 0.1 * np.random.default_rng(seed).normal(size=(labelers, ATTRIBUTES, DIMS))
    return np.einsum("uak,nk->uan", TASTE + away, X)


@pytest.fixture(scope="module")
def known() -> BayesHeads:
    """Five labelers who agree."""
    told = answer(_utilities(5), 150, images=OLD)
    settings = BayesSettings(dims=DIMS, overlap=np.inf)
    return last(bayes.fit(X, told, 5, ATTRIBUTES, settings=settings))


def _right(heads: BayesHeads, true: np.ndarray) -> np.ndarray:
    """(attributes,) correlation with what the newcomer sees in new faces."""
    return np.array([order(heads.scores(X)[:, a, NEW], true[:, a, NEW]) for a in range(ATTRIBUTES)])


def test_that_who_sees_the_opposite_of_everybody_is_learned_within_sixty_answers(
    known: BayesHeads,
) -> None:
    opposite = _utilities(1, seed=1) * np.array([1.0, -1.0])[:, None]  # on one attribute
    told = answer(opposite, 60, images=OLD)
    assert _right(known.held().adapt(X, told), opposite)[1] < 0
    found = known.adapt(X, told)
    assert _right(found, opposite).min() > 0.85
    assert found.reach is not None
    assert found.reach[0] == 1 < found.reach[1]


def test_that_a_rater_who_sees_the_opposite_is_learned_by_ratings(known: BayesHeads) -> None:
    opposite = -_utilities(1, seed=1)
    some, one = np.tile(OLD[:60], 2), np.zeros(120, np.int64)
    attribute = np.repeat([0, 1], 60)
    value = opposite[0, attribute, some] + np.random.default_rng(0).normal(size=120)
    ratings = Ratings(one, attribute, some, value)
    assert _right(known.adapt(X, None, ratings), opposite).min() > 0.85
    assert _right(known.held().adapt(X, None, ratings), opposite).max() < 0


@pytest.mark.parametrize("count", [3, 20, 150])
def test_that_who_agrees_with_everybody_loses_nothing(known: BayesHeads, count: int) -> None:
    for seed in range(5):
        true = _utilities(1, seed=10 + seed)
        told = answer(true, count, seed=seed, images=OLD)
        free, held = known.adapt(X, told), known.held().adapt(X, told)
        assert _right(free, true).min() > _right(held, true).min() - 0.01


def test_that_of_somebody_at_random_nothing_is_believed(known: BayesHeads) -> None:
    nothing = np.zeros((1, ATTRIBUTES, len(X)))
    told = answer(nothing, 150, images=OLD)
    test = answer(nothing, 400, seed=2, images=NEW)

    def loss(heads: BayesHeads) -> float:
        scores = heads.scores(X)[0]
        margin = scores[test.attribute, test.left] - scores[test.attribute, test.right]
        return float(np.mean(np.logaddexp(0, margin) - test.outcome * margin))

    free, held = loss(known.adapt(X, told)), loss(known.held().adapt(X, told))
    assert free < 0.75 < held  # log 2 is to know that nothing is known


def test_that_the_reach_of_a_rater_is_the_one_under_which_their_ratings_are_most_probable() -> None:
    """The integral over heads, in closed form, for each reach."""
    rng, n, size = np.random.default_rng(3), 80, np.array([1.0, 4.0, 16.0, 64.0])
    x, root = rng.normal(size=(n, DIMS)), rng.normal(size=(DIMS, DIMS))
    covariance = 0.002 * (root @ root.T + np.eye(DIMS))
    prior, none = Prior(np.full(DIMS, 0.3), covariance, np.array([5])), np.zeros(0, np.int64)
    chance = np.log([6 / 7, 3 / 28, 3 / 112, 3 / 448])
    found = []
    for away in (0.0, 1.0, 6.0, 15.0):
        head = prior.mean + away * rng.multivariate_normal(np.zeros(DIMS), covariance)
        value = x @ head + rng.normal(0, 0.7, n)
        block = Block(x, none, none, np.zeros(0), np.zeros(0), np.arange(n), value - value.mean())
        centred = x - x.mean(0)
        told = []
        for s in size:
            _, (settled,) = settle(Solver.of(prior.widened(np.array([s]))), (block,))
            spread = s**2 * centred @ covariance @ centred.T + settled.noise * np.eye(n)
            left = block.value - centred @ prior.mean
            noise = NOISE_RATINGS * (np.log(settled.noise) + NOISE / settled.noise)
            whole = left @ np.linalg.solve(spread, left) + np.linalg.slogdet(spread)[1] + noise
            told.append(-0.5 * whole)
        found.append(reach(prior, (block,))[0])
        assert found[-1] == size[np.argmax(told + chance)]
    assert len(set(found)) > 2


def test_that_answers_are_needed_to_be_unlike_everybody(known: BayesHeads) -> None:
    told = answer(-_utilities(1), 1, images=OLD)
    found = known.adapt(X, told)
    assert found.reach is None
    np.testing.assert_array_equal(found.mean, known.held().adapt(X, told).mean)


def test_that_many_who_agree_make_an_odd_one_less_likely_but_never_impossible(
    known: BayesHeads,
) -> None:
    told = answer(-_utilities(1), 60, images=OLD)
    few, many = (
        replace(known, prior=replace(known.prior, labelers=np.full(2, m))) for m in (5, 10**4)
    )
    needed = []
    for heads in (few, many):
        shown = (select(told, told.group < n) for n in range(1, 61, 4))
        needed.append([heads.adapt(X, some).reach is not None for some in shown].index(True))
    assert needed[0] < needed[1]


def test_that_an_odd_one_is_kept_and_predicts_the_same(known: BayesHeads) -> None:
    names = ("A", "B", "C", "D", "E"), ("young", "kind")
    card = HeadCard("hierarchical-bayes", "prism-mini", "", *names)
    read = BayesHeads.from_arrays(known.arrays())
    fitter = HeadFitter(LoadedHeads(read, card), X)
    told = answer(-_utilities(1), 60, images=OLD)
    entered, again = fitter.fit(told), known.adapt(X, told)
    assert again.reach is not None
    np.testing.assert_array_equal(entered.scores(None), again.scores(X)[0])
    np.testing.assert_array_equal(fitter.restore(entered.state).scores(None), again.scores(X)[0])
    kept = BayesHeads.from_arrays({**known.arrays(), **entered.state})
    np.testing.assert_allclose(kept.covariance(0), again.covariance(0))
    np.testing.assert_allclose(kept.variances(X), again.variances(X))


def test_that_a_run_of_an_earlier_version_lets_people_in_as_it_did(known: BayesHeads) -> None:
    arrays = {name: a for name, a in known.arrays().items() if name != "prior.labelers"}
    told = answer(-_utilities(1), 60, images=OLD)
    before, now = BayesHeads.from_arrays(arrays).adapt(X, told), known.held().adapt(X, told)
    assert before.reach is None
    np.testing.assert_allclose(before.scores(X), now.scores(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prior.labelers", np.array([3])),
        ("prior.labelers", np.array([-2, 6])),
        ("reach", np.array([np.nan, 1.0])),
        ("reach", np.array([1.0, 0.0])),
        ("reach", np.array([2.0])),
    ],
)
def test_that_impossible_numbers_of_a_damaged_file_are_refused(
    known: BayesHeads, name: str, value: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="is"):
        BayesHeads.from_arrays({**known.arrays(), name: value})
