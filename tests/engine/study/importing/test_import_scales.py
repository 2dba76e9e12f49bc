"""Ratings of any numeric scale on the study's four steps."""

from dataclasses import replace

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.values.scales import Scale, declared, observed


def test_that_the_study_s_own_scale_is_left_as_it_is() -> None:
    scale = observed([1, 2, 3, 4])
    assert scale.same_as_steps(4)
    assert [scale.step(rating) for rating in (1, 2, 3, 4)] == [1, 2, 3, 4]


def test_that_ten_steps_are_cut_evenly_and_symmetrically() -> None:
    scale = declared("1-10")
    assert scale.cuts() == (3.0, 5.5, 8.0)
    steps = [scale.step(rating) for rating in range(1, 11)]
    assert steps == [1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    assert [5 - step for step in reversed(steps)] == steps


@pytest.mark.parametrize(
    "words", ["1-5", "1-7", "1-9", "1-10", "0-100", "-3..3", "0 to 1", "1 – 100"]
)
def test_that_every_scale_keeps_the_order_and_uses_all_steps(words: str) -> None:
    scale = replace(declared(words), whole=False)
    points = [scale.low + (scale.high - scale.low) * place / 60 for place in range(60)] + [
        scale.high
    ]
    steps = [scale.step(point) for point in points]
    assert steps == sorted(steps)
    assert set(steps) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("ratings", "low", "high"),
    [([2, 3], 1, 4), ([1, 5], 1, 5), ([2, 6.5], 1, 7), ([3, 9, 10], 1, 10), ([0, 3], 0, 3), ([0,
    77], 0, 100),
     ([0.2, 0.9], 0, 1), ([-2, 3], -3, 3), ([1, 250], 1, 250), ([3, 3], 1, 4)],
)  # fmt: skip
def test_that_an_undeclared_scale_is_the_narrowest_usual_one(
    ratings: list[float], low: float, high: float
) -> None:
    found = observed([float(rating) for rating in ratings])
    assert (found.low, found.high) == (low, high)


def test_that_a_rating_outside_a_declared_scale_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="11 lies outside the scale 1 to 10"):
        Scale(1, 10, whole=True).step(11)


@pytest.mark.parametrize("words", ["ten", "5-1", "3", "1-", ""])
def test_that_what_is_no_scale_is_refused(words: str) -> None:
    with pytest.raises(InputError, match="is not a scale"):
        declared(words)
