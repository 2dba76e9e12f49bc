"""Who won a comparison, however the file writes it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.answer_columns import LEFT, RIGHT, TIE
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.names.matching import ImageIndex
from prism_desktop.engine.study.importing.values.outcome_codings import (
    ALIASES,
    meaning_of,
    parse_coding,
)
from prism_desktop.engine.study.importing.values.outcomes import (
    Outcomes,
    RatingEvidence,
    read_outcomes,
)
from prism_desktop.engine.study.records import ImageRecord
from tests.engine.study.importing.columns import column

NAMES = [f"X{n:03d}.jpg" for n in range(1, 13)]


def index(names: Sequence[str] = NAMES) -> ImageIndex:
    return ImageIndex(
        [
            ImageRecord(f"{n:064x}", name, Path("/data/faces") / name, 8, 8, 0, False, False)
            for n, name in enumerate(names)
        ]
    )


def read(
    outcomes: Sequence[str],
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    names: Sequence[str] = NAMES,
    headers: tuple[str, str] = ("left", "right"),
    **known: object,
) -> Outcomes:
    pairs = pairs or [("X001", "X002")] * len(outcomes)
    return read_outcomes(
        column(*outcomes, name="winner"),
        column(*(pair[0] for pair in pairs), name=headers[0]),
        column(*(pair[1] for pair in pairs), name=headers[1]),
        index(names),
        **known,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("words", "side"),
    [
        (["left", "Left", " LEFT ", "L", "a", "first", "1st", "image_a", "model_a", "links"], LEFT),
        (["right", "R", "b", "Second", "2nd", "image_b", "model_b", "rechts"], RIGHT),
        (["tie", "Draw", "equal", "both", "neither", "same", "No preference", "tie (bothbad)",
          "both_bad", "unentschieden", "gleich"], TIE),
        (["X001", "x001.jpg", "img/X001.jpg", "https://a.org/img/X001.jpg?w=3"], LEFT),
        (["X002.jpg", "X002"], RIGHT),
    ],
)  # fmt: skip
def test_that_words_and_the_winner_s_name_are_outcomes(words: list[str], side: int) -> None:
    found = read(words)
    assert found.values.tolist() == [side] * len(words)
    assert (found.decisions, found.refused.any()) == ((), False)


def test_that_a_column_s_header_names_its_image() -> None:
    found = read(["stim_one", "Stim_Two"], headers=("stim_one", "stim_two"))
    assert found.values.tolist() == [LEFT, RIGHT]


def test_that_the_name_of_neither_image_is_refused_with_a_reason() -> None:
    found = read(["left", "X003", "maybe", ""])
    assert found.refused.tolist() == [False, True, True, False]
    assert set(found.reasons) == {"X003", "maybe"}
    assert np.isnan(found.values[1:]).all()


def test_that_missing_answers_are_no_ties() -> None:
    found = read(["left", "NA", "none", "skipped", "-99"], missing=["-99"])
    assert np.isnan(found.values[1:]).all()
    assert (found.decisions, found.refused.any()) == ((), False)


def test_that_images_named_as_sides_are_told_from_the_sides() -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    found = read(["a", "b", "c"], [("b", "a"), ("c", "b"), ("c", "a")], names=names)
    assert (found.values.tolist(), found.decisions) == ([RIGHT, RIGHT, LEFT], ())
    asked = read(["a", "a"], [("b", "a"), ("b", "c")], names=names)
    assert [decision.kind for decision in asked.decisions] == ["outcome-name"]


def test_that_images_named_by_numbers_are_told_from_codes() -> None:
    names = [f"{n}.jpg" for n in range(12)]
    pairs = [("3", "7"), ("7", "3"), ("0", "1"), ("1", "5")]
    found = read(["3", "3", "1", "5"], pairs, names=names)
    assert (found.values.tolist(), found.decisions) == ([LEFT, RIGHT, RIGHT, RIGHT], ())
    asked = read(["0", "1", "1", "0"], pairs, names=names)
    assert [decision.kind for decision in asked.decisions] == ["coding"]
    assert np.isnan(asked.values).all()
    always = read(["1", "2", "2"], [("1", "2")] * 3, names=names)
    assert [decision.kind for decision in always.decisions] == ["coding"]


@pytest.mark.parametrize(
    ("codes", "readings"),
    [
        ("01", [{"0": "right", "1": "left"}, {"0": "left", "1": "right"}]),
        ("12", [{"1": "right", "2": "left"}, {"1": "left", "2": "right"}]),
        ("012", [{"0": "tie", "1": "left", "2": "right"}, {"0": "left", "1": "tie", "2": "right"}]),
        (["-1", "0", "1"], [{"-1": "left", "0": "tie", "1": "right"}]),
        ("123", [{"1": "left", "2": "tie", "3": "right"}, {"1": "left", "2": "right", "3": "tie"}]),
        (["-3", "-1", "0", "2"], [{"<0": "left", "0": "tie", ">0": "right"}]),
        (["0.1", "0.4", "0.5", "0.9"], [{"<0.5": "left", "0.5": "tie", ">0.5": "right"}]),
        ("1234567", [{"<4": "left", "4": "tie", ">4": "right"}]),
        ("1", [{"1": "left"}]),
    ],
)
def test_that_numbers_are_always_asked_about(
    codes: Sequence[str], readings: list[dict[str, str]]
) -> None:
    found = read([code for code in codes for _ in range(7)])
    (decision,) = found.decisions
    assert decision.kind == "coding"
    assert np.isnan(found.values).all()
    assert not found.refused.any()
    assert f"{codes[0]} (7 times)" in decision.text
    offered = [choice.change["coding"] for choice in decision.choices]
    assert all(reading in offered for reading in readings)
    for choice in decision.choices:
        assert choice.option in decision.text
        assert (
            parse_coding(choice.option.removeprefix("--coding ").strip('"'))
            == choice.change["coding"]
        )


@pytest.mark.parametrize("place", [0, 1])
def test_that_a_choice_decides(place: int) -> None:
    outcomes = ["0.2", "0.9", "0.5", "0.7"]
    choice = read(outcomes).decisions[0].choices[place]
    found = read(outcomes, coding=choice.change["coding"])
    assert found.decisions == ()
    high = LEFT if choice.change["coding"][">0.5"] == "left" else RIGHT  # type: ignore[index]
    assert found.values.tolist() == [-high, high, TIE, high]


def test_that_a_code_which_the_coding_does_not_name_is_no_tie() -> None:
    found = read(["1"] * 3 + ["2"] * 3 + ["0"] * 7, coding=ALIASES["1-first"])
    (decision,) = found.decisions
    assert "0 (7 times)" in decision.text
    assert np.isnan(found.values[6:]).all()
    coding = {**ALIASES["1-first"], **dict(decision.choices[0].change["coding"])}
    decided = read(["1", "2", "0"], coding=coding)
    assert decided.values.tolist() == [LEFT, RIGHT, TIE]


def test_that_other_codes_of_the_source_project_are_ties() -> None:
    found = read(["2", "1", "0", "none"], coding=ALIASES["2-first"], rest_is_tie=True)
    assert found.values[:3].tolist() == [LEFT, RIGHT, TIE]
    assert np.isnan(found.values[3])
    assert found.decisions == ()


def evidence(first: Sequence[float]) -> list[RatingEvidence]:
    return [RatingEvidence(np.array(first, np.float64), "their own ratings")]


@pytest.mark.parametrize(("left", "right", "tie"), [
    ("2", "1", "0"), ("1", "2", "0"), ("1", "0", ""), ("0", "2", "1"), ("-1", "1", "0")
])  # fmt: skip
def test_that_ratings_tell_the_coding_beyond_doubt(left: str, right: str, tie: str) -> None:
    outcomes = [left, right] * 15 + ([tie] * 4 if tie else [])
    known = evidence([1, -1] * 15 + [1, -1, 0, np.nan][: len(outcomes) - 30])
    found = read(outcomes, evidence=known)
    assert found.decisions == ()
    assert found.values.tolist() == [LEFT, RIGHT] * 15 + [TIE] * (len(outcomes) - 30)
    assert "30 of 32" not in found.doubts[0].text
    assert f"{left} = left" in found.doubts[0].text
    assert found.coding == {left: "left", right: "right", **({tie: "tie"} if tie else {})}


@pytest.mark.parametrize(
    ("outcomes", "first"),
    [
        (["1", "2"] * 9, [1, -1] * 9),
        (["1", "2"] * 30, [1, 1, -1, -1] * 15),
        (["1"] * 30 + ["2"] * 30 + ["0"] * 20, [1] * 30 + [-1] * 30 + [1] * 20),
        (["1", "2", "3", "4"] * 15, [1, -1, 1, -1] * 15),
    ],
)
def test_that_ratings_which_leave_doubt_decide_nothing(
    outcomes: list[str], first: list[float]
) -> None:
    found = read(outcomes, evidence=evidence(first))
    assert [decision.kind for decision in found.decisions] == ["coding"]


def test_that_ratings_against_the_given_coding_are_told() -> None:
    known = evidence([1, -1] * 15)
    found = read(["1", "2"] * 15, coding=ALIASES["2-first"], evidence=known)
    assert found.values.tolist() == [RIGHT, LEFT] * 15
    assert "the data speak against it" in found.doubts[0].text
    assert read(["1", "2"] * 15, coding=ALIASES["1-first"], evidence=known).doubts == ()


@pytest.mark.parametrize(
    ("against", "agreeing", "told"),
    [(20, 0, True), (19, 0, False), (18, 2, True), (17, 3, False), (2, 18, False), (15, 15, False)],
)
@pytest.mark.parametrize("whose", [0, 1])
def test_that_a_coding_is_doubted_where_ratings_speak_against_it_beyond_chance(
    against: int, agreeing: int, told: bool, whose: int
) -> None:
    """Of 20, chance gives 10 with a standard error of 2.24: 3.29 of them below are 2 or fewer."""
    signs = np.array([-1.0] * against + [1.0] * agreeing + [0.0, np.nan, -1.0, -1.0])
    outcomes = ["1"] * (against + agreeing + 2) + ["0", "x"]  # a tie and no outcome say nothing
    silent = RatingEvidence(np.full(len(signs), np.nan), "their own ratings")
    known = [*([silent] if whose else []), RatingEvidence(signs, "everyone's mean ratings")]
    coding = {"1": "left", "2": "right", "0": "tie"}
    found = read(outcomes, coding=coding, evidence=known)
    assert found.values[:-2].tolist() == [LEFT] * (against + agreeing + 2)  # it is obeyed
    doubts = [doubt.text for doubt in found.doubts if "speak against it" in doubt.text]
    assert len(doubts) == told
    if told:
        assert f"{agreeing} of {against + agreeing} comparisons agree with everyone" in doubts[0]


@pytest.mark.parametrize(
    ("agreeing", "against", "ties", "found"),
    [
        (10, 0, [], True),
        (9, 1, [], True),  # 18 of 20
        (9, 0, [], False),  # 18 comparisons are too few
        (17, 3, [], True),
        (8, 2, [], False),  # 16 of 20 may be chance
        (10, 0, [1.0] * 4, True),  # within 2 standard errors of even
        (10, 0, [1.0] * 5, False),
        (10, 0, [-1.0] * 5, False),
        (10, 0, [1.0] * 5 + [-1.0], True),
        (10, 0, [1.0] * 17 + [-1.0] * 8, True),
        (10, 0, [1.0] * 18 + [-1.0] * 7, False),  # 11 of 25 too many, more than twice 5
    ],
)
def test_that_a_coding_is_found_only_beyond_chance_and_with_even_ties(
    agreeing: int, against: int, ties: list[float], found: bool
) -> None:
    each = agreeing + against
    outcomes = ["1"] * each + ["2"] * each + ["0"] * len(ties)
    one = [1.0] * agreeing + [-1.0] * against
    known = evidence([*one, *(-sign for sign in one), *ties])
    read_as = read(outcomes, evidence=known).coding
    assert read_as == (
        {"1": "left", "2": "right", **({"0": "tie"} if ties else {})} if found else {}
    )


def test_that_a_labelers_own_ratings_come_before_everyones() -> None:
    own, others = evidence([1, -1] * 15), RatingEvidence(np.array([-1.0, 1.0] * 15), "others")
    assert read(["1", "2"] * 15, evidence=[*own, others]).coding == {"1": "left", "2": "right"}
    assert read(["1", "2"] * 15, evidence=[others, *own]).coding == {"1": "right", "2": "left"}


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("1=left,0=right", {"1": "left", "0": "right"}),
        (" 1 = Left , 0=RIGHT ", {"1": "left", "0": "right"}),
        ("never=1,'now, or never'=2", {"never": "1", "now, or never": "2"}),
        ('"a, b"=1,c=2', {"a, b": "1", "c": "2"}),
        ("don't know=1,'a, b'=2", {"don't know": "1", "a, b": "2"}),
        ("x=y=tie", {"x=y": "tie"}),
        ("don't know=,yes=1", {"don't know": "", "yes": "1"}),
        ("2-first", {"2": "left", "1": "right"}),
        ("<0=left,0=tie,>0=right", {"<0": "left", "0": "tie", ">0": "right"}),
    ],
)
def test_that_a_coding_is_read_as_people_write_it(text: str, coding: dict[str, str]) -> None:
    assert parse_coding(text) == coding


@pytest.mark.parametrize("text", ["", "both", "1=up", "=left", "1=left,1.0=right", "1:left", ","])
def test_that_what_is_no_coding_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"Nothing was imported\.$"):
        parse_coding(text)


def test_that_limits_come_after_names() -> None:
    coding = {"<0": "left", "0": "tie", ">0": "right", "-9": ""}
    assert [meaning_of(value, coding) for value in ("-2", "0.0", "3", "-9", "x")] == [
        "left", "tie", "right", "", None,
    ]  # fmt: skip


@given(
    st.lists(st.sampled_from(["0", "1", "2", "3", "-1", "left", "tie", "NA"]), min_size=1),
    st.dictionaries(st.sampled_from("0123"), st.sampled_from(["left", "right", "tie"])),
)
def test_that_no_code_becomes_an_outcome_unless_it_is_named(
    outcomes: list[str], coding: dict[str, str]
) -> None:
    found = read(outcomes, coding=coding)
    sides = {"left": LEFT, "right": RIGHT, "tie": TIE, "NA": None}
    unnamed = False
    for outcome, value in zip(outcomes, found.values.tolist(), strict=True):
        expected = sides.get(coding.get(outcome, outcome))
        assert (np.isnan(value) and expected is None) or value == expected
        unnamed |= outcome not in sides and outcome not in coding
    assert bool(found.decisions) == unnamed


@pytest.mark.parametrize(
    "word",
    ["Left face", "face_b", "image_1", "both_bad", "TIE (bothbad)", "equal to", "derecha", "2nd"],
)
def test_that_a_column_of_outcomes_looks_like_one(word: str) -> None:
    found = Profile(column(word, word, "left"), lambda _: "")
    assert found.outcomes == 1
    assert np.isfinite(read([word, word, "left"]).values).all()


def test_that_marks_of_missing_answers_do_not_make_numbers_fewer() -> None:
    cells = ["1", "5", "skipped", "keine Angabe", "timeout"]
    assert Profile(column(*cells), lambda _: "").numeric == 1


def test_that_codes_and_words_beside_each_other_are_asked_about_as_words() -> None:
    found = read(["1", "2", "x"] * 5)
    (decision,) = found.decisions
    assert decision.kind == "coding"
    assert "are not clear" in decision.text
