"""Commands about many runs, on a small study and a small real backbone."""

import csv
import json
from pathlib import Path

import pytest

from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import fill

pytestmark = pytest.mark.timeout(300)
QUICK = ("--epochs", 1, "--device", "cpu", "--set", "max_steps=4")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A closed study with enough answers for every split."""
    with Study.create(tmp_path / "a.prism", attributes=("attractive", "smart")) as study:
        fill(study, images=42, comparisons=60)
    return tmp_path / "a.prism"


def test_that_methods_say_what_is_possible_on_a_study(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("methods", study, "--backbone", "prism-mini", "--json", "-") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["methods"]}
    assert rows.keys() == METHODS.keys()
    assert all(row["summary"] for row in rows.values())
    assert [name for name, row in rows.items() if not row["possible"]] == ["profile-text"]
    # two more tokens, and a direction for each of three labelers and both attributes
    more = rows["lora-visual-prompt"]["parameters"] - rows["consensus"]["parameters"]
    assert more == 2 * 192 + 3 * 2 * 128
    assert run("methods") == 0
    assert "Hierarchical Bayes" in capsys.readouterr().out


def test_that_compare_ranks_methods_and_writes_them_down(
    study: Path, tiny_backbone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, table = tmp_path / "out.json", tmp_path / "out.csv"
    options = ("--backbone", tiny_backbone, *QUICK, "--controls", "--no-cross-fit")
    options += ("--json", out, "--csv", table)
    assert run("compare", study, "--methods", "retrieval", *options) == 0
    said = capsys.readouterr()
    assert "2 of 2 runs" in said.err
    assert "retrieval" in said.out
    board = json.loads(out.read_text())
    assert {row["method"] for row in board["methods"]} == {"consensus", "retrieval"}
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["method"] for row in rows] == [row["method"] for row in board["methods"]]
    best = board["methods"][0]["test"]["macro"]["accuracy"]
    assert float(rows[0]["macro_accuracy"]) == pytest.approx(best)
    path = study / "comparisons" / board["name"]
    assert json.loads((path / "leaderboard.json").read_text()) == board
    assert (
        "retrieval with every labeler's model given to the next"
        in (path / "leaderboard.md").read_text()
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "--methods", "lora"), "unknown"),
        (("compare", "--methods", "profile-text"), "no labeler has one"),
        (("compare", "--methods", "text-token", "--labelers", "L1"), "needs two"),
        (("compare", "--methods", "text-token", "--backbone", "embeddings:none"), "none"),
        (("compare", "--methods", ","), "empty"),
        (("compare", "--jobs", "2"), "add --executor"),
        (("compare", "--slurm", "mem=8GB"), "add --executor"),
        (("compare", "--task", "writing", "--jobs", "2"), "add --executor"),
        (("search", "--method", "text-token", "--slurm", "mem=8GB"), "add --executor"),
        (("compare", "--executor", "local", "--slurm", "mem=8GB"), "take none"),
        (("compare", "--executor", "local", "--slurm", "memory=8GB"), "--slurm takes key=value"),
        (("search", "--method", "retrieval"), "no settings to search"),
        (("search", "--method", "text-token", "--workers", 0), "at least one"),
    ],
)
def test_that_wrong_input_is_one_sentence_before_training(
    study: Path, arguments: tuple[object, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments[0], study, *arguments[1:]) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said
    assert not list_runs(study)


def test_that_search_prints_settings_that_train_takes(
    study: Path, tiny_backbone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            "search",
            study,
            "--method",
            "text-token",
            "--trials",
            2,
            "--backbone",
            tiny_backbone,
            *QUICK,
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "Best validation NLL" in said
    assert "--set token_lr=" in said
