"""`relevance` and its neighbours on a run of texts: what they write, and what they refuse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.runs.folder import RunFolder
from tests.cli.test_study_commands import run

WHOSE = ("--labeler", "L1", "--attribute", "kind")


def test_that_the_words_of_a_text_are_told_drawn_and_written_as_a_page(
    text_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, picture, table = (tmp_path / name for name in ("w.html", "w.svg", "w.json"))
    files = ["--html", page, "--figure", picture, "--json", table]
    assert run("relevance", text_run.path, *WHOSE, "--text", "reply-005", *files) == 0
    told = json.loads(table.read_text("utf-8"))
    assert [each["word"] for each in told["words"]][:3] == ["Yes", ",", "gladly"]
    out = capsys.readouterr().out
    assert "kind, reply-005: occlusion" in out
    assert told["verdict"] in " ".join(out.split())
    drawn = page.read_text("utf-8")
    assert "<script" not in drawn
    assert 'style="background:#' in drawn
    assert "Will you come to tea number 2?" in drawn
    assert "gladly" in picture.read_text("utf-8")


def test_that_a_pair_and_many_texts_are_told(
    text_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "w.json"
    pair = ["--text", "reply-005", "--over", "reply-002", "--against", "consensus"]
    assert run("relevance", text_run.path, *WHOSE, *pair, "--json", table) == 0
    told = json.loads(table.read_text("utf-8"))
    assert told["other"]["text"] == "reply-002"
    assert told["verdict"].startswith("First text: ")
    capsys.readouterr()
    many = ["--texts", "4", "--kind", "gradient-input", "--figure", tmp_path / "m.svg"]
    assert run("relevance", text_run.path, *WHOSE, *many, "--json", table) == 0
    said, told = capsys.readouterr().out, json.loads(table.read_text("utf-8"))
    assert "Too few to tell: tested on 4 texts" in said
    assert len(told["relevance"]) == 4
    by_chance = told["accuracy"] is not None and told["accuracy"][1] <= 0.5
    assert ("Of the model alone, not of" in said) == by_chance


def test_that_tables_of_texts_are_headed_as_exports_are(
    text_run: RunFolder, tmp_path: Path
) -> None:
    table, path = tmp_path / "t.csv", text_run.path
    for command, first in (
        (("predict",), ["labeler", "labeler_name", "attribute", "stimulus", "stimulus_id"]),
        (("face", "--text", "reply-005"), ["stimulus", "labeler", "attribute"]),
        (("faces", *WHOSE[:2]), ["rank", "stimulus", "stimulus_id"]),
        (("two-labelers", "--one", "L1", "--other", "L2"), ["stimulus", "stimulus_id"]),
    ):
        assert run(command[0], path, *command[1:], "--csv", table) == 0
        head, row = table.read_text("utf-8-sig").splitlines()[:2]
        assert head.split(",")[: len(first)] == first
        assert "reply-0" in row
    told = tmp_path / "t.json"
    assert run("two-labelers", path, "--one", "L1", "--other", "L2", "--json", told) == 0
    keys = set(json.loads(told.read_text("utf-8")))
    assert {"stimuli", "disputed_stimuli"} <= keys
    assert not [key for key in keys if "face" in key]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("relevance", *WHOSE, "--text", "nobody"), "no text 'nobody' in the run"),
        (("relevance", *WHOSE, "--text", "reply-005", "--over", "reply-005"), "differ from itself"),
        (("relevance", *WHOSE, "--texts", "4", "--masks", "x"), "--masks are of faces"),
        (("relevance", *WHOSE, "--texts", "4", "--html", "x.html"), "--html is of one text"),
        (("relevance", *WHOSE, "--text", "reply-005", "--kind", "legrad"), "no map 'legrad' of"),
        (("relevance", "--labeler", "L1", "--attribute", "warm", "--text", "reply-005"), "'warm'"),
        (("axis", *WHOSE, "--figure", "a.svg"), "leave --figure out"),
        (("words", "warm"), "Words that nobody labeled are not used here"),
    ],
)
def test_that_what_texts_cannot_do_is_refused_in_a_sentence(
    words: tuple[str, ...], why: str, text_run: RunFolder, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(words[0], text_run.path, *words[1:]) == 2
    assert why in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


_WITHOUT_TORCH = """
import json, sys
sys.modules["torch"] = None  # importing it fails
from prism_desktop.cli.main import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        print(ended.code)
"""


def test_that_what_the_runs_files_refuse_is_refused_before_a_model_can_be_loaded(
    text_run: RunFolder,
) -> None:
    path, kind, text = str(text_run.path), ("--attribute", "kind"), ("--text", "reply-005")
    asked = {
        "no text 'nobody'": ["relevance", path, *WHOSE, "--text", "nobody"],
        "no text 'nowhere'": ["relevance", path, *WHOSE, *text, "--over", "nowhere"],
        "no labeler 'Z'": ["relevance", path, "--labeler", "Z", *kind, *text],
        "no labeler 'Y'": ["relevance", path, *WHOSE, *text, "--against", "Y"],
        "no attribute 'warm'": ["relevance", path, *WHOSE[:2], "--attribute", "warm", *text],
        "no map 'legrad' of texts": ["relevance", path, *WHOSE, "--texts", "4", "--kind", "legrad"],
        "`prism-desktop adapt RUN --labeler CODE`": ["predict", path, "--labeler", "Y"],
        "no labeler “Z”": ["predict", path, "--labeler", "Z"],
        "no labeler “Q”": ["predict", path, "--labeler", "Q", "--texts", "nowhere.csv"],
        "Somebody labeled kind": ["words", path, "kind"],
        "no labeler “X”": ["two-labelers", path, "--one", "X", "--other", "L1"],
    }
    told = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH, json.dumps(list(asked.values()))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.split() == ["2"] * len(asked), told.stderr
    said = " ".join(told.stderr.split())
    assert [why for why in asked if why not in said] == []
