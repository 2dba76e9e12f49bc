"""Whose judgments they are, however a file writes the name."""

import unicodedata

import pytest

from prism_desktop.engine.study.importing.names.labeler_names import LabelerIndex, is_no_person


@pytest.mark.parametrize(
    ("study", "column", "people"),
    [
        (["p1"], ["p1"], ["p1"]),
        (["p1"], ["P1 "], ["p1"]),
        (["1"], ["1.0"], ["1"]),
        (["01"], ["1"], ["01"]),
        (["1"], ["001"], ["1"]),
        (["p1", "p01"], ["p1", "p01"], ["p1", "p01"]),
        (["1"], ["1", "01"], ["1", "01"]),
        (["001"], ["1", "01"], ["1", "01"]),
        (["P1", "p1"], ["P1", "p1"], ["P1", "p1"]),
        (["José"], [unicodedata.normalize("NFD", "José"), "JOSÉ"], ["José", "José"]),
        ([], ["p1", "P1 ", "p2"], ["p1", "p1", "p2"]),
        ([], ["1.0", "1", "2.0"], ["1", "1", "2"]),
        ([], ["p1", "p01"], ["p1", "p01"]),
        ([], ["p1", "p10", "p100"], ["p1", "p10", "p100"]),
        (["p1"], ["p10"], ["p10"]),
        (["Anna  Lee"], ["anna lee"], ["Anna  Lee"]),
        ([], ["1.5"], ["1.5"]),
    ],
)
def test_that_spellings_of_one_person_are_joined_and_others_are_not(
    study: list[str], column: list[str], people: list[str]
) -> None:
    found = LabelerIndex(study).find_all(column)
    assert list(found.codes) == people
    told = {value for value, _, _ in found.joined}
    assert told == {value for value, code in zip(column, people, strict=True) if value != code}


@pytest.mark.parametrize(
    ("study", "column", "unclear"),
    [(["PA a", "pa A"], ["PA A"], "PA A"), ([], ["p1", "p01"], "p01"), (["1"], ["1", "01"], "01")],
)
def test_that_somebody_who_may_be_there_already_is_told(
    study: list[str], column: list[str], unclear: str
) -> None:
    assert list(LabelerIndex(study).find_all(column).unclear) == [unclear]


@pytest.mark.parametrize("name", ["Mean", "AVERAGE", "Mittelwert", "SD", "n", "N =", "Total:"])
def test_that_a_summary_row_is_no_person(name: str) -> None:
    assert is_no_person(name)


@pytest.mark.parametrize("name", ["R01", "Maxine", "Summer", "N1", "", "Anna"])
def test_that_people_are_people(name: str) -> None:
    assert not is_no_person(name)
