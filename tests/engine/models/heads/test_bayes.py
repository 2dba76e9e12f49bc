from dataclasses import replace

import numpy as np
import pytest

from prism_desktop.engine.events import Progress
from prism_desktop.engine.models.answers import select
from prism_desktop.engine.models.heads import bayes, model_selection, ridge
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings, Lifts, learn, share
from prism_desktop.engine.models.heads.likelihood import (
    NOISE,
    NOISE_RATINGS,
    Block,
    Ratings,
    steepness,
)
from prism_desktop.engine.models.heads.prior import Prior, isotropic
from tests.engine.models.heads.planted import answer, features, last, order

DIMS = 6
SETTINGS = BayesSettings(dims=DIMS, overlap=np.inf, em=EmSettings(strength=20.0, share=1.0))


def _first(dims: int, power: float) -> BayesSettings:
    em = EmSettings(strength=model_selection.STRENGTHS[0], share=model_selection.SHARES[0])
    return BayesSettings(dims=dims, power=power, em=em)


def _study(labelers: int = 12, count: int = 60, attributes: int = 2):
    x = features(150, DIMS)
    rng = np.random.default_rng(3)
    heads = rng.normal(size=(1, attributes, DIMS)) + rng.normal(size=(labelers, attributes, DIMS))
    true = np.einsum("uak,nk->uan", heads, x)
    return x, true, answer(true, count)


def test_that_em_recovers_a_planted_mean_covariance_lifts_and_noise() -> None:
    rng, k, labelers, n = np.random.default_rng(0), 3, 60, 80
    mean, loading = np.array([0.5, -0.3, 0.0]), np.array([0.5, 0.0, -0.4])
    covariance = np.outer(loading, loading) + 0.05 * np.eye(k)
    x, lift = features(n, k).astype(float), 0.5 * rng.normal(size=n)
    heads = rng.multivariate_normal(mean, covariance, labelers)
    noise = np.where(np.arange(labelers) % 2, 0.2, 1.0)
    true = heads @ x.T + lift + np.sqrt(noise)[:, None] * rng.normal(size=(labelers, n))
    nothing, some = np.zeros(0), np.zeros(0, np.int64)
    told = [
        (Block(x, some, some, nothing, nothing, np.arange(n), row - row.mean()),) for row in true
    ]
    settings = EmSettings(strength=0.0, share=1.0, passes=40)
    found = last(learn(told, x, np.zeros(k, np.int64), settings))
    np.testing.assert_allclose(found.prior.mean, mean, atol=0.2)
    np.testing.assert_allclose(found.prior.covariance, covariance, atol=0.1)
    assert np.corrcoef(found.lifts.mean[0], lift)[0, 1] > 0.98
    assert found.lifts.prior[0] == pytest.approx(lift.var(), rel=0.2)
    shown = np.array([blocks[0].noise for blocks in found.likelihood])
    held = (n * noise + NOISE_RATINGS * NOISE) / (n + NOISE_RATINGS)  # near what is usual
    np.testing.assert_allclose(shown, held, rtol=0.35)


def test_that_the_consensus_and_the_lifts_are_those_of_one_big_gaussian() -> None:
    """The posterior of what is shared, by brute force over faces and offsets together."""
    rng, n, k, labelers = np.random.default_rng(1), 12, 2, 3
    x, spread, noise = features(n, k).astype(float), 0.3, np.array([0.4, 0.7, 1.1])
    seen = [np.sort(rng.permutation(n)[:8]) for _ in range(labelers)]
    value = [rng.normal(size=8) for _ in range(labelers)]
    value = [v - v.mean() for v in value]
    nothing, some = np.zeros(0), np.zeros(0, np.int64)
    told = [
        (Block(x, some, some, nothing, nothing, i, v, s),)
        for i, v, s in zip(seen, value, noise, strict=True)
    ]
    prior, scale = isotropic(np.zeros(k), 0.1), np.full((1, 1), 0.5)
    start = Lifts(np.zeros((1, n)), np.zeros((1, n)), np.array([spread]))
    shared, lifts = prior.mean, start
    for _ in range(400):  # offsets are taken as known within a step, so it is iterated
        shared, lifts, _ = share(
            told, [0, 1, 2], np.tile(shared.reshape(1, 1, k), (labelers, 1, 1)),
            Prior(shared, prior.covariance), Lifts(lifts.mean, lifts.variance, start.prior),
            x, np.zeros(k, np.int64), scale,
        )  # fmt: skip
    rows = [np.eye(n)[i] for i in seen]
    design = np.concatenate(
        [
            np.column_stack([r @ x, r, np.tile(np.eye(labelers)[u], (8, 1))])
            for u, r in enumerate(rows)
        ]
    )
    weight = np.repeat(1 / noise, 8)
    precision = np.diag([2.0] * k + [1 / spread] * n + [1e-9] * labelers)
    precision += design.T @ (design * weight[:, None])
    expected = np.linalg.solve(precision, design.T @ (weight * np.concatenate(value)))
    np.testing.assert_allclose(shared, expected[:k], atol=1e-5)
    np.testing.assert_allclose(lifts.mean[0], expected[k : k + n], atol=1e-5)


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
    np.testing.assert_allclose(nobody.covariance(0), known.prior.covariance, atol=1e-9)
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


def test_that_an_answer_on_one_attribute_informs_another_where_labelers_tie_them_together() -> None:
    x = features(150, DIMS)
    heads = (
        np.random.default_rng(5).normal(size=(30, 1, DIMS)) * np.array([1.0, 1.0])[None, :, None]
    )
    true = np.einsum("uak,nk->uan", heads, x)
    given = answer(true, 80)
    settings = BayesSettings(
        dims=DIMS, overlap=np.inf, em=EmSettings(strength=1.0, share=1.0, passes=30)
    )
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


