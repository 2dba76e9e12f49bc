"""`prism-desktop runs`: names and notes of any letters, and what is told of them."""

import json
from pathlib import Path

import pytest

from prism_desktop.engine.runs.run_label import MOST_NAME, read_label
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.hostile_names import HOSTILE
from tests.ui import fabricate

FIRST, SECOND = "20260101-120000-lora-visual-prompt", "20260102-120000-e2p-1"
# what is typed, and what the run is called then
ODD = (
    ("Pilot", "Pilot"),
    ("  two\t lines\n here ", "two lines here"),
    ("\u200d\u200b\u2060", ""),  # nothing of it can be seen
    ("\u0301", ""),  # an accent without a letter
    ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),  # a joiner within a sign
    ("\u0639\u0631\u0628\u064a \u202etxt", "\u0639\u0631\u0628\u064a \u202etxt"),
    ("\x1b[31mred\x07", "\x1b[31mred\x07"),
    ("=1+1", "=1+1"),
    ("[red]x[/red] <b>&", "[red]x[/red] <b>&"),
    (SECOND, SECOND),
    ("x" * MOST_NAME, "x" * MOST_NAME),
    ("", ""),
)


@pytest.fixture
def two(tiny_study: Study) -> Path:
    """A study with two runs; returns the first."""
    faces = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, faces, SECOND, method="e2p-1", labelers=("L1", "L2"))
    return fabricate.run(tiny_study.path, faces, FIRST, labelers=("L1", "L2"))


def _listed(study: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert run("runs", "list", study, "--json", "-") == 0
    return {each["run"]: each for each in json.loads(capsys.readouterr().out)}


def test_that_a_run_is_called_what_can_be_seen_of_a_name(
    two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = two.parent.parent
    for typed, called in ODD:
        assert run("runs", "rename", two, typed) == 0
        said = capsys.readouterr().out
        assert read_label(two).name == called
        assert ("has no name of its own now" in said) == (not called)
        assert not set(said) & set("\x1b\x07\u202e\u200b")
        assert (f"The run {SECOND} is called so, too" in said) == (called == SECOND)
        assert _listed(study, capsys)[FIRST]["name"] == called
        assert run("runs", "list", study) == 0
        told = capsys.readouterr().out
        assert FIRST in told
        assert not set(told) & set("\x1b\x07\u202e")


def test_that_no_word_of_the_list_is_torn_apart_in_80_columns(
    two: Path, tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    study, faces = tiny_study.path, fabricate.of_study(tiny_study)
    for state in ("interrupted", "stopped", "failed"):
        name = f"20260103-120000-hierarchical-bayes-{state[:4]}"
        fabricate.run(
            study, faces, name, method="hierarchical-bayes", labelers=("L1",), state=state
        )
    assert run("runs", "rename", two, "Pilot of the second week") == 0
    assert run("runs", "note", two, "Before the break, " * 8) == 0
    capsys.readouterr()
    assert run("runs", "list", study) == 0
    told = capsys.readouterr().out
    words = ("interrupted", "stopped", "failed", "Hierarchical", "Pilot of the second week", FIRST)
    assert [word for word in words if word not in told] == []
    assert max(map(len, told.splitlines())) <= 80


def test_that_a_name_or_note_that_is_too_long_changes_nothing(
    two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs", "rename", two, "Pilot") == 0
    assert run("runs", "note", two, "Before the break.") == 0
    for what, text in (("rename", "x" * 300), ("note", "y" * 2001)):
        capsys.readouterr()
        assert run("runs", what, two, text) == 2
        assert f"has {len(text):,}" in capsys.readouterr().err
    label = read_label(two)
    assert (label.name, label.note) == ("Pilot", "Before the break.")


def test_that_two_runs_of_one_name_are_told_and_kept_apart(
    two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = two.parent.parent
    assert run("runs", "rename", two, "Pilot") == 0
    assert "is called so, too" not in capsys.readouterr().out
    assert run("runs", "rename", study / "runs" / SECOND, "pilot") == 0
    assert f"The run {FIRST} is called so, too" in capsys.readouterr().out
    listed = _listed(study, capsys)
    assert (listed[FIRST]["name"], listed[SECOND]["name"]) == ("Pilot", "pilot")


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.soak)])
def test_that_notes_of_any_letters_come_back_as_they_were(
    two: Path, capsys: pytest.CaptureFixture[str], every: int
) -> None:
    study = two.parent.parent
    for text in ("one\ntwo", *[each for each in HOSTILE if "\ud800" not in each][::every], ""):
        assert run("runs", "note", "--", two, text.encode("utf-8", "replace").decode()) == 0
        kept = read_label(two).note
        assert kept == text.encode("utf-8", "replace").decode().strip()
        assert _listed(study, capsys)[FIRST]["note"] == kept
    assert run("runs", "note", two, "\u200d") == 0
    assert "is removed" in capsys.readouterr().out


def test_that_runs_that_are_not_there_are_refused_in_a_sentence(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("rename", two.with_name("gone"), "x"), ("note", tmp_path, "x")):
        assert run("runs", *words) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert run("runs", "list", tmp_path / "none.prism") == 2
    (tmp_path / "bare.prism").mkdir()
    capsys.readouterr()
    assert run("runs", "list", tmp_path / "bare.prism") == 2
    assert "There is no study in" in capsys.readouterr().err
