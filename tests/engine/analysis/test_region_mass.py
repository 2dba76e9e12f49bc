"""Shares of regions on maps whose reason is known."""

import numpy as np
import pytest

from prism_desktop.engine.analysis.face_regions import Regions
from prism_desktop.engine.analysis.region_mass import differences, masses, shares, standing_out

NAMES = ("left", "middle", "right")


def thirds(n: int = 40) -> Regions:
    one = np.zeros((3, 6, 6), np.float32)
    for place in range(3):
        one[place, :, 2 * place : 2 * place + 2] = 1
    return Regions(NAMES, np.broadcast_to(one, (n, *one.shape)), "cells")


def maps(weights: tuple[float, float, float], n: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.repeat(weights, 2) * rng.uniform(0.5, 1.5, (n, 6, 6))).astype(np.float32)


def random_tastes(seed: int = 1) -> np.ndarray:
    """(tastes, regions): most of the mass in the middle, whatever the taste."""
    return np.random.default_rng(seed).dirichlet((20, 60, 20), 99)


def test_that_mass_is_shared_out_by_place_and_what_speaks_the_other_way_has_none() -> None:
    grid = np.zeros((1, 6, 6), np.float32)
    grid[0, 0, 0], grid[0, 0, 5], grid[0, 3, 2] = 3, 1, -9
    assert shares(grid, thirds(1))[0] == pytest.approx([0.75, 0, 0.25])
    assert shares(0 * grid, thirds(1))[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_that_only_what_is_beyond_random_tastes_stands_out() -> None:
    """The middle has most mass, as with every taste; the left has less, and more than any."""
    found = masses(shares(maps((5, 5, 1)), thirds()), thirds(), random_tastes())
    first = standing_out(found)
    assert first is not None
    assert first.region == "left" == found[0].region
    assert first.low < first.mass < first.high
    assert first.ratio == pytest.approx(first.mass * 3)
    middle = next(each for each in found if each.region == "middle")
    assert middle.mass > middle.area
    assert not middle.stands_out


def test_that_a_random_taste_stands_out_nowhere_as_a_rule() -> None:
    tastes = random_tastes()
    seen = 0
    for place in range(30):
        others, own = np.delete(tastes, place, 0), tastes[place]
        found = masses(shares(maps(tuple(own), seed=place), thirds()), thirds(), others)
        seen += standing_out(found) is not None
    assert seen <= 4


def test_that_nothing_stands_out_where_there_is_nothing_to_compare_with() -> None:
    found = masses(shares(maps((9, 1, 1)), thirds()), thirds(), np.zeros((0, 3)))
    assert found[0].region == "left"
    assert all(each.p is None and each.random is None for each in found)
    assert standing_out(found) is None


def test_that_two_labelers_who_look_elsewhere_differ_and_alike_ones_do_not() -> None:
    one, other, again = (
        shares(maps(weights, seed=seed), thirds())
        for seed, weights in enumerate(((6, 1, 1), (1, 1, 6), (6, 1, 1)))
    )
    found = {each.region: each for each in differences(one, other, NAMES)}
    assert found["left"].difference > 0.3 > found["left"].difference - found["left"].high
    assert found["left"].p < 0.01
    assert found["right"].high < 0
    assert found["middle"].low < 0 < found["middle"].high
    assert min(each.p for each in differences(one, again, NAMES)) > 0.05
