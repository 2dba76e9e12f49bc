"""The guide to importing lists all that an import can say, and names every option and role."""

import re
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from prism_desktop.cli.main import app
from prism_desktop.engine.study.importing.import_recipe import Role
from tools import import_sentences


def test_that_every_sentence_that_import_can_say_is_in_the_guide() -> None:
    found, known = import_sentences.collected(), import_sentences.meanings()
    sentences = [sentence for topic in found.values() for sentence in topic]
    assert not [s for s in sentences if not known.get(s)], "run python -m tools.import_sentences"
    guide = import_sentences.GUIDE.read_text("utf-8")
    assert import_sentences.listed(found, known) in guide


def test_that_the_guide_lists_no_sentence_that_is_not_said() -> None:
    said = {sentence for topic in import_sentences.collected().values() for sentence in topic}
    assert not set(import_sentences.meanings()) - said


@pytest.mark.parametrize(
    ("code", "sentences"),
    [
        ('raise InputError(f"{name} is damaged; write it again.")',
         ["… is damaged; write it again."]),
        ('text = f"{a} rows"\ntext += "; look at them all"', ["; look at them all"]),
        ('Doubt("kind", "one two three" + more)', ["one two three…"]),
        ('f"{count} of {_words(\'so it is\')} were"', ["so it is"]),
        ('"""A docstring is not said."""', []),
        ('WORDS = ("prefer not to", "b c d", "c", "d", "e", "f")', []),
        ('re.compile("any one of these")', []),
    ],
)  # fmt: skip
def test_that_sentences_are_found_in_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, sentences: list[str]
) -> None:
    (tmp_path / "roles.py").write_text(code, "utf-8")
    monkeypatch.setattr(import_sentences, "CODE", tmp_path)
    assert [s for topic in import_sentences.collected().values() for s in topic] == sentences


def test_that_a_sentence_of_a_module_without_topic_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.py").write_text('raise InputError("This is said too.")', "utf-8")
    monkeypatch.setattr(import_sentences, "CODE", tmp_path)
    with pytest.raises(ValueError, match=r"elsewhere\.py"):
        import_sentences.collected()


def test_that_hand_written_meanings_outlive_a_rewriting() -> None:
    guide = f"before\n{import_sentences.BEGIN}\nold\n{import_sentences.END}\nafter"
    told = import_sentences.rewritten(guide, {"Topic": ["… is new."]}, {"… is new.": "Look at it."})
    assert told.startswith("before\n")
    assert told.endswith("\nafter")
    assert "| … is new. | Look at it. |" in told
    assert "old" not in told


def test_that_the_guide_names_every_option_of_import() -> None:
    guide = import_sentences.GUIDE.read_text("utf-8")
    shown = CliRunner().invoke(
        app, ["study", "import", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}
    )
    options = set(re.findall(r"--[a-z][a-z-]*", shown.output)) - {"--help"}
    assert len(options) > 15
    assert not {option for option in options if f"`{option}" not in guide and
                f" {option}" not in guide}  # fmt: skip


def test_that_the_guide_explains_every_role() -> None:
    table = import_sentences.GUIDE.read_text("utf-8").split("## Roles of columns")[1]
    named = set(re.findall(r"[a-z-]+", " ".join(
        line.split("|")[1] for line in table.split("\n## ")[0].splitlines() if "|" in line
    )))  # fmt: skip
    assert not set(get_args(Role)) - named
