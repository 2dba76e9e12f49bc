"""Several names in one option, also such as hold a comma."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from prism_desktop.cli.known_names import attributes_named, labelers_named, stimuli_named
from prism_desktop.cli.main import app
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.named_lists import as_listed, listed_names
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from tests.cli.test_study_commands import run

BOTH = ("P00", "P01", "P00,P01")


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("a,b,c", (), ["a", "b", "c"]),
        (" a , b ,, ", (), ["a", "b"]),
        ('"a,b",c', (), ["a,b", "c"]),
        ('c, "a,b"', (), ["c", "a,b"]),
        ('"a,b"', ("a", "b"), ["a,b"]),
        ("a,b", ("a", "b"), ["a", "b"]),
        ("a,b", ("a,b",), ["a,b"]),
        ("a,b,c", ("a,b", "c"), ["a,b", "c"]),
        ("c,a,b", ("a,b", "c"), ["c", "a,b"]),
        ("Doe, John,Roe, Jane", ("Doe, John", "Roe, Jane"), ["Doe, John", "Roe, Jane"]),
        ("a,b", ("a,b", "a"), ["a,b"]),  # as "b" is nobody
        ("x,y", ("a,b", "c"), ["x", "y"]),  # whoever is asked refuses them
        ("P00", BOTH, ["P00"]),
        ('"P00,P01"', BOTH, ["P00,P01"]),
        ('"P00","P01"', BOTH, ["P00", "P01"]),
        ('"ann",b', ('"ann"', "b"), ['"ann"', "b"]),  # quotes that belong to a code
        ('a "b" c,d', (), ['a "b" c', "d"]),
        ('"a,b', (), ['"a', "b"]),
    ],
)
def test_that_a_line_of_names_is_divided_as_it_is_meant(
    typed: str, known: Sequence[str], meant: list[str]
) -> None:
    assert list(listed_names(typed, known)) == meant


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)))
def test_that_what_is_shown_as_a_list_is_read_as_the_same_names(texts: list[str]) -> None:
    names = tuple(one.strip() for one in texts if one.strip())
    assert listed_names(as_listed(names)) == names


@pytest.mark.parametrize(
    ("typed", "known"),
    [("P00,P01", BOTH), ("x,P00,P01", (*BOTH, "x")), ("a,b,c", ("a,b", "c", "a", "b,c"))],
)
def test_that_names_that_can_be_read_in_two_ways_are_refused(
    typed: str, known: Sequence[str]
) -> None:
    with pytest.raises(InputError, match="write it so, in double quotes") as refused:
        listed_names(typed, known)
    told = str(refused.value).split(" can mean ")[1].split(", for names hold commas")[0]
    ways = [listed_names(way, known) for way in told.split(" or ")]
    assert len(set(ways)) == 2  # both ways out that it names lead somewhere else
    assert all(set(way) <= set(known) for way in ways)


def _options(name: str, command: Any) -> Iterator[tuple[str, str]]:
    """Every option for several labelers or attributes, by what is typed, with its help."""
    for below in list(getattr(command, "commands", ())):
        yield from _options(f"{name} {below}".strip(), command.commands[below])
    for option in command.params:
        told = getattr(option, "help", None) or ""
        if {"--labelers", "--attributes"} & set(option.opts) and "a,b" in told:
            yield f"{name} {option.opts[-1]}", told


def test_that_every_option_for_several_names_says_how_a_comma_is_written() -> None:
    told = dict(_options("", get_command(app)))
    assert len(told) > 10
    assert [name for name, text in told.items() if '"a,b"' not in text] == []


def test_that_many_names_are_divided_at_once() -> None:
    codes = [f"L{number}" for number in range(4_000)]
    assert list(listed_names(",".join(codes), [*codes, "a,b"])) == codes


def test_that_all_that_a_study_knows_can_be_named(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism", attributes=["kind, warm", "kind"], kind="text") as made:
        for code in ("a,b", *BOTH):
            made.add_labeler(code)
        made.add_texts([NewText("one, two", "Hello")])
        place = made.path
    assert labelers_named(None, place) is None
    for where in (place, place / "runs" / "one", place / "writing" / "one"):
        assert labelers_named("P01,a,b", where) == ("P01", "a,b")
    assert attributes_named("kind, warm", place) == ("kind, warm",)
    assert stimuli_named("one, two", place) == ("one, two",)
    with pytest.raises(InputError, match="can mean"):
        labelers_named("P00,P01", place)
    assert labelers_named("a,b", tmp_path / "nothing") == ("a", "b")  # the command says why
    with pytest.raises(InputError, match="empty"):
        labelers_named(" , ", place)


@pytest.mark.parametrize("others", [(), ("Bob",)])
def test_that_a_code_in_quotes_is_named_as_it_is(others: tuple[str, ...], tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism") as made:
        for code in ('"Bob"', 'Ann "A" Lee', *others):
            made.add_labeler(code)
    assert labelers_named('"Bob"', made.path) == ('"Bob"',)
    assert labelers_named('Ann "A" Lee', made.path) == ('Ann "A" Lee',)
    assert labelers_named("Bob", made.path) == ("Bob",)


def test_that_a_setting_and_a_new_study_take_names_in_quotes(tmp_path: Path) -> None:
    assert TrainConfig().with_options({}, ['labelers="a,b",c']).labelers == ("a,b", "c")
    made = tmp_path / "s.prism"
    assert run("study", "new", made, "--attributes", '"kind, warm",smart') == 0
    with Study.open(made, read_only=True) as opened:
        assert [each.name for each in opened.attributes()] == ["kind, warm", "smart"]


def test_that_somebody_whose_code_holds_a_comma_is_named_to_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.csv"
    rows = [f'"{who}",{one},kind' for who in ("a,b", "c") for one in ("x,y,x", "y,z,y", "x,z,z")]
    answers.write_text("\n".join(["rater,left,right,winner,attribute", *rows]) + "\n")
    texts = tmp_path / "texts.csv"
    texts.write_text("id,text\nx,Hello\ny,Hallo\nz,Hullo\n")
    made = tmp_path / "s.prism"
    assert run("study", "new", made, "--texts", texts, "--attributes", "kind") == 0
    assert run("study", "import", made, answers) == 0
    capsys.readouterr()
    assert run("agreement", made, "--labelers", "a,b,c") == 0
    assert "a,b" in capsys.readouterr().out
    assert run("agreement", made, "--labelers", "a,c") == 2
