"""The joint model of ratings and comparisons: its parameters are what simulated labelers have."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit, softmax

from prism_desktop.engine.labeling.joint_model import Floats, Judgments, _Problem, fit
from tests.soak import budget


@dataclass(frozen=True)
class Planted:
    """What the simulated labelers are like, and what they said."""

    faces: Floats
    discrimination: Floats
    side: Floats
    tie: Floats
    said: Judgments


def plant(
    seed: int, labelers: int = 6, faces: int = 60, comparisons: int = 1500, ratings: int = 600
) -> Planted:
    """Labelers who answer by the model's own rules, with parameters of their own."""
    rng = np.random.default_rng(seed)
    place = rng.normal(0, 1.5, faces)
    slope = rng.normal(1, 0.4, labelers)
    side, tie = rng.normal(0, 0.5, labelers), rng.normal(-1, 0.7, labelers)
    gaps = np.exp(rng.normal(0.3, 0.3, (labelers, 2)))
    first = rng.normal(-1.5, 0.7, (labelers, 1))
    thresholds = np.concatenate([first, first + np.cumsum(gaps, axis=1)], axis=1)
    who, left = rng.integers(labelers, size=comparisons), rng.integers(faces, size=comparisons)
    right = (left + rng.integers(1, faces, comparisons)) % faces
    eta = slope[who] * (place[left] - place[right]) + side[who]
    chances = softmax(np.stack([eta / 2, tie[who], -eta / 2], axis=1), axis=1)
    said = 1 - (np.cumsum(chances, axis=1) < rng.random((comparisons, 1))).sum(axis=1)
    rater, rated = rng.integers(labelers, size=ratings), rng.integers(faces, size=ratings)
    below = expit(thresholds[rater] - 1.3 * (slope[rater] * place[rated])[:, None])
    rating = 1 + (below < rng.random((ratings, 1))).sum(axis=1)
    judgments = Judgments.of(
        labelers,
        faces,
        np.stack([who, left, right, said], axis=1),
        np.stack([rater, rated, rating], axis=1),
    )
    scale = slope.mean()  # the model's labelers are 1 on average
    return Planted(place * scale, slope / scale, side, tie, judgments)


def test_that_gradient_and_curvature_are_those_of_the_posterior() -> None:
    said = plant(1, labelers=3, faces=7, comparisons=80, ratings=60).said
    problem = _Problem(said)
    at = problem.start() + np.random.default_rng(1).normal(0, 0.3, problem.size)
    step = 1e-5 * np.eye(problem.size)
    values = [[problem._value(at + sign * each, 1.2) for sign in (1, -1)] for each in step]
    _, gradient = problem._value(at, 1.2)
    slopes = [(up[0] - down[0]) / 2e-5 for up, down in values]
    np.testing.assert_allclose(gradient, slopes, atol=1e-5)
    bends = [(up[1] - down[1]) / 2e-5 for up, down in values]
    np.testing.assert_allclose(problem._curvature(at, 1.2, problem.size), bends, atol=1e-5)


def test_that_labelers_are_found_to_be_what_they_are() -> None:
    planted = plant(3)
    who = planted.said.compared_by
    outcome = planted.said.outcome.copy()
    outcome[who == 0] *= -1  # one has the answers the wrong way round
    left = outcome.copy()
    left[who == 1] = 1  # one always says left
    said = planted.said
    model = fit(
        Judgments(
            6, 60, who, said.left, said.right, left, said.rated_by[:0], said.rated[:0],
            said.rating[:0],
        )
    )  # fmt: skip
    assert model.discrimination.high[0] < 0 < model.discrimination.low[2:].min()
    assert model.side.low[1] > np.abs(model.side.value[2:]).max()
    np.testing.assert_allclose(model.side.value[2:], planted.side[2:], atol=0.4)
    assert model.discrimination.low[1] < 0.1


