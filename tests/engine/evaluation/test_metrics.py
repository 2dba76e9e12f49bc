"""Metrics on cases computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from tests.engine.evaluation import fabricate, simulate

SCORES = {"x": 2.0, "y": 0.0, "z": 0.0}
ROWS = [
    ("L1", "x", "y", "a", "left"),  # margin 2, right
    ("L1", "y", "x", "a", "left"),  # margin -2, wrong
    ("L1", "y", "z", "a", "right"),  # margin 0, half
    ("L2", "z", "x", "a", "right"),  # margin -2, right
    ("L2", "z", "x", "a", "tie"),
]


def scored() -> metrics.ScoredPairs:
    pairs = pairs_from_comparisons(fabricate.comparisons(ROWS), ties="davidson")
    return metrics.score_pairs(pairs, fabricate.predictions(pairs, SCORES))


def test_that_equal_scores_are_half_right_and_ties_are_left_out() -> None:
    assert metrics.correct(scored()).tolist() == [1.0, 0.0, 0.5, 1.0]
    assert scored().ties == 1


def test_that_losses_match_their_formulas() -> None:
    p = 1 / (1 + np.exp(-2.0))
    assert metrics.nll(scored()) == pytest.approx(
        [-np.log(p), -np.log(1 - p), np.log(2), -np.log(p)]
    )
    assert metrics.brier(scored()) == pytest.approx([(1 - p) ** 2, p**2, 0.25, (1 - p) ** 2])


def test_that_a_huge_margin_is_finite() -> None:
    sure = metrics.with_margin(
        pairs_from_comparisons(fabricate.comparisons(ROWS[:2])), np.array([900.0, 900.0])
    )
    assert np.isfinite(metrics.nll(sure)).all()
    assert np.isfinite(metrics.probability(sure)).all()


def test_that_calibration_error_is_zero_when_confidence_is_accuracy() -> None:
    pairs = pairs_from_comparisons(
        fabricate.comparisons(
            [("L1", "x", "y", "a", "left" if k % 4 else "right") for k in range(40)]
        )
    )
    sure = metrics.with_margin(pairs, np.full(40, np.log(3.0)))  # P(left) = 3/4
    assert metrics.ece(sure, bins=1) == pytest.approx(0.0)
    assert metrics.ece(metrics.with_margin(pairs, np.full(40, 40.0)), bins=1) == pytest.approx(0.25)


def test_that_a_calibrated_simulator_has_no_calibration_error_and_a_sure_one_errs() -> None:
    scored, _ = simulate.answers(np.random.default_rng(0), 500, 5_000, 4)
    assert metrics.ece(scored) < 0.01
    bold = replace(scored, margin=scored.margin * 50)
    error = 1 - metrics.correct(bold).mean()  # it says 1 nearly everywhere
    assert metrics.ece(bold) == pytest.approx(error, abs=0.02)


def test_that_calibration_error_depends_on_no_order_of_answers_whose_confidences_are_equal() -> (
    None
):
    rng = np.random.default_rng(0)
    scored, _ = simulate.answers(rng, 60, 100, 3)
    # few different confidences, labelers one after another
    coarse = replace(scored, margin=np.round(scored.margin))
    found = []
    for order in (
        np.arange(len(scored)),
        np.argsort(scored.chosen, kind="stable"),
        rng.permutation(len(scored)),
    ):
        columns = {
            name: getattr(coarse, name)[order] for name in ("labeler", "attribute", "left", "right")
        }
        found.append(
            metrics.ece(
                replace(coarse, **columns, chosen=coarse.chosen[order], margin=coarse.margin[order])
            )
        )
    assert found == pytest.approx([found[0]] * 3, abs=1e-12)


def test_that_a_missing_prediction_is_one_sentence() -> None:
    pairs = pairs_from_comparisons(fabricate.comparisons(ROWS))
    with pytest.raises(
        InputError, match=r"1 tested answer has no prediction, the first by L2 on a"
    ):
        metrics.score_pairs(pairs, fabricate.predictions(pairs, {"x": 0.0, "y": 0.0}))


def apart(count: int) -> tuple[metrics.ScoredPairs, np.ndarray]:
    """Answers that are right and wrong in turn, each with its own margin."""
    rows = [("L1", "x", "y", "a", "right" if k % 2 else "left") for k in range(count)]
    margin = np.linspace(0.1, 3.0, count)
    return metrics.with_margin(pairs_from_comparisons(fabricate.comparisons(rows)), margin), margin


def test_that_calibration_error_is_over_ten_bins() -> None:
    ten, margin = apart(10)
    right = np.arange(10) % 2 == 0
    by_answer = np.abs(1 / (1 + np.exp(-margin)) - right).mean()
    assert metrics.ece(ten) == pytest.approx(by_answer)


def test_that_nothing_asked_has_no_calibration_error() -> None:
    assert np.isnan(metrics.ece(apart(0)[0]))
