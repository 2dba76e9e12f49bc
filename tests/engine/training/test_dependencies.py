"""Runs that stand on others: the consensus is trained beside them, used again, and kept."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.config import TrainConfig, needed
from prism_desktop.engine.device import precision
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.files import copy, write_json
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.models.saved import load_run
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Resumed, Stage, Step, Stopped, TrainingEvent
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training import snapshot
from prism_desktop.engine.training.dependencies import (
    claim_dependency,
    create_dependency,
    dependency_config,
    find_dependency,
)
from prism_desktop.engine.training.factory import build_trainer
from prism_desktop.engine.training.resources import Resources, open_pixels
from prism_desktop.engine.training.snapshot import copy_snapshot, with_machine_of
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.runs import MakeRun

TrainHere = Callable[..., list[TrainingEvent]]


def test_that_training_again_from_a_run_uses_its_consensus_again(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, epochs=1)
    train_here(run)
    twin = RunFolder.create(tiny_study.path, with_machine_of(run, run.config()))
    copy_snapshot(run, twin)
    told = [event.text for event in train_here(twin) if isinstance(event, Notice)]
    assert any("has the same answers and settings, so it is used again" in text for text in told)
    assert twin.config().precision == "float32"  # what "auto" had become
    assert sorted(row.method for row in list_runs(run.study)) == [
        "consensus",
        *["lora-visual-prompt"] * 2,
    ]


def test_that_methods_on_the_same_answers_share_one_consensus_model() -> None:
    own_pairs = {"augmented"}  # learns from other pairs, and so does its baseline
    settings = [TrainConfig().with_options({"method": name}) for name in METHODS]
    wanted = {
        dependency_config(config, "consensus").model_dump_json()
        for config in settings
        if "consensus" in needed(config) and config.method not in own_pairs
    }
    assert len(wanted) == 1


def test_that_a_personal_model_can_start_at_the_consensus_model(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, backbone: Backbone
) -> None:
    run = make_run(tiny_study, start="consensus")
    train_here(run)
    consensus = find_dependency(run, "consensus")
    assert consensus is not None
    *_, done = open_pixels(run.study, run.table("images"), backbone.image_size)
    how = precision(backbone.device)
    resources = Resources(
        backbone.device, how, backbone, done.value, features=None, sha256=backbone.sha256
    )
    trainer = build_trainer(run, resources, consensus)
    mine = trainer.scorer.model.trainable_state()
    theirs = dict(load_run(consensus.path, backbone=backbone).model.named_parameters())
    assert all(torch.equal(mine[name], theirs[name]) for name in mine if "lora" in name)
    away = mine["prompts.table"] - theirs["prompts.table"]
    assert 0.01 < away.std() < 0.03
    assert mine["prompts.table"].shape == (3, 1, 64)


def test_that_a_consensus_that_fails_can_be_gone_on_with_in_the_same_process(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", fail)
        with pytest.raises(MemoryError):
            train_here(make_run(tiny_study))
    (consensus,) = [
        RunFolder(row.path) for row in list_runs(tiny_study.path) if row.method == "consensus"
    ]
    assert consensus.resumable
    train_here(make_run(tiny_study))
    assert [row.path for row in list_runs(tiny_study.path) if row.method == "consensus"] == [
        consensus.path
    ]
    assert consensus.status().state == "finished"


@pytest.mark.parametrize("gone", [pytest.param(False, marks=pytest.mark.soak), True])
def test_that_a_run_that_goes_on_elsewhere_keeps_the_consensus_it_started_at(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, gone: bool
) -> None:
    run = make_run(tiny_study, method="prefix-on-unified", tokens=1)

    def cut(event: TrainingEvent) -> None:
        if isinstance(event, Step) and event.epoch == 2:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        train_here(run, cut)
    (consensus,) = [
        RunFolder(row.path) for row in list_runs(run.study) if row.method == "consensus"
    ]
    write_json(
        consensus.path / "environment.json", consensus.environment().dump() | {"device": "cuda"}
    )
    if gone:
        consensus.delete()
        consensus.path.mkdir()  # so that the next one has another name even within the same second
    events = train_here(run)
    assert any(isinstance(event, Resumed) for event in events) != gone
    said = [event.text for event in events if isinstance(event, Notice)]
    assert (
        any("is gone" in text for text in said)
        == any("from the beginning" in text for text in said)
        == gone
    )
    (last,) = [RunFolder(row.path) for row in list_runs(run.study) if row.method == "consensus"]
    assert (last.name == consensus.name) != gone
    assert run.consensus().equals(last.predictions())


def test_that_stopping_while_the_consensus_model_trains_ends_both(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, epochs=50, patience=50)
    events = train_here(run, lambda event: isinstance(event, Stage) and run.tell("stop"))
    assert isinstance(events[-1], Stopped)
    assert events[-1].summary is None
    states = {summary.method: summary.state for summary in list_runs(run.study)}
    assert states == {"lora-visual-prompt": "stopped", "consensus": "stopped"}
    # it was tested when it was stopped, so it may not go on
    assert find_dependency(run, "consensus") is None


@pytest.mark.parametrize(
    "copied", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 2, 3)), 4]
)
def test_that_a_copy_of_data_that_was_cut_off_passes_for_no_run_of_them(
    copied: int, tiny_study: Study, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, left = make_run(tiny_study), [copied]

    def cut(source: Path, target: Path) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        copy(source, target)

    monkeypatch.setattr(snapshot, "copy", cut)
    twin = RunFolder.create(tiny_study.path, run.config())
    with pytest.raises(KeyboardInterrupt):
        copy_snapshot(run, twin)
    twin.set_status("interrupted")
    (row,) = [row for row in list_runs(tiny_study.path) if row.name == twin.name]
    assert row.fingerprint == ""


@pytest.mark.parametrize("died", [pytest.param(False, marks=pytest.mark.soak), True])
def test_that_runs_that_start_together_train_one_consensus(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, died: bool
) -> None:
    run = make_run(tiny_study, method="retrieval")
    other = create_dependency(run, "consensus")
    waited: list[str] = []
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other.set_status("training", pid=process.pid)

        def hear(event: TrainingEvent) -> None:
            if isinstance(event, Progress) and "another process trains" in event.what:
                waited.append(event.what)
                if died:
                    process.kill()
                    process.wait()
                else:
                    train_here(other)  # as that process does meanwhile

        train_here(run, hear)
    assert waited
    assert all(other.name in what for what in waited)
    (consensus,) = [row for row in list_runs(run.study) if row.method == "consensus"]
    assert (consensus.name, consensus.state) == (other.name, "finished")
    assert run.status().state == "finished"


def test_that_nobody_waits_for_a_consensus_that_is_paused(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, method="retrieval")
    other = create_dependency(run, "consensus")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other.set_status("training", pid=process.pid)
        assert claim_dependency(run, "consensus").name == other.name
        other.set_status("paused", pid=process.pid)
        assert claim_dependency(run, "consensus").name != other.name
        process.kill()