def test_that_ratings_and_comparisons_are_on_one_scale() -> None:
    planted = plant(5)
    said = planted.said
    model = fit(said)
    assert np.corrcoef(model.faces.value, planted.faces)[0, 1] > 0.93
    chances = model.chances(said.compared_by, said.left, said.right)
    steps = model.steps(said.rated_by, said.rated)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_allclose(steps.sum(axis=1), 1)
    for number, outcome in enumerate((1, 0, -1)):  # as often as they were said
        assert chances[:, number].mean() == pytest.approx(
            np.mean(said.outcome == outcome), abs=0.02
        )
    for number in range(4):
        assert steps[:, number].mean() == pytest.approx(
            np.mean(said.rating == number + 1), abs=0.03
        )


def test_that_a_face_and_a_labeler_without_answers_stand_in_the_middle() -> None:
    said = plant(2, comparisons=200, ratings=50).said
    more = Judgments(
        7, 61, said.compared_by, said.left, said.right, said.outcome, said.rated_by, said.rated,
        said.rating,
    )  # fmt: skip
    model = fit(more)
    assert model.faces.value[60] == pytest.approx(0, abs=1e-6)
    assert model.faces.error[60] == pytest.approx(model.spread, rel=0.05)
    assert model.side.value[6] == pytest.approx(0, abs=1e-4)
    assert model.side.error[6] > model.side.error[:6].max()


def test_that_no_answers_at_all_are_no_fault() -> None:
    model = fit(Judgments.of(2, 3))
    np.testing.assert_allclose(model.faces.value, 0, atol=1e-9)


def test_that_answers_which_say_nothing_of_the_faces_are_no_fault() -> None:
    rng = np.random.default_rng(0)  # of one labeler, whose curvature has no lowest point
    left = rng.integers(60, size=300)
    right = (left + rng.integers(1, 60, 300)) % 60
    compared = np.stack([np.zeros(300, int), left, right, rng.integers(-1, 2, 300)], axis=1)
    rated = np.stack([np.zeros(150, int), rng.integers(60, size=150), rng.integers(1, 5, 150)], 1)
    model = fit(Judgments.of(1, 60, compared, rated))
    assert model.spread < 0.6
    assert np.isfinite(model.faces.error).all()
    assert abs(model.side.value[0]) < 3 * model.side.error[0]


@pytest.mark.soak
def test_that_intervals_hold_what_they_say_and_nothing_is_pushed_aside() -> None:
    """Coverage within what chance allows, and the scale within 5 %, over simulated studies."""
    held: list[list[float]] = []
    scale = []
    for seed in range(max(4, round(24 * budget.SCALE))):
        planted = plant(1000 * budget.SEED + seed)
        model = fit(planted.said)
        center = np.eye(60) - 1 / 60
        error = np.sqrt(np.diag(center @ model.covariance @ center))
        off = center @ (model.faces.value - planted.faces)
        inside = [np.mean(np.abs(off) < 1.96 * error)]
        for found, true in (
            (model.discrimination, planted.discrimination),
            (model.side, planted.side),
            (model.tie, planted.tie),
        ):
            inside.append(np.mean((found.low <= true) & (true <= found.high)))
        held.append([float(each) for each in inside])
        scale.append(model.spread / np.std(planted.faces))
    faces, *labelers = np.mean(held, axis=0)
    assert 0.91 < faces < 0.98
    assert all(each > 0.88 for each in labelers)
    assert np.median(scale) == pytest.approx(1, abs=0.06)


def test_that_the_spread_of_faces_alone_carries_ratings_alone() -> None:
    """Without comparisons, the slope of the ratings and the faces' spread are one number."""
    said = plant(4, comparisons=0, ratings=600).said
    model = fit(said)
    assert model.slope == 1.0
    assert model.spread > 0.3


def test_that_an_interval_lies_around_its_value_and_better_faces_are_rated_higher() -> None:
    model = fit(plant(6).said)
    for each in (model.faces, model.discrimination, model.side, model.tie):
        assert (each.low < each.value).all()
        assert (each.value < each.high).all()
        np.testing.assert_allclose(each.high - each.value, each.value - each.low)
    upwards = np.argsort(model.faces.value)
    expected = model.steps(np.zeros(60, int), upwards) @ np.arange(1, 5)
    assert (np.diff(expected) > 0).all()
