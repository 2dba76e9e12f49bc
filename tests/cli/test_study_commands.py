"""The study commands as a user types them, and what wrong input answers."""

import json
from pathlib import Path

import pytest

from prism_desktop.cli.main import main
from prism_desktop.engine.study.store import Study
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


def test_that_real_people_beside_simulated_ones_are_told(
    make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(labelers=1)
    told = []
    for code, simulated in (("", False), ("robot", True), ("more", False)):
        if code:
            study.add_labeler(code, simulated=simulated)
        run("study", "info", study.path)
        told.append(capsys.readouterr().out.split(":")[0])
    assert told == ["tiny", *["tiny (simulated labelers beside real ones)"] * 2]


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
    ("folder", "files"),
    [
        ("runs/20260101-000000-odd", ("config.json", "summary.json")),
        ("writing/20260101-000000-odd", ("config.json", "summary.json")),
        ("comparisons/odd", ("leaderboard.json",)),
        ("writing-comparisons/odd", ("leaderboard.json",)),
        ("curves", ("curve-odd.json",)),
    ],
)
def test_that_info_tells_which_results_cannot_be_read(
    folder: str, files: tuple[str, ...], make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=2, ratings=2)
    study.close()
    (study.path / folder).mkdir(parents=True)
    for name in files:
        (study.path / folder / name).write_text("{")
    assert run("study", "info", study.path, "--json", "-") == 0
    assert "odd" in " ".join(json.loads(capsys.readouterr().out)["passed_over"])


def test_that_agreement_says_where_there_is_nothing_to_compare_whatever_is_written(
    tmp_path: Path, make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=0, ratings=0)
    study.close()
    figure, table = tmp_path / "a.svg", tmp_path / "a.csv"
    for wanted in (
        (),
        ("--figure", figure),
        ("--csv", table),
        ("--figure", figure, "--csv", table),
    ):
        capsys.readouterr()
        assert run("agreement", study.path, *wanted) == 0
        said = capsys.readouterr().out
        assert "nothing to compare" in said
        assert said.count("Wrote") == len(wanted) // 2


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


def test_that_export_writes_tables_and_a_codebook(
    tmp_path: Path, make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=2, ratings=2)
    study.close()
    assert run("study", "export", study.path, "--out", tmp_path / "out") == 0
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert {"ratings", "comparisons", "images", "codebook"} <= names
    # its folder stands for its tables
    other = tmp_path / "other.prism"
    assert run("study", "new", other, "--images", tmp_path / "tiny-faces") == 0
    assert run("study", "import", other, tmp_path / "out") == 0
    with Study.open(study.path) as one, Study.open(other) as two:
        assert [each.id for each in two.trials()] == [each.id for each in one.trials()]
    # a folder of anything else is none of images
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("Nothing.")
    assert run("study", "import", other, tmp_path / "notes") == 2
    assert "holds no images" in capsys.readouterr().err


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


def test_that_moved_images_are_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old faces", tmp_path / "new"
    study = tmp_path / "a.prism"
    draw_faces(old, 5)
    assert run("study", "new", study, "--images", old) == 0
    assert run("study", "relink", study, old) == 0
    assert "No image of the study is missing" in capsys.readouterr().out
    old.rename(new)
    assert run("study", "check", study) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"5 images are not where they were (under {old}): face-000.jpg, face-001.jpg, "
        f"face-002.jpg and 2 more. `prism-desktop study relink {study} FOLDER` finds them again."
    ]
    kept = (new / "face-004.jpg").read_bytes()
    (new / "face-004.jpg").write_bytes((new / "face-003.jpg").read_bytes())
    assert run("study", "relink", study, tmp_path / "new", "--json", tmp_path / "found.json") == 1
    assert json.loads((tmp_path / "found.json").read_text()) == {
        "found": 4,
        "still_missing": ["face-004.jpg"],
        "changed": ["face-004.jpg"],
    }
    assert capsys.readouterr().out.strip() == (
        f"4 of 5 missing images were found in {new}; their places were brought up to date. "
        "Still missing: face-004.jpg. Files of these names are there, but hold other images: "
        "face-004.jpg; they were left alone."
    )
    (new / "without an ending").write_bytes(kept)
    assert run("study", "relink", study, new) == 0
    assert run("study", "check", study) == 0


def test_that_relinking_wants_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "a.prism"
    assert run("study", "new", study) == 0
    capsys.readouterr()
    assert run("study", "relink", study, tmp_path / "nowhere") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"There is no folder {tmp_path / 'nowhere'}; nothing was changed." in said


def test_that_a_check_says_the_way_out_of_each_trouble_with_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces, study = tmp_path / "faces", tmp_path / "a.prism"
    paths = draw_faces(faces, 3)
    assert run("study", "new", study, "--images", faces, "--copy") == 0
    copies = sorted((study / "images").glob("??/*"))
    copies[0].unlink()
    copies[1].write_bytes(b"other")
    (study / "images" / "00").mkdir(exist_ok=True)
    (study / "images" / "00" / f"{'0' * 64}.jpg").touch()
    capsys.readouterr()
    assert run("study", "check", study) == 1
    gone, changed, stray = capsys.readouterr().out.splitlines()
    assert gone.startswith(f"1 copied image is gone from {study / 'images'}: face-")
    assert f"`prism-desktop study import {study} FOLDER`" in gone
    assert changed.startswith("1 image has changed since")
    assert changed.endswith("import their folder as new images.")
    assert stray.startswith("1 file belongs to no image of the study among the copied images")
    assert stray.endswith("can be deleted.")
    assert run("study", "import", study, paths[0].parent) == 0
    assert "1 image was found again here" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--images", "--texts"])
def test_that_no_study_is_left_where_what_it_is_made_of_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    given = tmp_path / "given"
    if option == "--images":
        given.mkdir()
    else:
        given.write_text("nothing\n")
    assert run("study", "new", tmp_path / "new.prism", option, given) == 2
    assert "No study was made." in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new.prism").exists()
    assert run("study", "new", tmp_path / "new.prism") == 0
