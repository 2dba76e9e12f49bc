"""Whatever is typed wrongly is answered by one sentence and exit code 2."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy


@pytest.mark.parametrize(
    "words",
    [
        ["--nosuch"],
        ["study", "bogus"],
        ["study", "export", "a.prism"],
        ["train", "a.prism", "--epochs", "many"],
        ["demo", "a.prism", "--images", "5"],
        ["demo", "a.prism", "--texts", "--images", "100"],
        [
            "relevance",
            "nosuch",
            "--labeler",
            "L1",
            "--attribute",
            "kind",
            "--image",
            "a.jpg",
            "--png",
            "map.png",
        ],
    ],
)
def test_that_wrong_words_are_answered_in_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("prism-desktop: ")
    assert told.err.count("\n") == 1


def test_that_a_command_group_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("study") == 2
    assert "import" in capsys.readouterr().out


def test_that_pictures_need_a_folder_that_can_be_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("here already")
    assert run("screenshot", tmp_path, "--out", taken) == 2
    assert "cannot be made" in capsys.readouterr().err


_ONCE, _TWICE = ("--set", "epochs=1"), ("--set", "epochs=1", "--set", "epochs=2")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ("--epochs", "2", *_ONCE)),
        ("train", _TWICE),
        ("train", ("--method", "consensus", "--set", "method=gated-memory")),
        ("train", ("--task", "writing", "--epochs", "2", *_ONCE)),
        ("train", ("--task", "writing", "--method", "consensus", "--set", "method=e2p-1")),
        ("compare", ("--methods", "consensus", "--epochs", "2", *_ONCE)),
        ("compare", ("--methods", "consensus", "--set", "method=gated-memory")),
        ("compare", ("--task", "writing", *_TWICE)),
        ("search", ("--method", "lora-visual-prompt", "--epochs", "2", *_ONCE)),
        ("search", ("--method", "consensus", "--set", "method=gated-memory")),
        ("shots", ("--epochs", "2", *_ONCE)),
        ("curve", ("--labelers", "L1", "--set", "labelers=L2")),
        ("curve", ("--over", "labelers", *_TWICE)),
    ],
)
def test_that_no_setting_is_taken_that_was_given_two_values(
    command: str, words: tuple[str, ...], tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, command, tiny_study.path, *words)
    assert "given twice" in told or "says which method" in told
    assert not list_runs(tiny_study.path)
    assert not list_runs(tiny_study.path, "writing")


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must end with exit code 2 and one sentence, which is returned."""
    capsys.readouterr()
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.err.startswith("prism-desktop: ")
    assert told.err.count("\n") == 1
    return told.err


@pytest.fixture
def judged(make_study: MakeStudy, tmp_path: Path) -> Path:
    """A closed study whose third attribute was never
    judged, with embeddings `faces` of all images."""
    study = make_study(attributes=("attractive", "smart"), images=42, comparisons=60)
    names = [image.name for image in study.images()]
    study.add_attribute("kind")
    study.close()
    np.savez(
        tmp_path / "faces.npz",
        name=np.array(names),
        embedding=np.random.default_rng(0).normal(size=(42, 8)),
    )
    assert run("study", "import", study.path, tmp_path / "faces.npz") == 0
    return study.path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "text-token", "--backbone", "embeddings:faces"), "choose an image backbone"),
        (
            ("--method", "profile-text", "--backbone", "embeddings:faces"),
            "choose an image backbone",
        ),
        (("--method", "ensemble", "--backbone", "embeddings:faces"), "choose an image backbone"),
        (("--method", "hierarchical-bayes", "--backbone", "embeddings:none"), "no embeddings"),
        (("--method", "hierarchical-bayes", "--labelers", "L1"), "needs two with answers"),
        (("--method", "profile-text"), "no labeler has one"),
        (("--attributes", "kind"), "no answers of L1, L2, L3 on kind"),
        (("--labelers", "L9"), "no labeler L9"),
        (("--set", "split.train=0.9", "--set", "split.val=0.1"), "nothing to test"),
    ],
)
def test_that_what_cannot_be_trained_is_said_before_training(
    judged: Path,
    tiny_backbone: str,
    options: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backbone = () if "--backbone" in options else ("--backbone", tiny_backbone)
    assert words in refused(capsys, "train", judged, *options, *backbone)
    assert not list_runs(judged)


@pytest.mark.parametrize("split", ["image", "pair", "time"])
def test_that_a_split_left_empty_is_said_before_training(
    split: str, make_study: MakeStudy, tiny_backbone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(comparisons=1, ratings=0, images=8)
    study.close()
    told = refused(capsys, "train", study.path, "--split", split, "--backbone", tiny_backbone)
    assert "validat" in told or "test" in told
    assert not list_runs(study.path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scale", "abc"), "not a scale"),
        (("--scale", "4-1"), "not a scale"),
        (("--coding", "3"), "write VALUE=left"),
    ],
)
def test_that_a_scale_or_a_coding_that_is_none_is_refused_whatever_the_file_holds(
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    make_study: MakeStudy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = make_study(comparisons=1, ratings=1)
    study.close()
    table = tmp_path / "ratings.csv"
    table.write_text("rater,image,smart\nr1,nobody.jpg,3\n")
    assert words in refused(capsys, "study", "import", study.path, table, *options)


def test_that_an_old_study_names_the_command_that_brings_it_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.executescript(
            (Path(__file__).parents[1] / "upgrades/schema-0001.sql").read_text("utf-8")
        )
    assert f"`prism-desktop study upgrade {tmp_path}`" in refused(capsys, "study", "info", tmp_path)
    assert run("study", "upgrade", tmp_path) == 0
    assert run("study", "info", tmp_path) == 0
    assert len(list((tmp_path / "backups").iterdir())) == 1
    with Study.open(tmp_path, read_only=True) as study:
        assert len(study.labelers()) == 2


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("plan --faces x", "--faces must be a whole number, not “x”"),
        ("plan --faces 1.5", "--faces must be a whole number, not “1.5”"),
        ("plan --shared high", "--shared must be a number, not “high”"),
        ("agreement s.prism --least 101", "--least must be at most 100, not “101”"),
        ("agreement s.prism --fewest 0", "--fewest must be at least 1, not “0”"),
        (
            "agreement s.prism --order x",
            "--order: 'x' is not one of 'listed', 'alike', 'mean'",
        ),
        ("agreement", "Missing argument 'study'"),
    ],
)
def test_that_a_value_that_does_not_fit_an_option_is_told_in_plain_words(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = typed.split()
    assert run(*command) == 2
    see = f"see prism-desktop {command[0]} --help."
    assert capsys.readouterr().err == f"prism-desktop: {told}; {see}\n"
