"""Names of labelers in texts: found however they are spelled, and nothing else taken for one."""

import random
from pathlib import Path

import pytest

from prism_desktop.engine.evaluation.publication.names_in_texts import NamesInTexts
from prism_desktop.engine.evaluation.publication.pseudonyms import Pseudonyms
from prism_desktop.engine.study.records import ImageRecord, LabelerRecord

ANNA = ("P7", "Anna Müller")


def _finds(code: str, name: str, text: str) -> bool:
    return NamesInTexts([LabelerRecord(code, name)]).may_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "_Anna_ said", "**Anna** said", "An**na** said", "<i>An</i>na said", "ANNA", "anna's",
        "An\u00adna", "An\u200bna", "A\u2060n\u034fn\ufe0fa", "An-\nna", "Ａｎｎａ", "𝐀𝐧𝐧𝐚",
        "@anna1987", "anna_mueller@x", "annamueller@x", "@MullerAnna", "@AnnaB", "x/Anna%20B",
        "Muller", "Mueller", "MÜLLER", "mu\u0308ller", "M&uuml;ller", "M%C3%BCller", "muller’s",
        "\u202eannA\u202c wrote", "it is \u202dso", "p7", "P-7", "Ｐ７",
    ],
)  # fmt: skip
def test_that_a_name_is_found_however_it_is_spelled(text: str) -> None:
    assert _finds(*ANNA, text)


@pytest.mark.parametrize(
    "text",
    ["an annual banner", "annals", "mull", "p 7", "p77", "xp7", "7", "Annapolis", "", "\u200b"],
)
def test_that_other_words_are_taken_for_no_name(text: str) -> None:
    assert not _finds(*ANNA, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("O'Brien", "O’Brien wrote"), ("O’Brien", "o'brien"), ("O'Brien", "OBrien"),
        ("OBrien", "O`Brien"), ("Oʼbrien", "O´Brien"), ("O'Brien", "O\uff40Brien"),
        ("Weiß", "WEISS"), ("Weiss", "weiß"),
        ("Jean-Luc", "jean luc"), ("Søren", "soren"), ("Soeren", "Sören"), ("Łukasz", "LUKASZ"),
        ("İpek", "ipek"), ("İpek", "IPEK"), ("Ipek", "ıpek"), ("Γιώργος", "ΓΙΩΡΓΟΣ"),
        ("Андрей", "андрей"), ("Фёдор", "Федор"), ("김민수", "김민수는 말했다"),
        ("김민수", "친구김민수"), ("김민수", "민수가 말했다"), ("김 민수", "민수도"),
        ("प्रिया शर्मा", "प्रिया ने कहा"), ("প্রিয়া", "প্রিয়া বলেন"), ("สมชาย ใจดี", "คุณสมชายพูด"),
        ("王小明", "我是王小明的朋友"), ("王小明", "小明说"), ("山田太郎", "山田さん"),
        ("さくら", "桜ではなくさくらです"), ("ｻｸﾗ", "サクラです"), ("Lê", "Lê wrote"),
        ("מִרְיָם", "מרים"), ("مُحَمَّد", "محمد"), ("Anna von Berg", "at Berg"), ("Jo Li", "Jo-Li"),
        ("Sean O'Brien", "brien"), ("Mary Judge", "a judge"), ("von", "von"),
    ],
)  # fmt: skip
def test_that_names_of_all_writing_systems_are_found(name: str, text: str) -> None:
    assert _finds("P7", name, text)
    assert _finds("P7", name, f"({text}).")
    assert _finds(name, "", name)  # a code that is a name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Lê", "le mot"), ("Jo Li", "jolly lilies"), ("Jo Li", "joli"), ("Ng", "long"),
        ("김민수", "이민수련"), ("Anna von der Berg", "von der Stadt"), ("Prof. Anna", "a prof"),
        ("Labeler 1", "a labeler"), ("Labeler 1", "labeler 12"), ("Labeler A", "a labeler"),
        ("प्रिया", "प्रियाल ने"),
    ],
)  # fmt: skip
def test_that_what_only_resembles_a_name_is_kept(name: str, text: str) -> None:
    assert not _finds("P7", name, text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Anna Müller", "Anna said"), ("Müller, Anna", "Anna said"), ("anna_m", "Anna said"),
        ("anna.muller@uni.org", "Anna said"), ("anna1987", "anna"), ("P01-anna", "anna"),
        ("rater_anna", "anna"), ("Anna Green", "Anna"), ("rater 7", "I am Rater 7."),
        ("WX-17", "wx17"), ("WX-17", "WX 17"), ("WX17", "WX-17"), ("1042", "no. 1042"),
        ("A04", "a04"), ("rater", "a rater"), ("🦊🦊", "yours, 🦊🦊"), ("+/-", "so +/- it"),
    ],
)  # fmt: skip
def test_that_a_code_and_the_words_of_one_that_is_a_name_are_found(code: str, text: str) -> None:
    assert _finds(code, "", text)


