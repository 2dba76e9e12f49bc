from dataclasses import replace

import numpy as np
import pytest

from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import bayes, collaborative, retrieval, ridge
from prism_desktop.engine.models.heads.collaborative import CollaborativeHeads
from prism_desktop.engine.models.heads.em import EmSettings
from prism_desktop.engine.models.heads.retrieval import RetrievalHeads
from prism_desktop.engine.models.heads.ridge import LinearHeads
from tests.engine.models.heads.planted import answer, features, last, order

K, U, N = 4, 10, 120
OLD, NEW = np.arange(80), np.arange(80, N)
SETTINGS = bayes.BayesSettings(
    dims=K, overlap=np.inf, em=EmSettings(strength=20.0, share=1.0, passes=8)
)


def _both(first: Answers, second: Answers) -> Answers:
    return Answers(
        **{
            n: np.concatenate([getattr(first, n), getattr(second, n)])
            for n in Answers.__slots__[:7]
        }
    )


@pytest.fixture(scope="module")
def study():
    """Tastes of a head, and of a quality of the face that no feature shows."""
    rng = np.random.default_rng(0)
    x = features(N, K)
    heads = rng.normal(size=(1, 1, K)) + 0.5 * rng.normal(size=(U, 1, K))
    true = np.einsum("uak,nk->uan", heads, x) + 1.5 * rng.normal(size=N)
    return x, true, answer(true, 150, images=OLD), answer(true, 150, seed=2, images=NEW)


def _fit(x, train, test) -> CollaborativeHeads:
    base = last(bayes.fit(x, train, U, 1, settings=SETTINGS))
    return last(collaborative.fit(x, base, train, _both(train, test)))


def test_that_others_answers_tell_what_features_do_not(study) -> None:
    x, true, train, test = study
    both = _fit(x, train, test)
    assert (
        order(both.scores(x)[:, :, NEW], true[:, :, NEW])
        > order(both.base.scores(x)[:, :, NEW], true[:, :, NEW]) + 0.1
    )


def test_that_a_labelers_own_test_answers_change_nothing_of_their_scores(study) -> None:
    x, _, train, test = study
    flipped = np.where(test.labeler == 3, 1 - test.outcome, test.outcome).astype(np.float32)
    turned = Answers(
        test.labeler, test.attribute, test.left, test.right, flipped, test.weight, test.group
    )
    before, after = _fit(x, train, test).scores(x), _fit(x, train, turned).scores(x)
    np.testing.assert_allclose(before[3], after[3], atol=1e-5)
    assert np.abs(before[4] - after[4]).max() > 0.01


def test_that_a_face_nobody_judged_keeps_the_heads_score(study) -> None:
    x, _, train, test = study
    both = _fit(x, train, train)
    np.testing.assert_allclose(both.additions()[:, :, NEW], 0)
    unknown = both.scores(x[:5], rows=np.full(5, -1))
    np.testing.assert_array_equal(unknown, both.base.scores(x[:5]))
    seen = _fit(x, train, test)
    np.testing.assert_allclose(
        seen.scores(x[NEW], rows=NEW) - seen.base.scores(x[NEW]),
        seen.additions()[:, :, NEW],
        atol=1e-5,
    )


def test_that_a_new_labeler_profits_from_all_others(study) -> None:
    x, true, train, test = study
    adapted = select(train, train.labeler == U - 1)
    others = [select(part, part.labeler < U - 1) for part in (train, test)]
    base = last(bayes.fit(x, others[0], U - 1, 1, settings=SETTINGS))
    known = last(collaborative.fit(x, base, others[0], _both(*others)))
    entered = known.adapt(x, adapted)
    alone = known.base.adapt(x, adapted)
    assert order(entered.scores(x)[:, :, NEW], true[-1:, :, NEW]) > order(
        alone.scores(x)[:, :, NEW], true[-1:, :, NEW]
    )


def test_that_it_is_all_the_same_to_a_new_labeler_in_which_order_the_others_came(study) -> None:
    x, _, train, test = study
    adapted = select(train, train.labeler == U - 1)
    others = [select(part, part.labeler < U - 1) for part in (train, test)]
    base = last(bayes.fit(x, others[0], U - 1, 1, settings=SETTINGS))
    known = last(collaborative.fit(x, base, others[0], _both(*others)))
    turned = replace(
        known, slope=known.slope[::-1], curvature=known.curvature[::-1], voice=known.voice[::-1]
    )
    one, other = known.adapt(x, adapted), turned.adapt(x, adapted)
    np.testing.assert_allclose(one.loadings, other.loadings, rtol=1e-6)
    np.testing.assert_allclose(one.scores(x), other.scores(x), rtol=1e-5)
    silent = np.array(known.slope)
    silent[0] = 0  # the first counts as much as any other
    assert np.abs(replace(known, slope=silent).adapt(x, adapted).loadings - one.loadings).max() > 0


