"""Calibration error and its cure."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.calibration import calibrated, temperatures
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from tests.engine.evaluation import fabricate, simulate


def test_that_a_calibrated_simulator_has_next_to_no_calibration_error() -> None:
    judged, _ = simulate.answers(np.random.default_rng(0), 500, 5_000, 4)
    assert metrics.ece(judged) < 0.01


def test_that_a_sure_simulator_has_as_much_as_it_is_too_sure() -> None:
    judged, _ = simulate.answers(np.random.default_rng(0), 500, 5_000, 4)
    bold = metrics.Judged(
        judged.labeler, judged.attribute, judged.left, judged.right, judged.images, judged.chosen, judged.margin * 50, 0
    )
    error = 1 - metrics.correct(bold).mean()  # it says 1 nearly everywhere
    assert metrics.ece(bold) == pytest.approx(error, abs=0.02)


def fabricated(answers: dict[str, int], seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers of labelers with logistic noise, and their true scores."""
    rng = np.random.default_rng(seed)
    taste = dict(zip([f"i{k}" for k in range(60)], rng.normal(0, 1.5, 60), strict=True))
    rows = []
    for labeler, count in answers.items():
        for _ in range(count):
            left, right = (f"i{k}" for k in rng.choice(60, 2, replace=False))
            chose = rng.random() < 1 / (1 + np.exp(-(taste[left] - taste[right])))
            rows.append((labeler, left, right, "a", "left" if chose else "right"))
    pairs = pairs_from_comparisons(fabricate.comparisons(rows))
    return pairs, fabricate.predictions(pairs, taste)


def test_that_scores_ten_times_too_bold_are_scaled_back() -> None:
    pairs, truth = fabricated({"L1": 1500, "L2": 1500})
    bold = truth.assign(score=truth["score"] * np.where(truth["labeler"] == "L1", 10.0, 1.0))
    factors = temperatures(pairs, bold)
    assert factors["L1"] == pytest.approx(0.1, rel=0.25)
    assert factors["L2"] == pytest.approx(1.0, rel=0.25)
    judged, cured = metrics.judge(pairs, bold), metrics.judge(pairs, calibrated(bold, factors))
    assert metrics.ece(cured) < 0.03 < metrics.ece(judged)
    np.testing.assert_array_equal(metrics.correct(cured), metrics.correct(judged))


def test_that_a_labeler_with_hardly_any_answers_follows_the_others() -> None:
    pairs, truth = fabricated({"L1": 1500, "L2": 3})
    bold = truth.assign(score=truth["score"] * 10)
    stranger = bold[bold["labeler"] == "L2"].assign(labeler="L3")
    factors = temperatures(pairs, pd.concat([bold, stranger]))
    assert factors["L2"] == pytest.approx(factors["L1"], rel=0.5)
    assert factors["L3"] == pytest.approx(factors["L1"], rel=0.1)


def test_that_all_right_answers_do_not_make_scores_infinite() -> None:
    pairs = pairs_from_comparisons(fabricate.comparisons([("L1", "x", "y", "a", "left")] * 20))
    assert 1.0 < temperatures(pairs, fabricate.predictions(pairs, {"x": 1.0, "y": 0.0}))["L1"] < 100