@pytest.mark.parametrize(
    "code",
    [
        "L1", "P00", "A04", "rater 7", "labeler_12", "Teilnehmerin-3", "participant", "user_A",
        "5f3face9b2dad4", "the new user", "group_red_04", "who@example.org",
    ],
)  # fmt: skip
def test_that_words_of_codes_that_name_nobody_empty_no_corpus(code: str) -> None:
    text = (
        "The new raters, labelers and users like red faces; a group of participant observers was "
        "asked by her dad for a 4 star rater at example.org on page 1, 7 and 12. Teilnehmerin!"
    )
    text = text.replace(code, "")
    assert not _finds(code, "", text)


def test_that_words_which_codes_in_a_row_share_name_nobody_and_a_surname_does() -> None:
    numbered = NamesInTexts([LabelerRecord(f"hund{n:02}") for n in range(12)])
    assert not numbered.may_name("mein hund")
    assert numbered.may_name("hund07")
    family = [LabelerRecord(f"{first} Hund") for first in ("Anna", "Bernd", "Clara", "Dora")]
    assert NamesInTexts(family).may_name("mein hund")
    lettered = NamesInTexts([LabelerRecord(f"alumno_{each}") for each in "abcdegh"])
    assert not lettered.may_name("el alumno")
    assert lettered.may_name("el alumno-c")
    initials = NamesInTexts([LabelerRecord(f"Anna {each}") for each in "KMR"])
    assert initials.may_name("yours, anna")
    one = [LabelerRecord(f"rater{n:02}") for n in range(99)] + [LabelerRecord("hund99")]
    assert NamesInTexts(one).may_name("mein hund")


def test_that_without_names_nothing_is_found() -> None:
    for people in ([], [LabelerRecord("1")], [LabelerRecord("é")], [LabelerRecord("\u200b\u200b")]):
        assert not NamesInTexts(people).may_name("one of 1, é")


def test_that_hundreds_of_names_are_each_found_alone() -> None:
    dice = random.Random(3)
    names = ["".join(dice.sample("bcdfghklmnprstvw", 7)).title() for _ in range(300)]
    sought = NamesInTexts([LabelerRecord(f"P{n}", f"Q. {each}") for n, each in enumerate(names)])
    assert all(sought.may_name(f"so, {each.lower()}.") for each in names)
    assert not sought.may_name(" ".join(each[1:] for each in names))


@pytest.mark.parametrize(
    ("fact", "named"),
    [
        ("lives with O’Brien", True), ("O\u200b'Brien's", True), ("Ｏ'ＢＲＩＥＮ", True),
        ("brien", False), ("41", False), ("p-7", True), ("p 7", False),
    ],
)  # fmt: skip
def test_that_facts_are_looked_through_for_whole_names_in_any_spelling(
    fact: str, named: bool
) -> None:
    people = [LabelerRecord("P7", "O'Brien"), LabelerRecord("41"), LabelerRecord("4\u200b1")]
    assert Pseudonyms("study", people, []).names_somebody(fact) == named


@pytest.mark.parametrize(
    ("code", "name", "text", "found"),
    [
        ("IS", "", "this is good, it is", False), ("IS", "", "so says IS", True),
        ("is", "", "Is it?", False), ("is", "", "yours, IS.", True), ("IS", "", "ＩＳ said", True),
        ("P7", "An", "an apple", False), ("P7", "An", "I asked An, too", True),
        ("P7", "Al", "al the best", False), ("P7", "Al", "thanks, Al", True),
        ("P7", "Al", "Hi. Al said so", True), ("P7", "Al", "(Al)", True),
        ("P7", "Al", "- Al", True),
        ("P7", "Al", "said&nbsp;<b>A</b>l", True), ("P7", "Su", "Su is kind", True),
        ("IS", "", "I<i>S</i> did", True), ("JM", "", "the jm said", True),
        ("P7", "Jo", "dear jo", True), ("d\u00e9", "", "de la mer", False),
    ],
)  # fmt: skip
def test_that_codes_and_names_that_are_words_of_all_texts_are_looked_for_as_names_are_written(
    code: str, name: str, text: str, found: bool
) -> None:
    people = [LabelerRecord(code, name), LabelerRecord("Wilhelmina")]
    assert NamesInTexts(people).may_name(text) == found


@pytest.mark.parametrize("fact", ["Al", "al", " AL ", "is", "of (is), 41", "ＩＳ", "al's"])
def test_that_in_facts_even_the_commonest_words_are_names_if_somebody_is_called_so(
    fact: str,
) -> None:
    people = [LabelerRecord("IS", "Wilhelmina"), LabelerRecord("P7", "Al")]
    assert Pseudonyms("study", people, []).names_somebody(fact)


def test_that_the_shortest_name_of_a_stimulus_is_found_in_facts_about_it() -> None:
    image = ImageRecord("1" * 64, "al.png", Path("al.png"), 8, 8, 0, False, False)
    sought = Pseudonyms("study", [], [image])
    assert sought.names_stimulus("a portrait of al.", image.id)
    assert sought.names_stimulus("al", image.id)
    assert not sought.names_stimulus("all", image.id)