def test_that_saved_models_predict_the_same(study) -> None:
    x, _, train, test = study
    both = _fit(x, train, test)
    np.testing.assert_array_equal(
        CollaborativeHeads.from_arrays(both.arrays()).scores(x), both.scores(x)
    )
    earlier = {**both.arrays(), "faces.settings": np.array([6.0, both.settings.spread])}
    for kept in (both.arrays(), earlier):  # which had the overlap before the spread
        read = CollaborativeHeads.from_arrays(kept).settings
        assert (read.factors, read.spread) == (both.settings.factors, both.settings.spread)
    shared = last(ridge.fit(x, train, U, 1, owner="nobody"))
    np.testing.assert_array_equal(shared.adapt(x, None).penalty, shared.penalty[:1])
    np.testing.assert_array_equal(
        LinearHeads.from_arrays(shared.arrays()).scores(x), shared.scores(x)
    )
    found = last(retrieval.fit(x, train, test, U, shared))
    np.testing.assert_array_equal(
        RetrievalHeads.from_arrays(found.arrays()).scores(x), found.scores(x)
    )


def test_that_retrieval_serves_a_labeler_whose_taste_is_the_opposite() -> None:
    x = features(N, K)
    true = np.stack([x @ np.ones(K)] * 4 + [-(x @ np.ones(K))])[:, None] * 2
    train, held = answer(true, 100, images=OLD), answer(true, 100, seed=5, images=NEW)
    shared = last(ridge.fit(x, train, 5, 1, owner="nobody"))
    found = last(retrieval.fit(x, train, held, 5, shared))
    assert found.neighbours[0] > 0
    assert (
        order(found.scores(x)[4:, :, NEW], true[4:, :, NEW])
        > order(shared.scores(x)[4:, :, NEW], true[4:, :, NEW]) + 0.3
    )
    none = found.adapt(x, None)
    np.testing.assert_allclose(none.scores(x)[0], shared.scores(x)[0], atol=1e-6)


def test_that_the_nearest_comparison_votes_for_what_was_chosen() -> None:
    x = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    row = lambda *v: np.array(v, np.int64)  # noqa: E731
    given = Answers(
        row(0), row(0), row(0), row(1), np.array([0.0], np.float32), np.ones(1, np.float32), row(0)
    )
    shared = last(ridge.fit(x, given, 1, 1, owner="nobody"))
    found = last(retrieval.fit(x, given, given, 1, shared))
    votes = found.vote(retrieval._unit(shared.space.project(x)), 0, 0, 1)
    np.testing.assert_allclose(votes, [-1, 1, 0, 0], atol=1e-6)


def test_that_the_latest_comparisons_vote_whatever_they_resemble() -> None:
    x = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)
    column = lambda *v: np.array(v, np.int64)  # noqa: E731
    told = Answers(
        column(0, 0), column(0, 0), column(2, 0), column(3, 1),
        np.ones(2, np.float32), np.ones(2, np.float32), column(0, 1), time=column(9, 4),
    )  # fmt: skip
    shared = last(ridge.fit(x, told, 1, 1, owner="nobody"))
    images = retrieval._unit(shared.space.project(x))

    def votes(kind: retrieval.Kind) -> np.ndarray:
        wanted = retrieval.Wanted(1, kind)
        found = last(retrieval.fit(x, told, told, 1, shared, wanted))
        assert found.neighbours.tolist() == [1]
        assert RetrievalHeads.from_arrays(found.arrays()).kind == kind
        return found.vote(images, 0, 0, 1)

    # the later answer was about the second axis, whose images alone it speaks for or against
    np.testing.assert_allclose(votes("recency"), images @ images[2], atol=1e-6)
    np.testing.assert_allclose(votes("hybrid"), votes("recency"), atol=1e-6)
    # the first image has a comparison that points its way, and none that points the other way
    assert votes("similarity")[0] == pytest.approx((1 - 0) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_that_the_strongest_penalty_is_taken_where_no_answer_can_be_held_out(seed: int) -> None:
    x, settings = features(40, 16, seed), ridge.RidgeSettings(dims=16)
    one = answer(np.zeros((1, 1, 40)), 1, seed)
    assert ridge.choose(x.astype(float), one, 1, 1, settings) == max(settings.penalties)
    head = np.random.default_rng(seed).normal(size=(1, 1, 16))
    # and a weaker one where answers speak for it
    many = answer(3 * np.einsum("uak,nk->uan", head, x), 400, seed)
    assert ridge.choose(x.astype(float), many, 1, 1, settings) < max(settings.penalties)


def test_that_a_consensus_ignores_who_answered_and_ridge_does_not(study) -> None:
    x, _, train, _ = study
    shared = last(ridge.fit(x, train, U, 1, owner="nobody"))
    assert np.ptp(shared.scores(x), axis=0).max() == 0
    own = last(ridge.fit(x, train, U, 1))
    assert np.ptp(own.scores(x), axis=0).max() > 0.1
