"""How members of a combination are weighed: by hand, and on planted tastes."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.personal.answers import Answers
from prism_desktop.engine.training.combining import Combination, calibration, cross_fitted, helps, stacked


def _answers(margin: np.ndarray, labeler: np.ndarray, seed: int = 0) -> Answers:
    """Answers drawn with the chances that the logits say."""
    n, rng = len(margin), np.random.default_rng(seed)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(np.float32)
    zero = np.zeros(n, np.int64)
    return Answers(labeler, zero, np.arange(n), np.arange(n) + n, outcome, np.ones(n, np.float32), np.arange(n))


def test_that_a_member_that_is_too_sure_is_calibrated_back() -> None:
    truth = np.random.default_rng(1).normal(0, 2, 20_000)
    told = _answers(truth, np.zeros(len(truth), np.int64))
    assert calibration(3 * truth, told) == pytest.approx(1 / 3, rel=0.05)
    assert calibration(np.zeros_like(truth), told) == 1.0


def test_that_weight_goes_to_the_member_that_knows_and_none_to_noise() -> None:
    rng = np.random.default_rng(2)
    truth, noise = rng.normal(0, 2, 5_000), rng.normal(0, 2, 5_000)
    told = _answers(truth, np.zeros(5_000, np.int64))
    knows, guesses = stacked(np.stack([truth, noise]), told)
    assert knows == pytest.approx(1, abs=0.1)
    assert guesses == pytest.approx(0, abs=0.05)
    with_noise = cross_fitted(np.stack([truth, noise]), told)
    assert cross_fitted(truth[None], told) == pytest.approx(with_noise, abs=0.01)
    assert with_noise < cross_fitted(noise[None], told)


def test_that_selective_serves_whom_a_personal_model_helps_and_leaves_the_others_to_the_consensus() -> None:
    """All share one taste but the contrarian, whom alone the personal member knows; on others it is noise."""
    rng = np.random.default_rng(3)
    count, images = 3, 200
    common, noise = rng.normal(0, 2, images), rng.normal(0, 2, (count, images))
    scores = {"consensus": np.tile(common, (count, 1)), "hierarchical-bayes": noise}
    scores["hierarchical-bayes"][2] = -common
    taste = scores["consensus"].copy()
    taste[2] = -common
    labeler = np.repeat(np.arange(count), 400)
    left, right = rng.integers(0, images, 1200), rng.integers(0, images, 1200)
    drawn = _answers(taste[labeler, left] - taste[labeler, right], labeler)
    val = Answers(labeler, drawn.attribute, left, right, drawn.outcome, drawn.weight, drawn.group)
    made = Combination(
        "selective",
        tuple(scores),
        lambda name: pytest.fail(f"{name} was trained"),
        ("A", "B", "C"),
        ("kind",),
        (),
        {"val": val},
        Path(),
    )
    known = {name: table[:, None].astype(np.float32) for name, table in scores.items()}
    assert made._weigh(known).tolist() == [[1, 1, 0], [0, 0, 1]]
    margins = [table[labeler, left] - table[labeler, right] for table in scores.values()]
    assert [helps(margins[0], margins[1], val, row) for row in range(count)] == [False, False, True]