def test_that_scales_of_3_to_10_points_and_sliders_speak_of_one_utility() -> None:
    x, true, _ = _study(labelers=10, attributes=1)
    rng = np.random.default_rng(0)
    u, image = np.repeat(np.arange(10), 100), np.tile(np.arange(100), 10)
    felt = (true[u, 0, image] + rng.gumbel(size=1000)).reshape(10, 100)
    place = felt.argsort(1).argsort(1) / 100
    points = np.array([3, 5, 7, 10, 101, 3, 5, 7, 10, 101])
    value = np.floor(place * points[:, None]).ravel()
    both = []
    for given in (value, place.ravel()):
        told = Ratings(u, 0 * u, image, given)
        both.append(last(bayes.fit(x, None, 10, 1, ratings=told, settings=SETTINGS)))
    coarse, fine = (heads.scores(x)[:, :, 100:] for heads in both)
    assert order(coarse, true[:, :, 100:]) > 0.9
    assert order(coarse, fine) > 0.97
    spread = both[0].utilities(x).std(2)
    assert spread.max() < 2 * spread.min()  # in the same units, whatever the points


def test_that_the_order_of_answers_and_of_labelers_does_not_matter() -> None:
    x, true, given = _study(labelers=5, attributes=1)
    rng = np.random.default_rng(0)
    u, image = np.repeat(np.arange(5), 40), np.tile(np.arange(40), 5)
    told = Ratings(u, 0 * u, image, true[u, 0, image] + rng.normal(size=200))
    one = last(bayes.fit(x, given, 5, 1, ratings=told, settings=SETTINGS))
    mixed, turned = rng.permutation(200), rng.permutation(len(given))
    again = Ratings(4 - u[mixed], 0 * u, image[mixed], told.value[mixed])
    other = select(given, turned)
    other = replace(other, labeler=4 - other.labeler)
    two = last(bayes.fit(x, other, 5, 1, ratings=again, settings=SETTINGS))
    np.testing.assert_allclose(two.scores(x)[::-1], one.scores(x), atol=1e-4)


def test_that_comparisons_and_ratings_of_one_labeler_tell_more_than_either() -> None:
    x, true, _ = _study(labelers=12, attributes=1)
    rng = np.random.default_rng(0)
    true = 0.7 * true
    u, image = np.repeat(np.arange(12), 15), np.tile(np.arange(15), 12)
    told = Ratings(u, 0 * u, image, true[u, 0, image] + rng.gumbel(size=180))
    given = answer(true, 15, images=np.arange(40))
    fits = [
        last(bayes.fit(x, a, 12, 1, ratings=r, settings=SETTINGS)).scores(x)
        for a, r in ((given, None), (None, told), (given, told))
    ]
    told_by = [order(scores[:, :, 100:], true[:, :, 100:]) for scores in fits]
    assert told_by[2] > max(told_by[:2])


def test_that_a_run_of_an_earlier_version_keeps_its_scores() -> None:
    x, _, given = _study(labelers=3)
    now = last(bayes.fit(x, given, 3, 2, settings=SETTINGS)).arrays()
    kept = {n: a for n, a in now.items() if n not in ("noise", "typical")}
    heads = BayesHeads.from_arrays(now)
    kept |= {"information": heads.information, "prior.diagonal": np.ones(2 * DIMS)}
    kept |= {"prior.loadings": np.zeros((2 * DIMS, 1))}
    del kept["prior.covariance"]
    read = BayesHeads.from_arrays(kept)
    flat = read.utilities(x) * steepness(NOISE)
    expected = np.einsum("uak,nk->uan", heads.mean, heads.space.project(x))
    np.testing.assert_allclose(flat, expected)  # of old heads the logits themselves
    np.testing.assert_allclose(read.scores(x, moderated=False), expected, rtol=1e-5, atol=1e-5)
    precision = np.eye(2 * DIMS)
    for a in range(2):
        part = slice(a * DIMS, (a + 1) * DIMS)
        precision[part, part] += heads.information[1, a]
    deviation = np.linalg.inv(precision)[:DIMS, :DIMS]
    z = heads.space.project(x)
    np.testing.assert_allclose(
        read.variances(x)[1, 0], np.einsum("nk,kl,nl->n", z, deviation, z), rtol=1e-4
    )


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
    fits = [last(bayes.fit(x, train, 8, 1, settings=_first(d, p))) for d, p in options]
    losses = [model_selection.validation_nll(model, x, held, rescaled=True) for model in fits]
    told = list(model_selection.choose(x, train, held, 8, 1, spaces=options))
    tried = [event for event in told if isinstance(event, Progress)]
    assert [event.done for event in tried] == list(range(tried[0].total or 0))
    chosen = last(iter(told))
    assert chosen.loss <= min(losses)
    assert chosen.heads.space.dims == options[int(np.argmin(losses))][0]
    assert losses[0] != pytest.approx(losses[1])
    few = select(held, np.arange(29))  # too few to choose by
    first = last(model_selection.choose(x, train, few, 8, 1, spaces=options))
    assert (first.settings.dims, first.settings.power) == options[0]


def test_that_one_labeler_alone_has_a_prior() -> None:
    x, true = features(50, 3).astype(float), np.array([1.0, -0.5, 0.2])
    nothing, some = np.zeros(0), np.zeros(0, np.int64)
    said = x @ true + 0.2 * np.random.default_rng(0).normal(size=50)
    told = [(Block(x, some, some, nothing, nothing, np.arange(50), said - said.mean()),)]
    found = last(learn(told, x, np.zeros(3, np.int64), EmSettings()))
    assert found.prior.mean @ true > 0
