"""The bundle about a failed training: enough to understand it, and nobody's names."""

import getpass
import json
import unicodedata
import zipfile
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.snapshot import make_snapshot
from tests.cli.test_study_commands import run as command
from tests.fixtures.study import draw_faces

LABELERS = ("Zoë Quisling", "👨‍👩‍👧‍👦 Xanthippe", "Q7")
ATTRIBUTES = ("flumpish", "ääkkönen")
IMAGES = "portrait of Winifred"


def failed_run(folder: Path) -> RunFolder:
    """A run of a study full of names, whose log and events quote all of them."""
    study = Study.create(folder / "Secret Garden.prism", attributes=ATTRIBUTES)
    with study:
        faces = draw_faces(folder / "Winifred's pictures", 28)
        named = [path.rename(path.with_name(f"{IMAGES} {path.name}")) for path in faces]
        study.add_images(read_image(path, path.name) for path in named)
        images = [image.id for image in study.images()]
        for code in LABELERS:
            study.add_labeler(code, f"Dr {code} Featherstone", profile="Born in Wimbleton.")
            study.record(
                TrialRecord(
                    new_id(), code, code, order, "rating", image, None, 1000.0 + order, 1.0,
                    answers=dict.fromkeys(ATTRIBUTES, (order * 7) % 11 % 4 + 1),
                )
                for order, image in enumerate(images)
            )  # fmt: skip
        config = TrainConfig.checked({"backbone": "prism-mini", "device": "cpu"})
        run = RunFolder.create(study.path, config)
        make_snapshot(study, run, config)
    said = [*LABELERS, *ATTRIBUTES, named[0].name, str(named[1]), str(run.path), getpass.getuser()]
    said += [unicodedata.normalize("NFD", text) for text in said]
    lines = [f"ValueError: no score of {text!r} ({json.dumps(text)}, {text})" for text in said]
    trace = f'  File "{Path.home()}/x/site-packages/torch/nn/modules/linear.py", line 125\n'
    run.log.write_text("\n".join(["Loading", trace, *lines, "RuntimeError: shapes 3 and 4"]))
    event = {"type": "epoch", "val": {"labelers": dict.fromkeys(LABELERS, 0.5)}, "epoch": 7}
    with (run.path / layout.EVENTS).open("a") as events:
        events.write("[" * 50_000 + "]" * 50_000 + "\n")  # which cannot be looked through
        events.write(json.dumps(event) + "\n")
    run.set_status("failed", message=f"{LABELERS[0]} has no {ATTRIBUTES[1]}.", advice="")
    return run


@pytest.fixture
def bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The bundle's parts."""
    made = failed_run(tmp_path)
    assert command("report", made.path, "--out", tmp_path / "report.zip") == 0
    assert "no texts and no answers in it. Look through it" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "report.zip") as opened:
        return {name: opened.read(name).decode("utf-8") for name in opened.namelist()}


def test_that_the_bundle_tells_what_failed_and_nobody_s_name(
    bundle: dict[str, str], tmp_path: Path
) -> None:
    whole = unicodedata.normalize("NFC", "\n".join(bundle.values()))
    for planted in (
        "Quisling", "Zo", "Xanthippe", "👨", "Q7", "flumpish", "kk\u00f6nen", "\\u00e4", "Winifred",
        "portrait", "Secret", "Garden", "Featherstone", "Wimbleton", str(tmp_path),
    ):  # fmt: skip
        assert planted.casefold() not in whole.casefold(), planted
    assert "RuntimeError: shapes 3 and 4" in bundle["log.txt"]
    assert "site-packages/torch/nn/modules/linear.py" in bundle["log.txt"]
    assert "labeler-1 has no attribute-2." in bundle["status.json"]
    assert json.loads(bundle["settings.json"])["backbone"] == "prism-mini"
    assert json.loads(bundle["events.jsonl"].splitlines()[-1])["epoch"] == 7
    computer = json.loads(bundle["computer.json"])
    assert computer["versions"]["torch"]
    assert computer["memory_bytes"] > 0


def test_that_nothing_in_words_is_taken_along_where_the_names_are_unknown(tmp_path: Path) -> None:
    made = failed_run(tmp_path)
    (made.data / layout.META).write_text("{")
    assert command("report", made.path, "--out", tmp_path / "report.zip") == 0
    with zipfile.ZipFile(tmp_path / "report.zip") as opened:
        assert set(opened.namelist()) == {"about.txt", "computer.json", "status.json"}
        assert "could not be read" in opened.read("about.txt").decode()
        assert json.loads(opened.read("status.json")) == {"state": "failed"}


def test_that_the_bundle_is_refused_where_it_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = failed_run(tmp_path)
    assert command("report", made.path, "--out", tmp_path) == 2
    assert command("report", made.path, "--out", tmp_path / "nowhere" / "a.zip") == 2
    assert command("report", tmp_path) == 2
    assert "Traceback" not in capsys.readouterr().err
