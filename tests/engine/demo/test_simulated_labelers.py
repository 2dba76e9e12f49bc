"""Simulated labelers answer as planted: noise, ties, ratings and the accuracy that these imply."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_desktop.engine.demo import simulated_labelers
from prism_desktop.engine.demo.faces import factors, sample
from prism_desktop.engine.demo.faces.traits import traits
from prism_desktop.engine.demo.ideal_accuracy import ideal_accuracies, macro, true_utilities
from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler


def plain(noise: float = 0.5, ties: float = 0.1) -> SimulatedLabeler:
    return SimulatedLabeler(
        "T", "Test", "", 100, 100, noise, ties, 0.0, 2.0, (0.1, 0.2, 0.3, 0.4), tastes={}
    )


@given(noise=st.floats(0.05, 2), ties=st.floats(0.01, 0.5), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_that_ties_are_as_frequent_as_planted(noise, ties, seed):
    rng = np.random.default_rng(seed)
    answers, _ = plain(noise, ties).compare(np.sqrt(2) * rng.standard_normal(40_000), rng)
    assert (answers == 0).mean() == pytest.approx(ties, abs=0.012)


def test_that_untied_answers_are_right_as_often_as_noise_implies():
    """Without ties, P(right) over normal utilities is 1/2 + atan(1 / noise) / pi."""
    rng = np.random.default_rng(1)
    lead = np.sqrt(2) * rng.standard_normal(100_000)
    for noise in (0.3, 1.0):
        answers, _ = plain(noise, ties=1e-9).compare(lead, rng)
        expected = 0.5 + np.arctan(1 / noise) / np.pi
        assert (answers == np.sign(lead)).mean() == pytest.approx(expected, abs=0.006)


@given(lead=st.floats(-3, 3), bias=st.floats(-0.5, 0.5))
@settings(max_examples=15, deadline=None)
def test_that_stated_probabilities_are_what_answers_do(lead, bias):
    person = SimulatedLabeler("T", "", "", 1, 1, 0.6, 0.2, bias, 1.0, (0.25,) * 4, {})
    answers, _ = person.compare(np.full(20_000, lead), np.random.default_rng(0))
    left, right = person.chosen_side(np.array([lead]))
    assert (answers == 1).mean() == pytest.approx(left[0], abs=0.015)
    assert (answers == -1).mean() == pytest.approx(right[0], abs=0.015)


def test_that_ratings_use_the_scale_as_planted():
    rng = np.random.default_rng(2)
    ratings = plain().rate(rng.standard_normal(40_000), rng)
    shares = np.bincount(ratings, minlength=5)[1:] / len(ratings)
    assert shares == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.012)


def test_that_tastes_have_variance_1_and_never_weigh_skin():
    skin = [factor.name for factor in factors()].index("skin")
    for labeler in simulated_labelers.labelers():
        assert set(labeler.tastes) == {trait.name for trait in traits()}
        for weights in labeler.tastes.values():
            assert np.linalg.norm(weights) == pytest.approx(1)
            assert weights[skin] == 0


def test_that_true_utilities_are_those_of_the_seed():
    utilities = true_utilities(seed=3, images=50)
    standard = sample(50, 3).standard()
    taste = simulated_labelers.labelers()[2].tastes["smart"]
    assert utilities["L3"]["smart"] == pytest.approx(standard @ taste)
    assert utilities.keys() == {labeler.code for labeler in simulated_labelers.labelers()}


def test_that_the_six_people_are_who_they_should_be():
    """Ideal accuracies: who gains from a personal model, and who does not."""
    accuracies = ideal_accuracies(pairs=10_000)
    people = macro(accuracies)
    for code in ("L1", "L2", "L6"):
        assert people[code].personal - people[code].consensus < 0.13
        assert people[code].personal > 0.86
    idiosyncratic = people["L3"]
    assert 0.88 <= idiosyncratic.personal <= 0.92
    assert 0.50 <= idiosyncratic.consensus <= 0.58
    contrarian = {row.attribute: row for row in accuracies if row.labeler == "L4"}
    assert contrarian["attractive"].consensus < 0.35
    assert min(contrarian["smart"].consensus, contrarian["trustworthy"].consensus) > 0.8
    assert people["L5"].personal < 0.78
    assert people["(macro)"].personal - people["(macro)"].consensus > 0.12
