"""Factors have the moments that standardising relies on, and tastes refer to factors that exist."""

import numpy as np
import pytest

from prism_desktop.engine.demo.faces import factors, sample
from prism_desktop.engine.demo.faces.traits import traits, unit, weigh
from prism_desktop.engine.errors import InputError


def test_that_standardised_factors_have_mean_0_and_variance_1():
    standard = sample(20_000, 1).standard()
    assert np.abs(standard.mean(axis=0)).max() < 0.03
    assert np.abs(standard.std(axis=0) - 1).max() < 0.03


def test_that_things_not_every_face_has_are_absent_as_often_as_stated():
    drawn = sample(20_000, 2).factors
    for row, factor in enumerate(factors()):
        assert (drawn[:, row] != 0).mean() == pytest.approx(factor.presence, abs=0.015)


def test_that_factors_do_not_depend_on_each_other():
    correlation = np.corrcoef(sample(20_000, 3).standard().T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 0.04


def test_that_consensus_utilities_have_variance_1():
    standard = sample(20_000, 4).standard()
    for trait in traits():
        assert (standard @ trait.weights).std() == pytest.approx(1, abs=0.03)


def test_that_no_consensus_judges_skin():
    skin = [factor.name for factor in factors()].index("skin")
    assert all(trait.weights[skin] == 0 for trait in traits())


def test_that_weights_are_put_where_their_factor_is():
    weights = weigh({"smile": 3.0, "age": -4.0})
    names = [factor.name for factor in factors()]
    assert weights[names.index("smile")] == 3
    assert np.linalg.norm(unit(weights)) == pytest.approx(1)
    assert np.count_nonzero(weights) == 2


def test_that_an_unknown_factor_is_refused_with_the_known_ones():
    with pytest.raises(
        InputError, match="moustache is no factor of a face; the factors are face_width"
    ):
        weigh({"moustache": 1.0})
