"""Train, look at and use a model through the command
line, on a small study and a small real backbone."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.cli.training import train_here
from prism_desktop.engine.runs.run_events import Finished, NoticeTold, RunNamed
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.study import fill


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: str) -> Path:
    """A study with one finished run; returns the JSON that `train` wrote."""
    folder = tmp_path_factory.mktemp("trained")
    with Study.create(folder / "a.prism", attributes=("attractive", "smart")) as study:
        fill(study, images=42, comparisons=60)
    settings = ["--set", "max_steps=4", "--set", "batch=32", "--epochs", 2, "--device", "cpu"]
    code = run(
        "train", study.path, "--backbone", tiny_backbone, *settings, "--json", folder / "out.json"
    )
    assert code == 0
    return folder / "out.json"


def _run_folder(trained: Path) -> Path:
    name = json.loads(trained.read_text())["run"]
    return trained.parent / "a.prism" / "runs" / Path(name).name


def test_that_train_reports_what_it_promises(trained: Path) -> None:
    result = json.loads(trained.read_text())
    promised = {
        "run",
        "method",
        "backbone",
        "device",
        "split",
        "parameters",
        "best_epoch",
        "counts",
        "test",
        "consensus",
    }
    assert promised <= result.keys()
    assert result["method"] == "lora-visual-prompt"
    parts = result["parameters"]
    assert parts["trainable"] == parts["lora"] + parts["tokens"] + parts["heads"]
    for part in (result["test"], result["consensus"]):
        for name in ("micro", "macro"):
            assert part[name]["low"] <= part[name]["accuracy"] <= part[name]["high"]
        assert part["per_labeler"].keys() == {"L1", "L2", "L3"}
        assert part["per_attribute"].keys() == {"attractive", "smart"}


def test_that_evaluate_gives_the_same_numbers_again(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", _run_folder(trained), "--json", "-") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["test"] == json.loads(trained.read_text())["test"]


def test_that_swapped_labelers_are_tested_with_each_others_models(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", _run_folder(trained), "--swap", "L1,L2", "--json", "-") == 0
    swapped = json.loads(capsys.readouterr().out)
    plain = json.loads(trained.read_text())
    # accuracies on a few answers may agree by chance
    assert swapped["test"]["nll"] != plain["test"]["nll"]
    assert swapped["test"]["per_labeler"]["L3"] == plain["test"]["per_labeler"]["L3"]


def test_that_predictions_include_words_that_no_one_labeled(trained: Path, tmp_path: Path) -> None:
    table = tmp_path / "kind.csv"
    assert (
        run(
            "predict",
            _run_folder(trained),
            "--labeler",
            "L2",
            "--attribute",
            "kind",
            "--csv",
            table,
        )
        == 0
    )
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 42
    assert {row["labeler"] for row in rows} == {"L2"}
    assert {row["attribute"] for row in rows} == {"kind"}


def test_that_predictions_say_how_often_the_models_are_right_and_about_what(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test, path = json.loads(trained.read_text())["test"], _run_folder(trained)
    for options, row, words in (
        ((), test["macro"], "held-out answers, mean over labelers: "),
        (
            ("--attribute", "smart"),
            test["per_attribute"]["smart"],
            "held-out answers about smart: ",
        ),
        (("--labeler", "L1"), test["per_labeler"]["L1"], "'s held-out answers: "),
    ):
        assert run("predict", path, *options, "--csv", tmp_path / "p.csv") == 0
        said = " ".join(capsys.readouterr().err.split())
        told = said.partition(words)[2]
        assert f"{row['accuracy']:.1%}" in told
        assert f"n {row['n']}" in told
    # of words that nobody labeled it is not known
    assert run("predict", path, "--attribute", "stern", "--csv", tmp_path / "p.csv") == 0
    assert "Right on" not in capsys.readouterr().err


def test_that_a_notice_of_several_runs_is_told_once(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _run_folder(trained)
    notice = NoticeTold(text="1 image was left out.", time=0.0)
    events = [RunNamed(path=str(path), name=path.name, time=0.0), notice, notice]
    assert train_here([events, [notice, Finished(time=0.0)]]).path == path
    assert capsys.readouterr().err.count("was left out") == 1


def test_that_a_relevance_map_is_drawn_beside_the_face_with_what_it_is_worth(
    trained: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "map.svg"
    options = [
        "--labeler",
        "L1",
        "--attribute",
        "attractive",
        "--image",
        "face-000.jpg",
        "--figure",
        picture,
    ]
    assert run("relevance", _run_folder(trained), *options) == 0
    drawn = picture.read_text("utf-8")
    assert drawn.count("<image ") == 2
    assert "L1, attractive, face-000.jpg" in drawn
    assert "its own test" in drawn or "passes its test" in drawn


def test_that_the_map_of_a_pair_is_drawn_of_both_faces_and_written(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, told = tmp_path / "pair.svg", tmp_path / "pair.json"
    whose = ["--labeler", "L1", "--attribute", "attractive", "--json", told]
    pair = ["--image", "face-000.jpg", "--over", "face-001.jpg", "--figure", picture]
    assert run("relevance", _run_folder(trained), *whose, *pair) == 0
    assert "face-000.jpg over face-001.jpg" in picture.read_text("utf-8")
    assert "First face: " in capsys.readouterr().out
    one = json.loads(told.read_text("utf-8"))
    back = [*whose, "--image", "face-001.jpg", "--over", "face-000.jpg"]
    assert run("relevance", _run_folder(trained), *back) == 0
    other = json.loads(told.read_text("utf-8"))
    assert np.allclose(one["grid"], -np.array(other["other_grid"]), atol=1e-5)
    assert one["score"] == pytest.approx(-other["score"], abs=1e-4)
    assert len(one["token_attention"]) > 1


@pytest.mark.soak
def test_that_maps_of_labelers_over_faces_make_one_figure_with_its_tests(
    trained: Path, tmp_path: Path
) -> None:
    picture, table = tmp_path / "grid.svg", tmp_path / "grid.csv"
    chosen = ["--labelers", "L1,L2", "--images", "face-000.jpg,face-001.jpg", "--table", table]
    folder = _run_folder(trained)
    study, of_run = folder.parents[1], ["--run", folder, "--attribute", "attractive"]
    assert run("figure", "relevance", study, "--out", picture, *of_run, *chosen) == 0
    drawn = picture.read_text("utf-8")
    assert drawn.count("passes its test") + drawn.count("fails its test") == 4
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["labeler"], row["image"]) for row in rows] == [
        (labeler, f"face-00{face}.jpg") for labeler in ("L1", "L2") for face in (0, 1)
    ]
    told = (tmp_path / "grid-caption.txt").read_text("utf-8")
    assert f"{sum(row['passes'] == 'True' for row in rows)} of 4 maps pass" in told
    assert run("figure", "relevance", study, "--out", picture, *of_run, "--labelers", "no") == 2


def test_that_maps_of_many_faces_are_told_drawn_and_written(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, table = tmp_path / "where.svg", tmp_path / "where.json"
    whose = ["--labeler", "L1", "--attribute", "attractive", "--against", "L2"]
    asked = [*whose, "--faces", "6", "--figure", picture, "--json", table]
    assert run("relevance", _run_folder(trained), *asked) == 0
    assert "Too few to tell: tested on 6 faces" in capsys.readouterr().out
    told = json.loads(table.read_text("utf-8"))
    assert len(told["faces"]) == len(told["grids"]) == len(told["passed"]) == 6
    assert {each["region"] for each in told["differences"]} == {
        each["region"] for each in told["regions"]
    }
    assert told["test"]["faces"] == 6
    assert all(low <= mean <= high for mean, low, high in told["token_attention"])
    assert picture.read_text("utf-8").count("<image ") == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Give --image"),
        (("--image", "face-000.jpg", "--faces", "5"), "Give --image"),
        (("--image", "face-000.jpg"), "give --figure FILE"),
        (("--image", "face-000.jpg", "--masks", "m"), "--masks are of many faces"),
        (("--faces", "5", "--over", "face-000.jpg"), "--over is of a pair of images"),
        (
            ("--image", "face-000.jpg", "--over", "face-000.jpg", "--json", "-"),
            "does not differ from itself",
        ),
        (
            ("--image", "face-000.jpg", "--over", "no.jpg", "--json", "-"),
            "There is no image no.jpg",
        ),
        (
            ("--image", "face-000.jpg", "--kind", "attention:99", "--json", "-"),
            "There is no attention:99",
        ),
        (("--faces", "5", "--kind", "attention:x"), "counted from 1"),
        (("--faces", "5", "--against", "L1"), "does not differ from themselves"),
        (("--faces", "5", "--masks", "nowhere"), "holds no masks"),
    ],
)
def test_that_maps_are_of_one_image_or_of_many(
    trained: Path, options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whose = ["--labeler", "L1", "--attribute", "attractive"]
    assert run("relevance", _run_folder(trained), *whose, *options) != 0
    assert words in " ".join(capsys.readouterr().err.split())


def test_that_agreement_leaves_pairs_without_shared_trials_blank(
    trained: Path, tmp_path: Path
) -> None:
    table = tmp_path / "agreement.csv"
    assert run("agreement", trained.parent / "a.prism", "--csv", table) == 0
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert rows
    for row in rows:
        assert (row["agreement"] == "") == (int(row["count"]) == 0)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("predict", "--labeler", "nobody"), "nobody"),
        (("predict", "--attribute", " "), "empty"),
        (
            (
                "relevance",
                "--labeler",
                "L1",
                "--attribute",
                "smart",
                "--image",
                "no.jpg",
                "--png",
                "m.png",
            ),
            "no.jpg",
        ),
        (("resume",), "finished"),
        (("predict", "--csv", "no/such/folder/p.csv"), "no/such/folder/p.csv"),
        (("evaluate", "--json", "no/such/folder/e.json"), "no/such/folder/e.json"),
        (
            (
                "relevance",
                "--labeler",
                "L1",
                "--attribute",
                "smart",
                "--image",
                "face-000.jpg",
                "--png",
                "m.x",
            ),
            "m.x",
        ),
    ],
)
def test_that_wrong_names_are_one_sentence(
    trained: Path, command: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command[0], _run_folder(trained), *command[1:]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.soak
def test_that_vit_b_32_from_a_local_file_trains_two_steps_and_predicts(
    tmp_path: Path, random_vit_b32: str
) -> None:
    with Study.create(tmp_path / "b.prism", attributes=("kind",)) as study:
        fill(study, images=21, labelers=2, comparisons=40, ratings=0)
    settings = [
        "--set",
        "max_steps=2",
        "--set",
        "batch=4",
        "--set",
        "compare=false",
        "--device",
        "cpu",
    ]
    out = tmp_path / "out.json"
    assert run("train", study.path, "--backbone", random_vit_b32, *settings, "--json", out) == 0
    result = json.loads(out.read_text())
    assert result["parameters"]["lora"] == 368_640
    assert result["parameters"]["tokens"] == 2 * 768
    table = tmp_path / "warm.csv"
    assert (
        run(
            "predict",
            study.path / "runs" / Path(result["run"]).name,
            "--attribute",
            "warm",
            "--csv",
            table,
        )
        == 0
    )
    assert len(table.read_text().splitlines()) - 1 == 2 * 21


def test_that_a_training_needs_no_network_and_no_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with Study.create(tmp_path / "a.prism", attributes=("smart",)) as study:
        fill(study, images=42, comparisons=60, labelers=1)
    out = tmp_path / "out.json"
    settings = ["--set", "max_steps=1", "--device", "cpu"]
    assert run("train", study.path, *settings, "--json", out) == 0
    made = json.loads(out.read_text())
    assert (made["backbone"], made["method"]) == ("prism-mini", "consensus")
    told = " ".join(capsys.readouterr().err.split())
    assert "drawn faces only" in told
    assert "Consensus is chosen." in told
