"""Runs, comparisons and curves that version 0.1.0 wrote are read, gone on with and entered.

study-and-runs-0.1.0.zip holds a study of 24 faces and four labelers: a comparison of four methods
on three of them, the fourth let in to two of its runs, curves, and a run whose process was killed.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.adaptation.adapt import adapt, load_adapted
from prism_desktop.engine.adaptation.adapted_labelers import adapted_predictions, list_adapted
from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.curve_store import kshot_curves, learning_curves
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.result_files import Summary
from prism_desktop.engine.runs.run_events import Epoch, Finished, Resumed, Stage, Started
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from prism_desktop.ui.train.leaderboard_data import read_leaderboard

ARCHIVE = Path(__file__).with_name("study-and-runs-0.1.0.zip")
METHODS = {"consensus", "hierarchical-bayes", "lora-visual-prompt", "ensemble"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    with Study.open(folder / "old.prism") as opened:
        assert not opened.relink(folder / "old-faces").still_missing
        assert [image.missing for image in opened.images()] == [False] * 24
    return folder / "old.prism"


def run_of(study: Path, method: str) -> RunFolder:
    """The run of a method in the comparison, which came first."""
    return RunFolder([run for run in list_runs(study) if run.method == method][-1].path)


def test_that_runs_are_listed_with_their_results(study: Path) -> None:
    runs = list_runs(study)
    assert {run.method for run in runs} == METHODS
    states = sorted(run.state for run in runs)
    assert states == ["finished"] * 5 + ["interrupted"]
    for run in runs:
        if run.state == "finished":
            stored = json.loads((run.path / "summary.json").read_text())
            assert run.macro == stored["test"]["macro"]["accuracy"]
            assert run.micro == stored["test"]["micro"]["accuracy"]
            assert run.best_epoch == stored["best_epoch"]
            assert (run.fingerprint, run.split) == (stored["fingerprint"], "image")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_that_a_summary_says_what_it_said_and_is_written_the_same(study: Path, method: str) -> None:
    run = run_of(study, method)
    stored = json.loads((run.path / "summary.json").read_text())
    summary = run.summary()
    assert summary is not None
    assert summary.dump() == stored
    assert summary.test.per_labeler["L2"].ceiling == 0.9505671994610188
    assert summary.counts is not None
    assert (summary.counts.test, summary.counts.train) == (41, 168)
    assert summary.baselines["ridge"].macro.accuracy == 0.7783882783882783
    assert summary.versions["prism-desktop"] == "0.1.0"
    assert (summary.gain is None) == (method == "consensus")
    if summary.gain is not None:
        assert summary.gain.macro.p == stored["gain"]["macro"]["p"]
    assert summary.setting("split.kind") == "image"


def test_that_what_is_beside_the_results_is_read(study: Path) -> None:
    run = run_of(study, "lora-visual-prompt")
    meta, environment = run.meta(), run.environment()
    assert (meta.codes, meta.names) == (("L1", "L2", "L3"), ("attractive", "smart"))
    assert meta.split.counts == {"train": 168, "val": 34, "test": 41, "dropped": 0}
    assert (environment.threads, environment.precision) == (1, "float32")
    assert environment.revisions == {"hierarchical-bayes": 2, "collaborative": 2}
    events, _ = run.events()
    assert isinstance(events[0], Stage)
    assert events[0].process == "started"
    (started,) = [event for event in events if isinstance(event, Started)]
    assert started.parameters == {"lora": 7680, "tokens": 576, "trainable": 8256}
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2]
    assert isinstance(events[-1], Finished)
    assert events[-1].summary == run.summary()
    assert len(events) == len((run.path / "events.jsonl").read_text().splitlines())


def test_that_a_comparison_and_its_curves_are_read(study: Path) -> None:
    file = study / "comparisons" / "before" / "leaderboard.json"
    stored, found = json.loads(file.read_text()), Leaderboard.load(file)
    assert found is not None
    assert found.dump() == stored
    best = found.methods[0]
    assert (best.method, best.parameters) == ("hierarchical-bayes", 138)
    assert best.gain is not None
    assert (best.gain.value, best.gain.p_raw) == (0.22527472527472525, 0.4811046706853038)
    assert best.verdict is not None
    assert not best.verdict.passed
    assert set(found.swapped) == METHODS - {"consensus"}

    shown = read_leaderboard(file.parent)
    assert shown is not None
    assert shown.shots == {"hierarchical-bayes": kshot_curves(study)[0]}
    assert shown.curve == {"hierarchical-bayes": learning_curves(study)[0]}
    assert [point.k for point in shown.shots["hierarchical-bayes"].curve] == [0, 5]
    assert shown.curve["hierarchical-bayes"].points[-1].accuracy == 0.5732600732600732
    assert shown.run("ensemble") == run_of(study, "ensemble").path


def test_that_labelers_who_entered_are_there_and_enter_again_the_same(study: Path) -> None:
    for method, accuracy in (
        ("hierarchical-bayes", 0.5813953488372093),
        ("lora-visual-prompt", 0.6046511627906976),
    ):
        (adapted,) = list_adapted(run_of(study, method))
        assert (adapted.code, adapted.answers, adapted.accuracy) == ("L4", 86, accuracy)
    run = run_of(study, "hierarchical-bayes")
    before = adapted_predictions(run, "L4")["score"].to_numpy()
    *_, opened = open_fitter(run)
    assert isinstance(opened, Done)
    kept = load_adapted(run, opened.value, "L4").scores(None)
    assert np.allclose(kept.ravel(), before, atol=1e-5)
    *_, done = adapt(run, labeler="L4")
    assert isinstance(done, Done)
    assert done.value.accuracy == pytest.approx(0.5813953488372093)
    assert list_adapted(run) == (done.value,)
    assert np.allclose(adapted_predictions(run, "L4")["score"], before, atol=1e-5)


def test_that_an_interrupted_run_goes_on_to_its_end(study: Path) -> None:
    (left,) = [run for run in list_runs(study) if run.state == "interrupted"]
    assert left.resumable
    assert "signal 9" in left.message
    run = RunFolder(left.path)
    events = list(train_run(run, Control(run)))
    (resumed,) = [event for event in events if isinstance(event, Resumed)]
    assert resumed.step >= 9
    assert isinstance(events[-1], Finished)
    assert run.status().state == "finished"
    summary = run.summary()
    assert summary is not None
    assert Summary.load(run.path / "summary.json") == summary
    assert summary.epochs == max(
        event.epoch for event in run.events()[0] if hasattr(event, "epoch")
    )
