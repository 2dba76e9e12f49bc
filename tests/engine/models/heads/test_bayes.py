import numpy as np
import pytest

from prism_desktop.engine.models.answers import select
from prism_desktop.engine.models.heads import bayes, model_selection, ridge
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings, learn
from prism_desktop.engine.models.heads.likelihood import Ratings, gather
from tests.engine.models.heads.planted import answer, features, last, order

DIMS = 6
SETTINGS = BayesSettings(dims=DIMS, overlap=np.inf, em=EmSettings(rank=2))


def _study(labelers: int = 12, count: int = 60, attributes: int = 2):
    x = features(150, DIMS)
    rng = np.random.default_rng(3)
    heads = rng.normal(size=(1, attributes, DIMS)) + rng.normal(size=(labelers, attributes, DIMS))
    true = np.einsum("uak,nk->uan", heads, x)
    return x, true, answer(true, count)


def test_that_em_recovers_a_planted_mean_and_covariance() -> None:
    rng, k, labelers = np.random.default_rng(0), 3, 150
    mean, loading = np.array([1.0, -0.5, 0.0]), np.array([1.2, 0.0, -0.8])
    covariance = np.outer(loading, loading) + 0.2 * np.eye(k)
    x = features(100, k)
    heads = rng.multivariate_normal(mean, covariance, labelers)
    given = answer((heads @ x.T)[:, None], 200)
    likelihood = gather(x.astype(float), given, None, labelers, 1, np.inf)
    found = last(
        learn(
            likelihood, k, np.zeros(k), EmSettings(rank=1, strength=0.0, steps=40, tolerance=1e-7)
        )
    )
    np.testing.assert_allclose(found.prior.mean, mean, atol=0.25)
    np.testing.assert_allclose(found.prior.covariance(), covariance, atol=0.35)


def test_that_each_labeler_with_answers_adds_to_the_belief_that_axes_are_alike_up_to_a_most() -> (
    None
):
    x, _, given = _study(labelers=12, count=20)
    known = gather(x.astype(float), given, None, 14, 2, np.inf)  # the last two never answered

    def covariance(**settings: float) -> np.ndarray:
        chosen = EmSettings(rank=2, steps=3, **settings)
        return last(learn(known, DIMS, np.zeros(2 * DIMS), chosen)).prior.covariance()

    eight = covariance(strength=8.0, strength_each=0.0)
    np.testing.assert_allclose(covariance(strength=2.0, strength_each=0.5), eight)
    capped = covariance(strength=2.0, strength_each=50.0, strength_most=8.0)
    np.testing.assert_allclose(capped, eight)
    assert not np.allclose(covariance(strength=2.0, strength_each=0.0), eight)


def test_that_planted_tastes_are_learned_better_than_by_everyone_or_anyone_alone() -> None:
    x, true, given = _study(count=40)
    mine = last(bayes.fit(x, given, 12, 2, settings=SETTINGS)).scores(x)
    settings = ridge.RidgeSettings(dims=DIMS, overlap=np.inf)
    shared = last(ridge.fit(x, given, 12, 2, owner="nobody", settings=settings)).scores(x)
    alone = last(ridge.fit(x, given, 12, 2, settings=settings)).scores(x)
    assert order(mine, true) > order(shared, true) + 0.05
    assert order(mine, true) > order(alone, true)


def test_that_a_new_labeler_starts_at_the_prior_and_answers_bring_their_taste() -> None:
    x, true, given = _study(labelers=13)
    known = last(bayes.fit(x, select(given, given.labeler < 12), 12, 2, settings=SETTINGS))
    nobody = known.adapt(x, None)
    np.testing.assert_allclose(nobody.mean.reshape(-1), known.prior.mean)
    np.testing.assert_allclose(nobody.covariance(0), known.prior.covariance(), atol=1e-9)
    own = select(given, given.labeler == 12)
    fits = [
        order(known.adapt(x, select(own, np.arange(k))).scores(x), true[12:]) for k in (0, 20, 120)
    ]
    assert fits == sorted(fits)
    spread = [known.adapt(x, select(own, np.arange(k))).variances(x).mean() for k in (0, 20, 120)]
    assert spread == sorted(spread, reverse=True)


def test_that_an_update_after_a_new_answer_equals_a_fit_to_all_answers() -> None:
    x, _, given = _study(labelers=4)
    known = last(bayes.fit(x, given, 4, 2, settings=SETTINGS))
    own = select(given, given.labeler == 2)
    before = known.adapt(x, select(own, np.arange(60)))
    np.testing.assert_allclose(before.update(0, x, own).mean, known.adapt(x, own).mean, atol=1e-4)
    np.testing.assert_allclose(known.adapt(x, own).mean[0], known.mean[2], atol=1e-4)


