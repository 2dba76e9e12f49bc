"""Whether what a plan foretells is what studies carried out so find."""

from dataclasses import replace
from math import asin, pi, sqrt

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import ceiling_of
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    PlannedDesign,
    ceiling,
    gain,
    icc,
    precision_of,
    reliability,
)
from tests.engine.evaluation.sample_size.simulated_studies import simulated

_STUDIES = 100


def _holds(told: Estimate, found: np.ndarray) -> tuple[float, float]:
    """Shares of estimates within the interval, and within half of it about its middle."""
    middle, half = (told.low + told.high) / 2, (told.high - told.low) / 2
    off = np.abs(found - middle)
    return float((off <= half).mean()), float((off <= half / 2).mean())


@pytest.mark.parametrize(
    ("design", "variances"),
    [
        (PlannedDesign("comparison", 8, 100, 300, 0.2), AnswerVariances()),
        (PlannedDesign("rating", 8, 100, 130, 0.25), AnswerVariances(0.35, 0.25, 0.2)),
    ],
    ids=["comparisons", "ratings"],
)
def test_that_studies_find_what_the_plan_foretells(
    design: PlannedDesign, variances: AnswerVariances
) -> None:
    told = precision_of(design, variances)
    found = [simulated(design, variances, seed) for seed in range(_STUDIES)]
    measured = {
        "reliability": [each.reliability for each in found],
        "alpha": [each.alpha for each in found],
        "ceiling": [ceiling_of(each.agreement) for each in found],
        "gain": [each.gain for each in found],
    }
    for name, values in measured.items():
        whole, half = _holds(getattr(told, name), np.array(values))
        # of 100 studies 95 are expected, and 67 within half of the interval; far fewer within
        # it means that it is too narrow, far more within its half that it is too wide
        assert whole >= 0.87, name
        assert 0.45 <= half <= 0.88, name


def test_that_the_interval_of_an_icc_is_what_ratings_give() -> None:
    design = PlannedDesign("rating", 8, 60, 66, 0.1)
    variances = AnswerVariances(0.35, 0.25, 0.2)
    found = [simulated(design, variances, seed, with_icc=True).icc for seed in range(25)]
    whole, half = _holds(icc(design, variances), np.array(found))
    assert whole >= 0.8
    assert half <= 0.96


def test_that_ideal_numbers_are_those_of_the_formulas() -> None:
    variances = AnswerVariances(0.25, 0.35)
    whole = PlannedDesign("rating", 5, 40, 40, 0.0)
    # every face rated once by all: the Spearman-Brown formula with one answer's variances
    assert reliability(whole, variances).value == pytest.approx(0.25 / (0.25 + 0.75 / 5))
    # Two labelers who share all taste and never err compare each face five times, half of the time
    # with the same other faces. Signs of differences that share a face have the correlation 1/3.
    certain = PlannedDesign("comparison", 2, 100, 250, 0.0)
    own_mean = 1 / 3 + (2 / 3) / 5
    together = 1 / 3 + (2 / 3) * 2.5 / 25
    one = together / own_mean
    assert reliability(certain, AnswerVariances(1.0, 0.0)).value == pytest.approx(
        2 * one / (1 + one)
    )
    found = gain(PlannedDesign("comparison", 2, 100, 400), variances)
    assert found.value == pytest.approx((asin(sqrt(0.6)) - asin(sqrt(0.25))) / pi)
    assert ceiling(certain, variances).n == 0  # without repeats nothing is known of it
    told = ceiling(replace(certain, repeats=0.5), variances)
    assert told.value == pytest.approx(0.5 + asin(sqrt(0.6)) / pi)


def test_that_odd_numbers_are_refused() -> None:
    for shared, private in ((-0.1, 0.2), (0.7, 0.5), (0.2, float("nan"))):
        with pytest.raises(InputError):
            AnswerVariances(shared, private)
    for odd in ({"labelers": 1}, {"faces": 2}, {"trials": 0}, {"repeats": 0.6}):
        with pytest.raises(InputError):
            PlannedDesign(**({"kind": "rating", "labelers": 3, "faces": 9, "trials": 9} | odd))
