"""The study commands as a user types them, and what wrong input answers."""

import json
from pathlib import Path

import pytest

from prism_desktop.cli.main import main
from tests.fixtures.study import MakeStudy, draw_faces


def run(*arguments: object) -> int:
    """Run the command line; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_that_a_study_is_made_filled_and_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_faces(tmp_path / "faces", 6)
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(
        "rater,image,kind\n" + "".join(f"r1,face-{i:03d}.jpg,{1 + i % 4}\n" for i in range(6))
    )
    study = tmp_path / "a.prism"
    assert run("study", "new", study, "--images", tmp_path / "faces", "--attributes", "kind") == 0
    assert run("study", "import", study, ratings) == 0
    capsys.readouterr()
    assert run("study", "info", study, "--json", "-") == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["images"], info["attributes"], info["labelers"]) == (6, ["kind"], ["r1"])
    assert info["progress"][0]["ratings"] == 6
    assert run("study", "check", study) == 0


def test_that_an_import_can_be_undone(
    tmp_path: Path, make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=2, ratings=2)
    study.close()
    table = tmp_path / "ratings.csv"
    table.write_text("rater,image,attractive\nnewcomer,face-000.jpg,3\n")
    assert run("study", "import", study.path, table, "--json", tmp_path / "report.json") == 0
    report = json.loads((tmp_path / "report.json").read_text())[0]
    assert report["rows_kept"] == 1
    assert run("study", "undo-import", study.path, report["id"]) == 0
    capsys.readouterr()
    run("study", "info", study.path, "--json", "-")
    assert "newcomer" not in json.loads(capsys.readouterr().out)["labelers"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("study", "info", "nowhere.prism"), "nowhere.prism"),
        (("nowhere.prism",), "no study"),
        (("study", "new", "a.prism", "--images", "no-folder"), "no-folder"),
        (("train", "nowhere.prism", "--set", "no_such_setting=1"), "no_such_setting"),
        (("train", "nowhere.prism"), "nowhere.prism"),
        (("agreement", "nowhere.prism"), "nowhere.prism"),
        (("predict", "nowhere"), "nowhere"),
    ],
)
def test_that_wrong_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_that_export_writes_tables_and_a_codebook(tmp_path: Path, make_study: MakeStudy) -> None:
    study = make_study(comparisons=2, ratings=2)
    study.close()
    assert run("study", "export", study.path, "--out", tmp_path / "out") == 0
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert {"ratings", "comparisons", "images", "codebook"} <= names


def test_that_an_import_of_which_nothing_could_be_kept_ends_with_exit_code_2(
    tmp_path: Path, make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=2, ratings=2)
    study.close()
    table = tmp_path / "ratings.csv"
    table.write_text("rater,image,smart\nr1,nobody.jpg,3\nr1,no-one.jpg,2\n")
    assert run("study", "import", study.path, table) == 2
    assert "0 of 2 rows kept" in capsys.readouterr().out
    # all there already, which is no mistake
    assert run("study", "import", study.path, tmp_path / "tiny-faces") == 0
