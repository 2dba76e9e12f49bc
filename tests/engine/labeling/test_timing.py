"""What is told of the screen's timing, and that nothing is told where nothing was observed."""

import json
import random

import pytest

from prism_desktop.engine.labeling.timing import FrameTimes, figures_of


def frames(hz: float, count: int, jitter: float = 0.0, late: int = 0) -> list[float]:
    """When frames were swapped, s; the last `late` of them each came a frame late."""
    dice = random.Random(0)
    whole = [number / hz + (number > count - late - 1) * (number - count + late + 1) / hz
             for number in range(count)]  # fmt: skip
    return [moment + dice.gauss(0, jitter) for moment in whole]


def test_that_refresh_jitter_and_dropped_frames_are_those_that_were_planted() -> None:
    dice = random.Random(1)
    swaps = frames(60.0, 600, jitter=0.0004, late=5)
    lags = [0.008 + dice.gauss(0, 0.0005) for _ in swaps]
    paints = [swap - lag for swap, lag in zip(swaps, lags, strict=True)]
    keys = [0.002 + dice.gauss(0, 0.0007) for _ in range(400)]
    found = figures_of(swaps, paints, keys, 60.0)
    assert not isinstance(found, str)
    assert found.refresh_hz == pytest.approx(60, rel=0.002)
    assert found.dropped == 5
    assert found.frame_sd == pytest.approx(0.4 * 2**0.5, rel=0.15)  # of a difference of two
    assert found.onset_sd == pytest.approx(0.5, rel=0.15)
    assert found.key_sd == pytest.approx(0.7, rel=0.15)


@pytest.mark.parametrize(
    ("swaps", "nominal"),
    [(frames(400.0, 300), 60.0), (frames(60.0, 300, jitter=0.006), 60.0), (frames(60.0, 10), 60.0),
     (frames(60.0, 300), 0.0)],
)  # fmt: skip
def test_that_no_figure_is_told_where_no_vertical_sync_is_observed(
    swaps: list[float], nominal: float
) -> None:
    assert isinstance(figures_of(swaps, swaps, [], nominal), str)


def test_that_a_session_tells_its_own_frames_beside_the_report() -> None:
    seen = FrameTimes(trials=3, late=1, exposures=[100.0, 102.0])
    found = json.loads(seen.told('{"doctor": {"why": "x"}}') or "")
    assert found["doctor"] == {"why": "x"}
    assert found["session"]["trials"] == 3
    assert found["session"]["exposure_mean_ms"] == 101
    assert FrameTimes().told(None) is None
