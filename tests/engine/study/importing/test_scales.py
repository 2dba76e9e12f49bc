"""Which scale ratings are on, and which values are probably no ratings."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prism_desktop.engine.study.importing.values.scale_finding import (
    EarlierScale,
    RaterSpan,
    ScaleFinding,
    judge_scale,
)
from prism_desktop.engine.study.importing.values.scales import Scale, declared


def judged(ratings: Mapping[float, int], **known: object) -> ScaleFinding:
    values = np.array(list(ratings), np.float64)
    counts = np.array(list(ratings.values()), np.int64)
    return judge_scale(values, counts, attribute="attractive", column="rating", **known)  # type: ignore[arg-type]


def each(low: int, high: int, count: int = 4) -> dict[float, int]:
    return {float(value): count for value in range(low, high + 1)}


CASE = {1: 1, 2: 4, 3: 14, 4: 12, 5: 8, 6: 3, 7: 1}


def slider(low: float, high: float, step: float) -> dict[float, int]:
    return {low + place * step: 1 for place in range(int((high - low) / step) + 1)}


@pytest.mark.parametrize(
    ("ratings", "low", "high"),
    [(each(1, top), 1, top) for top in (4, 5, 7, 9, 10, 11, 20, 100)]
    + [(each(0, top), 0, top) for top in (1, 3, 4, 6, 10, 100)]
    + [(each(-top, top), -top, top) for top in (2, 3, 4, 5, 10, 50, 100)]
    + [
        (slider(0, 100, 7.3), 0, 100),
        (slider(0, 1, 0.05), 0, 1),
        (slider(1, 7, 0.25), 1, 7),
        (slider(-50, 50, 3.7), -50, 50),
        ({float(value): 1 for value in (2, 9, 14, 33, 41, 58, 66, 77, 88, 96, 97, 98, 99)}, 1, 100),
        ({1: 3, 2: 9, 3: 7, 4: 2, 5: 3, 7: 1}, 1, 7),
        (CASE, 1, 7),
        (each(1, 9), 1, 9),
        ({1: 5, 10: 5, 4: 3, 7: 3}, 1, 10),
    ],
)
def test_that_an_honest_scale_passes_without_a_question(
    ratings: dict[float, int], low: float, high: float
) -> None:
    found = judged(ratings)
    assert found.decisions == ()
    assert found.scale is not None
    assert (found.scale.low, found.scale.high) == (low, high)
    assert not found.outside.any()


@pytest.mark.parametrize(
    ("ratings", "odd"),
    [({**CASE, code: 5}, [code]) for code in
     (-99, -999, -9, -1, -7, -8, -77, -88, 99, 999, 9999, 9, 77, 88, 98, 1e6, 0)]
    + [({**each(0, 100, 1), code: 5}, [code]) for code in (-99, -1, -9, 999, 9999, -999)]
    + [({**each(-3, 3), code: 5}, [code]) for code in (-99, -9, 9, 99, 999)]
    + [({**each(1, 5), code: 30}, [code]) for code in (-99, 99, 999)]
    + [
        ({**CASE, -8: 2, -9: 3}, [-9, -8]),
        ({**CASE, 77: 2, 88: 3, 99: 1}, [77, 88, 99]),
        ({**CASE, -99: 2, 999: 3}, [-99, 999]),
        ({**CASE, -99: 2, 99: 3}, [-99, 99]),
        ({**CASE, 0: 3, 99: 3}, [0, 99]),
        ({**slider(0, 1, 0.05), -99: 3}, [-99]),
        ({3: 5, 4: 5, -99: 1}, [-99]),
        ({**each(1, 10), 99: 1}, [99]),
        ({**each(0, 10), -1: 4}, [-1]),
    ],
)  # fmt: skip
def test_that_a_code_for_a_missing_answer_is_asked_about(
    ratings: dict[float, int], odd: list[float]
) -> None:
    found = judged(ratings)
    (decision,) = found.decisions
    assert decision.kind == "missing-code"
    values = np.array(list(ratings))
    assert sorted(values[found.far]) == odd
    assert decision.count == sum(ratings[value] for value in odd)
    assert decision.choices[0].change == {"missing": tuple(f"{value:.15g}" for value in odd)}
    for choice in decision.choices:
        assert choice.option in decision.text
    assert "go from" in decision.text


@pytest.mark.parametrize(
    ("ratings", "odd"),
    [
        ({**CASE, 35: 1}, [35]),
        ({**CASE, 45: 1, 55: 1}, [45, 55]),
        ({**CASE, 22: 1}, [22]),
        ({**CASE, 12: 1}, [12]),
        ({**CASE, -3: 1}, [-3]),
        ({**each(1, 10), 12: 1}, [12]),
        ({**each(0, 100, 1), 150: 1}, [150]),
        ({**each(0, 100, 1), 1000: 1}, [1000]),
        ({**slider(0, 1, 0.05), 5: 1}, [5]),
    ],
)
def test_that_a_typing_error_is_asked_about(ratings: dict[float, int], odd: list[float]) -> None:
    found = judged(ratings)
    (decision,) = found.decisions
    assert decision.kind == "far-value"
    assert sorted(np.array(list(ratings))[found.far]) == odd


def test_that_other_ratings_that_are_all_one_are_told_as_that() -> None:
    (decision,) = judged({3: 9, 99: 1}).decisions
    assert "while its other ratings are all 3;" in decision.text


@pytest.mark.parametrize(
    ("ratings", "told"),
    [
        ({1: 3, 2: 3, 3: 3, 4: 4, 5: 3, 6: 1}, "nobody chose 7"),
        ({2: 3, 3: 3, 4: 4, 5: 3, 6: 1}, "nobody chose 1 or 7"),
        ({3: 3, 4: 3, 5: 3}, "only 3 different ratings"),
        ({3: 9}, "only 1 different rating"),
        ({**slider(0, 100, 6.1), 100.1875: 1}, "go from 0 to 100.188"),
        ({150: 9}, "; all are 150;"),
    ],
)
def test_that_what_the_values_leave_open_is_told(ratings: dict[float, int], told: str) -> None:
    found = judged(ratings)
    assert found.decisions == ()
    (doubt,) = found.doubts
    assert told in doubt.text
    assert not found.outside.any()


def test_that_a_slider_a_little_beyond_its_end_loses_nothing() -> None:
    found = judged({**slider(0.1875, 80.5, 3.65), 100.1875: 1})
    assert (found.scale, found.decisions) == (Scale(0, 101, whole=False), ())


WEEK = EarlierScale(Scale(1, 7, whole=True), "week1.csv")


def test_that_ratings_which_fit_the_study_s_scale_are_put_on_it() -> None:
    found = judged({1: 3, 4: 3, 5: 3, 2: 1}, earlier=WEEK)
    assert (found.scale, found.found, found.decisions) == (WEEK.scale, "as in week1.csv", ())
    assert "would be on 1 to 5" in found.doubts[0].text
    assert judged(CASE, earlier=WEEK).doubts == ()


def test_that_ratings_beyond_the_study_s_scale_are_asked_about() -> None:
    found = judged(each(1, 9), earlier=WEEK)
    (decision,) = found.decisions
    assert decision.kind == "scale"
    assert "--scale 1-9" in decision.text
    assert "--judgment" in decision.text
    assert found.outside.sum() == 2


@pytest.mark.parametrize("code", [-99, 99, 9, 0, 77, -1])
def test_that_codes_beyond_the_study_s_scale_are_asked_about_as_such(code: float) -> None:
    (decision,) = judged({**CASE, code: 3}, earlier=WEEK).decisions
    assert decision.kind in ("missing-code", "scale")
    assert f"--missing {code}" in decision.text


def test_that_a_short_scale_is_not_put_on_a_slider_s() -> None:
    slider_scale = EarlierScale(Scale(0, 100, whole=True), "week1.csv")
    (decision,) = judged(CASE, earlier=slider_scale).decisions
    assert decision.kind == "scale"
    assert judged(each(0, 100, 1), earlier=slider_scale).decisions == ()


def test_that_ratings_outside_a_declared_scale_are_left_out_and_told() -> None:
    found = judged({**CASE, 77: 2}, declared=declared("1-7"))
    assert (found.decisions, int(found.outside.sum())) == ((), 1)
    assert "77 (2 times)" in found.doubts[0].text
    assert found.doubts[0].count == 2


def test_that_a_declared_scale_which_most_ratings_leave_is_asked_about() -> None:
    (decision,) = judged(each(0, 100), declared=declared("1-7")).decisions
    assert "--scale 0-100" in decision.text


@pytest.mark.parametrize(
    ("short", "asked"), [((1, 5), True), ((1, 7), True), ((0, 1), True), ((2, 80), False)]
)
def test_that_raters_on_two_scales_are_asked_about(short: tuple[float, float], asked: bool) -> None:
    ratings = {**each(0, 100, 1), **{float(v): 8 for v in short}}
    raters = {"R1": RaterSpan(0, 100, 50), "R2": RaterSpan(3, 96, 50), "R3": RaterSpan(*short, 20)}
    decisions = judged(ratings, per_rater=raters).decisions
    assert [decision.kind for decision in decisions] == ["mixed-scales"] * asked


def test_that_who_used_the_short_scale_is_named_with_the_highest_of_their_ratings() -> None:
    raters = {"R1": RaterSpan(0, 100, 50), "R2": RaterSpan(1, 5, 20), "R3": RaterSpan(1, 7, 20)}
    (decision,) = judged({**each(0, 100, 1), 5.0: 8, 7.0: 8}, per_rater=raters).decisions
    assert "by R2, R3 are at most 7, those by R1 go up to 100" in decision.text


def test_that_no_ratings_are_no_scale() -> None:
    found = judge_scale(np.array([np.nan]), np.array([3]), attribute="a")
    assert (found.scale, found.decisions) == (None, ())


@given(
    st.sampled_from(["1-5", "1-7", "1-10", "0-100", "-3-3", "0-1", "-50-50", "2-6"]),
    st.lists(st.floats(0, 1), min_size=1, max_size=50),
    st.booleans(),
)
def test_that_steps_of_many_ratings_are_those_of_each_and_keep_their_order(
    words: str, places: list[float], whole: bool
) -> None:
    scale = Scale(declared(words).low, declared(words).high, whole)
    ratings = scale.low + np.array(sorted(places)) * (scale.high - scale.low)
    ratings = np.clip(np.round(ratings) if whole else ratings, scale.low, scale.high)
    steps = scale.steps(ratings)
    assert steps.tolist() == [scale.step(float(rating)) for rating in ratings]
    assert steps.tolist() == sorted(steps.tolist())


@pytest.mark.parametrize("rating", [11, 0, float("nan")])
def test_that_steps_refuse_what_lies_outside(rating: float) -> None:
    with pytest.raises(ValueError, match="outside the scale 1 to 10"):
        Scale(1, 10, whole=True).steps([5, rating])


@given(
    st.dictionaries(st.integers(1, 7), st.integers(1, 40), min_size=3),
    st.sampled_from([-99, -999, -9999, 999, 9999, 99, -88, -77, -9, -8, -7, -1]),
    st.integers(1, 40),
)
@example({1: 1, 2: 1, 3: 1}, -1, 3)
@example({2: 1, 3: 1, 5: 1}, -1, 40)
def test_that_no_code_ever_becomes_a_rating_in_silence(
    ratings: dict[int, int], code: int, count: int
) -> None:
    found = judged({**ratings, code: count})  # type: ignore[dict-item]
    assert found.decisions


@given(st.dictionaries(st.integers(1, 7), st.integers(1, 40), min_size=1))
def test_that_ratings_of_one_to_seven_never_need_a_question(ratings: dict[int, int]) -> None:
    assert judged(ratings).decisions == ()  # type: ignore[arg-type]
