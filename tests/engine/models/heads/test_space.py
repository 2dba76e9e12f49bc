"""The space of the heads, and what labelers say of a face beyond their heads."""

import numpy as np
import pytest
import threadpoolctl

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads import collaborative
from prism_desktop.engine.models.heads.collaborative import CollaborativeSettings
from prism_desktop.engine.models.heads.face_effects import Residuals, residuals
from prism_desktop.engine.models.heads.likelihood import LOGISTIC, Ratings
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Space, fit_space
from tests.engine.models.heads.planted import answer, features


@pytest.mark.parametrize(("dims", "power"), [(4, 0.0), (4, 0.5), (4, 1.0), (2, 0.5)])
def test_that_features_are_centred_turned_and_of_mean_length_one(dims: int, power: float) -> None:
    spread = np.array([4.0, 3.0, 2.0, 1.0], np.float32)
    x = features(300, 4) * spread + np.float32(7)
    space = fit_space(x, dims, power)
    shown = space.project(x)
    assert space.dims == shown.shape[1] == dims
    np.testing.assert_allclose(shown.mean(0), 0, atol=1e-6)
    assert (shown**2).sum(1).mean() == pytest.approx(1.0)
    deviation = shown.std(0)  # the first axis keeps (s1 / s2) ** (1 - power) of its lead
    raw = np.sqrt(np.sort(np.linalg.eigvalsh(np.cov(x.T.astype(float), bias=True)))[::-1])
    assert deviation[0] / deviation[1] == pytest.approx((raw[0] / raw[1]) ** (1 - power))
    np.testing.assert_allclose(fit_space(x + 100, dims, power).project(x + 100) ** 2, shown**2,
                               atol=1e-3)  # fmt: skip


def test_that_features_of_lower_rank_keep_only_their_axes() -> None:
    x = np.repeat(features(50, 2), 3, axis=1)
    assert fit_space(x).dims == 2
    assert fit_space(np.ones((5, 3), np.float32)).dims == 1


def test_that_axes_are_parted_into_blocks_from_strong_to_weak() -> None:
    block = fit_space(features(300, 40), 40, 1.0).block
    assert np.bincount(block).tolist() == [8, 8, 16, 8]
    assert (np.diff(block) >= 0).all()


def test_that_linear_algebra_has_one_thread_inside_and_as_many_as_before_outside() -> None:
    def counts() -> set[int]:
        return {
            one["num_threads"]
            for one in threadpoolctl.threadpool_info()
            if one["user_api"] == "blas"
            and ("numpy" in one["filepath"] or "scipy" in one["filepath"])
        }

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = counts()
        with one_thread():
            assert counts() == {1}
        assert counts() == before


def _beyond(told: Ratings | None, given: Answers | None, utilities: np.ndarray) -> Residuals:
    """What answers say beyond heads that foretell (labelers, attributes, images) utilities."""
    heads, x = utilities, np.eye(utilities.shape[2])
    noise = np.full(heads.shape[:2], 0.5 if told is not None else LOGISTIC)
    return residuals(heads, x, noise, given, told, np.inf)


def test_that_a_face_rated_above_its_score_is_pulled_up_and_agreement_pulls_nothing() -> None:
    rng = np.random.default_rng(0)
    rows, utilities = np.arange(12), rng.normal(size=(2, 2, 12))
    given = utilities[1, 0] - utilities[1, 0].mean()
    utilities[1, 0] = given = given / given.std()

    def effects(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = _beyond(Ratings(0 * rows + 1, 0 * rows, rows, value), None, utilities)
        return found.slope, found.curvature

    slope, curvature = effects(given)
    np.testing.assert_allclose(slope, 0, atol=1e-9)
    slope, curvature = effects(given + np.where(rows == 3, 4.0, 0.0))
    assert slope[1, 0].argmax() == 3
    assert (slope[1, 0, 3] > 0, slope[1, 0].sum()) == (True, pytest.approx(0, abs=1e-9))
    assert not slope[0].any()
    assert not slope[1, 1].any()
    np.testing.assert_allclose(curvature[1, 0], 1 / 0.5)
    stretched, _ = effects(3 * (given + np.where(rows == 3, 4.0, 0.0)) + 50)
    np.testing.assert_allclose(stretched, slope, atol=1e-9)  # whatever the labeler's scale
    flat, none = effects(np.full(12, 2.0))
    assert not flat.any()
    assert not none.any()


def test_that_an_answer_pulls_the_chosen_face_up_and_the_other_down_by_what_was_left_open() -> None:
    utilities = np.zeros((1, 1, 3))
    utilities[0, 0] = [np.log(3), 0.0, 0.0]  # 3 : 1 for the first face
    given = answer(np.zeros((1, 1, 3)), 1, images=np.array([0, 1]))
    chosen = given.outcome[0] if given.left[0] == 0 else 1 - given.outcome[0]
    found = _beyond(None, given, utilities)
    up = 0.25 if chosen else -0.75
    np.testing.assert_allclose(found.slope[0, 0], [up, -up, 0], atol=1e-6)
    np.testing.assert_allclose(found.curvature[0, 0], [3 / 16, 3 / 16, 0], atol=1e-6)


def test_that_the_shared_quality_is_listened_to_as_much_as_answers_outweigh_the_belief() -> None:
    """One Newton step from 1: (1 / spread + slope q) / (1 / spread + curvature q q)."""
    quality, slope, curvature = (
        np.array([[2.0], [-1.0]]),
        np.array([3.0, 1.0]),
        np.array([1.0, 2.0]),
    )
    for spread in (0.01, 0.1, 4.0):
        settings = CollaborativeSettings(factors=1, spread=spread)
        found = collaborative._loading(slope, curvature, quality, settings)
        expected = (1 / spread + 3 * 2 - 1) / (1 / spread + 1 * 4 + 2 * 1)
        assert found == pytest.approx([expected])


def test_that_optional_blocks_have_axes_and_a_variance_of_their_own() -> None:
    x = np.hstack([features(200, 6), 40 * features(200, 3, seed=1), features(200, 1, seed=2)])
    alone, space = fit_space(x[:, :6], 6, 1.0), fit_space(x, 6, 1.0, blocks=(3, 1))
    shown = space.project(x)
    np.testing.assert_allclose(shown[:, :6], alone.project(x[:, :6]), atol=1e-9)
    assert space.block.tolist() == [0] * 6 + [1] * 3 + [2]
    loud = (shown**2).mean(0)  # an axis of a block is as loud as one of the features, on average
    assert loud[:6].mean() == pytest.approx(loud[6:9].mean()) == pytest.approx(loud[9])
    back = Space.from_arrays(space.arrays())
    np.testing.assert_array_equal(back.block, space.block)


def test_that_what_is_unknown_of_an_image_is_the_mean() -> None:
    x = np.hstack([features(200, 4), features(200, 2, seed=1)])
    x[150:, 4:] = np.nan
    space = fit_space(x, 4, 1.0, blocks=(2,))
    assert not space.project(x)[150:, 4:].any()
    np.testing.assert_allclose(space.project(x)[:150, 4:].mean(0), 0, atol=1e-6)
