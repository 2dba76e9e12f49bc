"""The numbers that a column's values stand for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.study.importing.values.numerals import read_numbers, same_value
from tests.engine.study.importing.columns import column

NONE = None


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "2.5", "-3", "+4", ".5", "1e3"], [1, 2.5, -3, 4, 0.5, 1000]),
        ([" 6 ", "\u00a07", "\u20098"], [6, 7, 8]),
        (["６", "７．５"], [6, 7.5]),
        (["−3", "-3.0"], [-3, -3]),
        (["3,5", "4,25", "4"], [3.5, 4.25, 4]),
        (["3,5", "1,234"], [3.5, 1.234]),
        (["0,123", "0,5"], [0.123, 0.5]),
        (["1,234.5", "1,234"], [1234.5, 1234]),
        (["1.234,5", "3,5"], [1234.5, 3.5]),
        (["1 234", "1 234,5", "12"], [1234, 1234.5, 12]),
        (["1'234.5", "1.234.567"], [1234.5, 1234567]),
        (["6/7", "7 / 7", "1/7"], [6, 7, 1]),
        (["6 von 7", "3 of 7", "2 out of 7"], [6, 3, 2]),
        (["6 (very)", "1 (not at all)", "3"], [6, 1, 3]),
        (["6 - attractive", "1 - ugly", "-3 - x"], [6, 1, -3]),
        (["6=very high", "1 = low", "2: so so"], [6, 1, 2]),
        (["very high (6)", "low = 1", "Stufe 3"], [6, 1, 3]),
        (["3 stars", "4 points", "3,5 Punkte"], [3, 4, 3.5]),
        (["85%", "90 %"], [85, 90]),
        (["85%", "0.5"], [NONE, 0.5]),
        (["5", "true", "FALSE"], [5, NONE, NONE]),
        (["5", "inf", "1e999"], [5, NONE, NONE]),
        (["5", "2026-01-02", "2026-01-02T00:00:00", "1-2", "12:30"], [5, *[NONE] * 4]),
        (["5", "7th", "T01", "X001", "=A1+B1", "6/7/2026"], [5, *[NONE] * 5]),
        (["5", "9/7"], [5, NONE]),
        (["6/7", "6/9", "3", "3", "3"], [NONE, NONE, 3]),
        (["5", "6 or 7", "6-7"], [5, NONE, NONE]),
    ],
)
def test_that_a_number_is_read_however_it_is_written(
    cells: list[str], numbers: list[float | None]
) -> None:
    found = read_numbers(column(*cells))
    assert [None if math.isnan(value) else value for value in found.values] == numbers
    assert list(found.unreadable) == [number is None for number in numbers]
    assert not found.missing.any()
    assert found.decisions == ()


@pytest.mark.parametrize(
    "mark",
    ["NA", "n/a", "NaN", "null", "None", ".", "-", "?", "skip", "Skipped", "timeout", "No answer",
     "no response", "Prefer not to say", "don't know", "Don’t know.", "k.A.", "keine Angabe",
     "(missing)", "–".replace("–", "--"), "#N/A", "weiß nicht"],
)  # fmt: skip
def test_that_the_usual_marks_are_missing_answers(mark: str) -> None:
    found = read_numbers(column("5", mark))
    assert list(found.missing) == [False, True]
    assert not found.unreadable.any()


def test_that_what_the_user_and_the_file_declare_is_missing() -> None:
    cells = column("5", "-99.0", "8", "9", missing=frozenset(["8"]), labels={"9": "No answer"})
    found = read_numbers(cells, missing=["-99"])
    assert list(found.missing) == [False, True, True, True]
    assert [doubt.kind for doubt in found.doubts] == ["missing"]


def test_that_labels_give_their_values() -> None:
    found = read_numbers(column("Not at all", "5", "Very", labels={"1": "Not at all", "7": "Very"}))
    assert list(found.values) == [1, 5, 7]


def test_that_a_coding_comes_before_everything_else() -> None:
    coding = {"yes": "1", "no": "0", "7": "2", "3": ""}
    found = read_numbers(column("Yes", "no", "7.0", "3", "true"), coding=coding)
    assert [None if math.isnan(value) else value for value in found.values] == [1, 0, 2, None, None]
    assert list(found.missing) == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("cells", "comma", "by_comma"),
    [
        (["1,234", "2,500"], False, [1.234, 2.5]),
        (["1,234", "5"], False, [1.234, 5]),
        (["1.234", "2.500"], True, [1234, 2500]),
    ],
)
def test_that_fractions_and_thousands_are_asked_apart(
    cells: list[str], comma: bool, by_comma: list[float]
) -> None:
    found = read_numbers(column(*cells), comma)
    (decision,) = found.decisions
    assert decision.kind == "decimal"
    assert {choice.change["decimal"] for choice in decision.choices} == {",", "."}
    assert all(choice.option.replace('"', "") in decision.text for choice in decision.choices)
    decided = read_numbers(column(*cells), True, decided=True)
    assert (list(decided.values), decided.decisions) == (by_comma, ())


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["Strongly disagree", "disagree", "Neutral", "agree", "Strongly Agree"], [1, 2, 3, 4, 5]),
        (["strongly disagree", "disagree", "agree", "strongly agree"], [1, 2, 3, 4]),
        (["never", "rarely", "sometimes", "often", "always"], [1, 2, 3, 4, 5]),
        (["nie", "selten", "manchmal", "oft", "immer"], [1, 2, 3, 4, 5]),
        (["very low", "low", "medium", "high", "very high"], [1, 2, 3, 4, 5]),
        (["low", "medium", "high"], [1, 2, 3]),
        (["Not at all", "slightly", "moderately", "very", "extremely"], [1, 2, 3, 4, 5]),
        (["not at all honest", "slightly honest", "moderately honest", "very honest",
          "extremely honest"], [1, 2, 3, 4, 5]),
        (["Very unattractive", "unattractive", "neutral", "attractive", "very attractive"],
         [1, 2, 3, 4, 5]),
        (["very unlikely", "unlikely", "neutral", "likely", "very likely"], [1, 2, 3, 4, 5]),
        (["bad", "poor", "fair", "good", "excellent"], [1, 2, 3, 4, 5]),
        (["Trifft gar nicht zu", "trifft eher nicht zu", "teils/teils", "trifft eher zu",
          "trifft voll zu"], [1, 2, 3, 4, 5]),
        (["strongly disagree", "disagree", "somewhat disagree", "neither agree nor disagree",
          "somewhat agree", "agree", "strongly agree"], [1, 2, 3, 4, 5, 6, 7]),
        (["extremely low", "very low", "low", "slightly low", "medium", "slightly high", "high",
          "very high", "extremely high"], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)  # fmt: skip
def test_that_a_known_wording_is_ordered_and_told(words: list[str], numbers: list[int]) -> None:
    found = read_numbers(column(*reversed(words)))
    assert list(found.values) == list(reversed(numbers))
    assert found.wording is not None
    assert found.wording.points == len(numbers)
    assert [doubt.kind for doubt in found.doubts] == ["wording"]
    assert "= 1" in found.doubts[0].text


def test_that_words_on_several_scales_are_asked_about() -> None:
    (decision,) = read_numbers(column("disagree", "agree", "strongly agree")).decisions
    assert decision.kind == "wording"
    readings = [choice.change["coding"] for choice in decision.choices]
    assert {"disagree": "2", "agree": "4", "strongly agree": "5"} in readings
    assert len({str(reading) for reading in readings}) == len(readings) > 1
    for choice in decision.choices:
        assert choice.option in decision.text


@pytest.mark.parametrize("words", [["blorp", "flub", "zing"], ["yes", "no"], ["pretty", "ugly"]])
def test_that_unknown_words_are_asked_about_with_the_way_to_say(words: list[str]) -> None:
    (decision,) = read_numbers(column(*words)).decisions
    assert (decision.kind, decision.count) == ("wording", len(words))
    assert f'--coding "{words[0]}=1' in decision.text


def test_that_a_few_words_among_numbers_are_only_unreadable() -> None:
    found = read_numbers(column("1", "2", "3", "pretty"))
    assert (found.decisions, list(found.unreadable)) == ((), [False, False, False, True])


def test_that_out_of_seven_gives_the_top() -> None:
    assert read_numbers(column("6/7", "5")).top == 7
    assert math.isnan(read_numbers(column("6", "5")).top)


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=30))
def test_that_numbers_keep_their_values_in_every_way_to_write_them(numbers: list[float]) -> None:
    numbers = list(dict.fromkeys(numbers))
    assert list(read_numbers(column(*map(str, numbers))).values) == numbers
    with_comma = [str(number).replace(".", ",") for number in numbers]
    found = read_numbers(column(*with_comma), True, decided=True)
    assert list(found.values) == numbers
    grouped = [f"{number:,.4f}" for number in numbers]
    assert list(read_numbers(column(*grouped)).values) == numbers


@given(st.lists(st.text(max_size=12), max_size=20))
def test_that_every_cell_is_a_number_missing_or_unreadable(cells: list[str]) -> None:
    cells_column = column(*cells)
    found = read_numbers(cells_column)
    states = (~(found.values != found.values)).astype(int) + found.missing + found.unreadable
    assert (states == 1).all()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("-99", "-99.0", True), ("NA", "na", True), ("1", "10", False), ("x", " X ", True)],
)
def test_that_values_are_compared_as_numbers_or_words(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same


def test_that_a_long_remark_is_no_number_whatever_it_starts_with() -> None:
    found = read_numbers(column("1", "2", "3", "5 - agree", "6 - " + "as I said before, " * 20))
    assert list(found.unreadable) == [False] * 4 + [True]