def test_that_an_answer_on_one_attribute_informs_another_where_labelers_tie_them_together() -> None:
    x = features(150, DIMS)
    heads = (
        np.random.default_rng(5).normal(size=(30, 1, DIMS)) * np.array([1.0, 1.0])[None, :, None]
    )
    true = np.einsum("uak,nk->uan", heads, x)
    given = answer(true, 80)
    settings = BayesSettings(dims=DIMS, overlap=np.inf, em=EmSettings(rank=6, steps=40))
    known = last(bayes.fit(x, select(given, given.labeler < 29), 29, 2, settings=settings))
    first = select(given, (given.labeler == 29) & (given.attribute == 0))
    assert order(known.adapt(x, first).scores(x)[:, 1:], true[29:, 1:]) > 0.6


def test_that_ratings_on_any_scale_teach_a_taste() -> None:
    x, true, _ = _study(labelers=8, attributes=1)
    rng = np.random.default_rng(0)
    u, image = np.repeat(np.arange(8), 100), np.tile(np.arange(100), 8)
    value = true[u, 0, image] + rng.gumbel(size=800)
    stretched = value * np.repeat(np.linspace(0.2, 3, 8), 100) + 10
    models = [
        last(bayes.fit(x, None, 8, 1, ratings=Ratings(u, 0 * u, image, v), settings=SETTINGS))
        for v in (value, stretched)
    ]
    assert order(models[0].scores(x)[:, :, 100:], true[:, :, 100:]) > 0.9
    np.testing.assert_allclose(models[0].scores(x), models[1].scores(x), atol=1e-3)
    size = np.ptp(models[0].scores(x, moderated=False), axis=2) / np.ptp(true, axis=2)
    assert np.median(size) == pytest.approx(1.0, abs=0.3)  # in logits, whatever the scale


def test_that_moderated_probabilities_are_calibrated_on_new_images() -> None:
    x, true, _ = _study(labelers=20, count=25)
    true = 0.4 * true
    old, new = np.arange(75), np.arange(75, 150)
    known = last(bayes.fit(x, answer(true, 25, images=old), 20, 2, settings=SETTINGS))
    test = answer(true, 400, seed=9, images=new)
    scores = known.scores(x).astype(float)
    margin = (
        scores[test.labeler, test.attribute, test.left]
        - scores[test.labeler, test.attribute, test.right]
    )
    p = 1 / (1 + np.exp(-margin))
    for low, high in ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9)):
        inside = (p > low) & (p < high)
        assert test.outcome[inside].mean() == pytest.approx(p[inside].mean(), abs=0.05)


def test_that_an_image_has_the_same_score_whatever_images_are_scored_with_it() -> None:
    x, _, given = _study(labelers=3)
    heads = last(bayes.fit(x, given, 3, 2, settings=SETTINGS))
    together = heads.scores(x)
    np.testing.assert_allclose(heads.scores(x[:1]), together[:, :, :1], rtol=1e-5)
    np.testing.assert_allclose(heads.scores(x[40:60]), together[:, :, 40:60], rtol=1e-5)


def test_that_a_saved_model_predicts_the_same() -> None:
    x, _, given = _study(labelers=3)
    known = last(bayes.fit(x, given, 3, 2, settings=SETTINGS))
    again = BayesHeads.from_arrays(known.arrays())
    np.testing.assert_array_equal(again.scores(x), known.scores(x))
    np.testing.assert_array_equal(again.variances(x), known.variances(x))
    np.testing.assert_array_equal(again.adapt(x, given).mean, known.adapt(x, given).mean)


def test_that_the_space_is_chosen_by_validation() -> None:
    x = features(200, 40) * np.linspace(3, 0.5, 40, dtype=np.float32)
    heads = np.zeros((8, 1, 40))
    heads[:, :, :4] = np.random.default_rng(0).normal(size=(8, 1, 4))
    true = np.einsum("uak,nk->uan", heads, x)
    train, held = (
        answer(true, 60, images=np.arange(120)),
        answer(true, 60, images=np.arange(120, 200)),
    )
    options = ((40, 1.0), (8, 0.0))
    fits = [
        last(bayes.fit(x, train, 8, 1, settings=BayesSettings(dims=d, power=p))) for d, p in options
    ]
    losses = [model_selection.validation_nll(model, x, held, rescaled=True) for model in fits]
    chosen = last(model_selection.fit(x, train, held, 8, 1, spaces=options))
    assert model_selection.validation_nll(chosen, x, held, rescaled=True) == pytest.approx(
        min(losses)
    )
    assert losses[0] != pytest.approx(losses[1])
