"""K answers of a labeler, and curves over K."""

import numpy as np
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.kshot_curve import kshot_curve
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.power_law import learning_curve
from tests.engine.evaluation import fabricate


def test_that_the_shot_curve_averages_resamples_and_tests_the_adapted_labelers_alone() -> None:
    pairs = pairs_from_comparisons(fabricate.random_comparisons(400, 40, 0)).assign(split="test")
    rng = np.random.default_rng(0)

    def predicted() -> object:
        made = fabricate.predictions(pairs, {f"i{k:03}": float(rng.normal()) for k in range(40)})
        return made[made["labeler"].isin(["L1", "L2"])]

    frames = {k: [predicted() for _ in range(3)] for k in (10, 0)}
    consensus = fabricate.predictions(pairs, {f"i{k:03}": float(rng.normal()) for k in range(40)})
    rows = kshot_curve(pairs, frames, consensus)  # type: ignore[arg-type]
    assert [row.k for row in rows] == [0, 10]
    assert set(rows[0].per_labeler) == {"L1", "L2"}
    assert rows[0].n == pairs["labeler"].isin(["L1", "L2"]).sum()
    assert rows[1].resamples == 3
    assert rows[1].deviation > 0
    assert rows[1].gain.low <= rows[1].gain.value <= rows[1].gain.high


NUMBERS = [0, 5, 10, 20, 50, 100, 200]


def power_law(n: float | np.ndarray) -> np.ndarray:
    return 0.8 - 0.6 * (np.asarray(n) + 10.0) ** -0.6


def test_that_a_power_law_is_found_again() -> None:
    curve = learning_curve(NUMBERS, list(power_law(np.array(NUMBERS))), [1e-4] * len(NUMBERS))
    assert curve.at(300.0) == pytest.approx(float(power_law(300)), abs=0.003)
    assert curve.gain == pytest.approx(float(power_law(250) - power_law(200)), abs=0.001)
    assert curve.sentence().startswith("+50 answers would give about +0.3 points")


def test_that_the_forecast_s_interval_covers_the_truth() -> None:
    rng, inside = np.random.default_rng(0), 0
    truth = float(power_law(250) - power_law(200))
    for seed in range(100):
        measured = power_law(np.array(NUMBERS)) + rng.normal(0, 0.01, len(NUMBERS))
        curve = learning_curve(NUMBERS, list(measured), [0.01] * len(NUMBERS), seed=seed)
        inside += curve.low <= truth <= curve.high
    assert inside >= 90


def test_that_nineteen_of_twenty_sharp_measurements_forecast_within_the_interval() -> None:
    truth, rng = power_law(np.array(NUMBERS)), np.random.default_rng(0)
    errors = [2e-4] * len(NUMBERS)
    curve = learning_curve(NUMBERS, list(truth), errors)
    gains = [
        learning_curve(NUMBERS, list(truth + rng.normal(0, 2e-4, len(NUMBERS))), errors).gain
        for _ in range(150)
    ]
    assert np.mean([curve.low <= gain <= curve.high for gain in gains]) > 0.9


def test_that_a_flat_or_falling_curve_promises_nothing_and_none_passes_the_ceiling() -> None:
    falling = learning_curve([10, 50, 100], [0.7, 0.69, 0.68], [0.001] * 3)
    assert (falling.drop, falling.gain) == (0.0, 0.0)
    steep = learning_curve([10, 50, 100], [0.6, 0.7, 0.8], [0.001] * 3, ceiling=0.82)
    assert steep.top <= 0.82
    assert float(steep.at(1e6)) <= 0.82


def test_that_two_points_are_no_curve() -> None:
    with pytest.raises(InputError, match="at least 3 different numbers"):
        learning_curve([10, 10, 20], [0.6, 0.6, 0.7], [0.01] * 3)


def test_that_the_answers_that_there_were_are_told_beside_k() -> None:
    pairs = pairs_from_comparisons(fabricate.random_comparisons(60, 20, 0)).assign(split="test")
    made = fabricate.predictions(pairs, {f"i{k:03}": float(k) for k in range(20)})
    told = kshot_curve(pairs, {5: [made], 50: [made]}, given={5: 5.0, 50: 31.5})
    assert [(row.k, row.answers) for row in told] == [(5, 5.0), (50, 31.5)]
    assert [row.gain for row in told] == [None, None]
    assert [row.answers for row in kshot_curve(pairs, {5: [made], 50: [made]})] == [5.0, 50.0]
