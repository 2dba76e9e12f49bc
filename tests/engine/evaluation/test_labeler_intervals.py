"""Intervals of a mean over labelers, over faces, over labelers and over both, by simulation."""

import numpy as np
import pytest

from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.evaluation.labeler_intervals import labeler_bounds
from prism_desktop.engine.evaluation.metrics import ScoredPairs

FACES, PAIRS = 60, 150
TASTE, FACE = 0.09, 0.12  # standard deviations of labelers' and of faces' effects
MEAN = 0.7


def _study(rng: np.random.Generator, labelers: int) -> tuple[ScoredPairs, np.ndarray, float]:
    """Answers of labelers who all judged the same pairs, whether each was predicted right, and
    the mean that these faces have over all labelers there could be."""
    left = rng.integers(0, FACES, PAIRS)
    right = (left + rng.integers(1, FACES, PAIRS)) % FACES
    face = rng.normal(0, FACE, FACES)
    common = MEAN + (face[left] + face[right]) / 2
    own = rng.normal(0, TASTE, labelers)
    chance = np.clip(common[None] + own[:, None], 0.02, 0.98)
    right_ones = (rng.random(chance.shape) < chance).astype(np.float64).ravel()
    codes = np.repeat([f"L{u:02d}" for u in range(labelers)], PAIRS).astype(object)
    n = len(codes)
    pairs = ScoredPairs(
        codes,
        np.full(n, "smart", dtype=object),
        np.tile(left, labelers),
        np.tile(right, labelers),
        FACES,
        right_ones > 0.5,
        np.zeros(n),
        0,
    )
    return pairs, right_ones, float(common.mean())


def _coverage(times: int, labelers: int, seed: int) -> dict[str, float]:
    """How often each interval holds what it speaks of, and the one over faces the population's."""
    rng = np.random.default_rng(seed)
    hits = {"labelers": 0, "both": 0, "faces of all": 0}
    for _ in range(times):
        pairs, values, here = _study(rng, labelers)
        faces = Resampled(pairs, values, resamples=200).macro()
        found = labeler_bounds(faces, pairs, values)
        assert found is not None
        hits["labelers"] += found.labelers_low <= here <= found.labelers_high
        hits["both"] += found.both_low <= MEAN <= found.both_high
        hits["faces of all"] += faces.low <= MEAN <= faces.high
    return {name: count / times for name, count in hits.items()}


def test_that_intervals_over_labelers_hold_what_they_speak_of() -> None:
    held = _coverage(120, labelers=12, seed=1)
    assert held["labelers"] >= 0.89
    assert held["both"] >= 0.89


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("labelers", [4, 6, 12, 30])
def test_that_named_intervals_hold_95_percent(labelers: int) -> None:
    held = _coverage(1500, labelers, seed=labelers)
    assert 0.93 <= held["labelers"] <= 0.975
    assert 0.93 <= held["both"] <= 0.985
    # which is why they must not be taken for one another: six labelers are not all labelers
    if labelers <= 6:
        assert held["faces of all"] < 0.9


def test_that_an_interval_over_both_is_no_narrower_than_either_alone() -> None:
    rng = np.random.default_rng(3)
    for labelers in (2, 5, 20):
        pairs, values, _ = _study(rng, labelers)
        faces = Resampled(pairs, values, resamples=200).macro()
        found = labeler_bounds(faces, pairs, values, bounds=(-9.0, 9.0))
        assert found is not None
        both = found.both_high - found.both_low
        assert both >= 2 * 1.96 * faces.error
        assert found.both_low <= faces.value <= found.both_high


def test_that_of_one_labeler_nothing_is_said_about_others() -> None:
    pairs, values, _ = _study(np.random.default_rng(0), 1)
    assert labeler_bounds(Resampled(pairs, values, resamples=50).macro(), pairs, values) is None
