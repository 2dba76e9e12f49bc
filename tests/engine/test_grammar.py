"""Counts with their noun and comparatives read as people write them."""

import pytest

from prism_desktop.engine.grammar import comparative, counted, plural, ranged, word_for


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (1, "thread", "1 thread"),
        (2, "thread", "2 threads"),
        (0, "face", "0 faces"),
        (1004, "face", "1,004 faces"),
        (1_000_000, "answer", "1,000,000 answers"),
        (3, "person", "3 people"),
        (5, "stimulus", "5 stimuli"),
        (2, "study", "2 studies"),
        (2, "day", "2 days"),
        (2, "pair of labelers", "2 pairs of labelers"),
        (2, "key press", "2 key presses"),
        (2, "analysis", "2 analyses"),
    ],
)
def test_that_a_count_and_its_noun_agree(number: int, noun: str, told: str) -> None:
    assert counted(number, noun) == told


@pytest.mark.parametrize(
    ("numbers", "told"),
    [([7], "7"), ([7, 7], "7"), ([9, 3, 7], "3 to 9"), ([1_000, 20], "20 to 1,000")],
)
def test_that_a_range_whose_ends_are_equal_is_one_number(numbers: list[int], told: str) -> None:
    assert ranged(numbers) == told
    assert ranged(iter(numbers)) == told


def test_that_words_around_a_count_agree_with_it() -> None:
    assert counted(1, "row has", "rows have") == "1 row has"
    assert counted(1200, "row has", "rows have") == "1,200 rows have"
    assert word_for(1, "is", "are") == "is"
    assert word_for(0, "is", "are") == "are"
    assert plural("answer on a scale") == "answers on a scale"


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("smart", "smarter"),
        ("kind", "kinder"),
        ("big", "bigger"),
        ("cute", "cuter"),
        ("happy", "happier"),
        ("friendly", "friendlier"),
        ("gentle", "gentler"),
        ("shy", "shyer"),
        ("good", "better"),
        ("attractive", "more attractive"),
        ("trustworthy", "more trustworthy"),
        ("competent", "more competent"),
        ("tired", "more tired"),
        ("caring", "more caring"),
        ("baby-faced", "more baby-faced"),
        ("warmth", "more warmth"),
        ("attraktiv", "more attraktiv"),
        ("schön", "more schön"),
    ],
)
def test_that_an_attribute_compares_as_people_say_it(attribute: str, words: str) -> None:
    assert comparative(attribute) == words


def test_that_a_study_s_own_wording_comes_first() -> None:
    assert comparative("x7", "Which face looks older?") == "older"
    assert comparative("x7", "Who looks more at ease?") == "more at ease"
    assert comparative("smart", "Who would you rather sit beside?") == "smarter"
    assert comparative("smart", "How smart does this person look?") == "smarter"
