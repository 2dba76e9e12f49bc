import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel

from prism_desktop.engine.adaptation.predictions import predictions
from prism_desktop.engine.backbones import Backbone, load, parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done
from prism_desktop.engine.models.saved import load_run
from prism_desktop.engine.processes import reported_training, supervisor
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import differences, read_manifest
from prism_desktop.engine.runs.run_events import (
    Discarded,
    Epoch,
    Failed,
    Finished,
    Paused,
    Resumed,
    Stage,
    Started,
    Step,
    Stopped,
    TrainingEvent,
)
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.dependencies import find_dependency
from prism_desktop.engine.training.resources import open_pixels
from prism_desktop.engine.training.run_evaluation import evaluate_run
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import (
    copy_snapshot,
    make_snapshot,
    source_of,
    with_machine_of,
)
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.runs import MakeRun, result

TrainHere = Callable[..., list[TrainingEvent]]

KEYS = {
    "run", "method", "backbone", "device", "split", "parameters", "best_epoch",
    "seconds_per_epoch", "counts",
    "test", "consensus",
}  # fmt: skip


def test_that_a_run_is_complete_and_compared_with_a_consensus_run_of_the_same_data(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, backbone: Backbone
) -> None:
    run = make_run(tiny_study)
    events = train_here(run)
    assert [event.name for event in events if isinstance(event, Stage)] == [
        "consensus", "training", "predicting", "evaluating",
    ]  # fmt: skip
    assert isinstance(events[-1], Finished)
    assert [event.type for event in run.events()[0]] == [
        type(event).__name__.lower() for event in events
    ]
    summary = run.summary()
    assert summary is not None
    assert summary.dump().keys() >= KEYS
    heads = 3 * 2 * backbone.embed_dim  # a direction for each labeler and attribute
    told = {"lora": 5120, "tokens": 3 * 64, "heads": heads}
    told["trainable"] = sum(told.values())
    assert summary.parameters == told
    assert summary.epochs == 2  # the start, which is none, is only validated
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [0, 1, 2]
    for part in (summary.test, summary.consensus):
        assert part is not None
        assert part.dump().keys() >= {"micro", "macro", "per_labeler", "per_attribute", "ceiling"}
    assert summary.test.micro.n == summary.consensus.micro.n == summary.counts.test
    json.dumps(summary.dump(), allow_nan=False)
    assert evaluate_run(run).test == summary.test
    for word in ("L1", "Consensus", "Versions: python", "Seed: 0", "train "):
        assert word in (run.path / "summary.md").read_text()

    marked = read_manifest(run.path)
    assert marked is not None
    assert marked.files.keys() >= {
        "config.json", "data/pairs.parquet", "predictions.parquet", "summary.json", "events.jsonl",
        "tokens.safetensors", "adapter/adapter_model.safetensors", "status.json", "metrics.csv",
        "closed-form.safetensors",
    }  # fmt: skip
    assert [*differences(run.path)] == []

    frame, images = run.predictions(), run.table("images")
    assert len(frame) == 3 * 2 * len(images) == len(run.consensus())
    assert set(run.predictions("L2", "smart")["labeler"]) == {"L2"}
    per_labeler = run.consensus().pivot_table(
        index=["attribute", "image"], columns="labeler", values="score"
    )
    assert (per_labeler["L1"] == per_labeler["L3"]).all()
    loaded = load_run(run.path, backbone=backbone)
    *_, done = open_pixels(run.study, images, backbone.image_size)
    assert isinstance(done, Done)
    scores = loaded.scores(done.value.take(np.arange(len(images))), ["L2"], ["smart"])[0, 0]
    told = run.predictions("L2", "smart").set_index("image")["score"][images["image"]].to_numpy()
    # validation images are told apart by heads that never learned from answers on them
    val = (images["split"] == "val").to_numpy()
    assert np.allclose(scores[~val], told[~val], atol=1e-5)
    assert scores[val].mean() == pytest.approx(told[val].mean(), abs=1e-4)

    again = make_run(tiny_study, seed=0)
    assert not any(
        isinstance(event, Stage) and event.name == "consensus" for event in train_here(again)
    )
    assert again.predictions().equals(frame)
    assert find_dependency(make_run(tiny_study, seed=1), "consensus") is None
    assert find_dependency(make_run(tiny_study, epochs=3), "consensus") is None
    assert [summary.state for summary in list_runs(tiny_study.path)].count("finished") == 3


def test_that_the_adapter_loads_with_plain_peft(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, tiny_backbone: str
) -> None:
    run = make_run(tiny_study, compare=False, start="random")
    train_here(run)
    plain = load(parse(tiny_backbone), choose_device("cpu"))
    adapted = PeftModel.from_pretrained(plain.model, run.path / "adapter")
    names = [
        name
        for name, tensor in adapted.named_parameters()
        if "lora_B" in name and tensor.abs().sum() > 0
    ]
    assert len(names) == 4


def test_that_a_run_is_reproduced_from_its_folder_to_the_last_bit(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, compare=False, pairs={"use": "both", "ties": "davidson"}, flips=True)
    train_here(run)
    config = TrainConfig.load(run.path / "config.json")
    assert config == run.config()
    assert source_of(run.path, config) == run
    assert source_of(run.path, config.with_settings(["split.fold=1"])) is None
    tiny_study.withdraw(tiny_study.trials()[0].id)  # the study goes on; the snapshot does not
    twin = RunFolder.create(tiny_study.path, with_machine_of(run, config))
    copy_snapshot(run, twin)
    train_here(twin)
    assert twin.predictions().equals(run.predictions())
    assert (twin.path / "adapter" / "adapter_model.safetensors").read_bytes() == (
        run.path / "adapter" / "adapter_model.safetensors"
    ).read_bytes()
    assert make_run(tiny_study, compare=False).meta().fingerprint != run.meta().fingerprint


def test_that_pause_waits_after_a_checkpoint_and_stop_keeps_the_best(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tiny_study, compare=False, epochs=50, patience=50)
    waits: list[str] = []

    def wait(control: Control) -> None:
        waits.append(run.status().state)
        assert list((run.path / "checkpoints").glob("step-*"))
        control.run.tell("run")

    monkeypatch.setattr(Control, "wait_while_paused", wait)

    def hear(event: TrainingEvent) -> None:
        if isinstance(event, Step) and event.epoch == 2 and not waits:
            run.tell("pause")
        if isinstance(event, Step) and event.epoch == 4:
            run.tell("stop")

    events = train_here(run, hear)
    kinds = [type(event) for event in events]
    assert waits == ["paused"]
    assert kinds.index(Paused) + 1 == kinds.index(Resumed)
    assert isinstance(events[-1], Stopped)
    assert events[-1].best_epoch in (0, 1, 2, 3)
    assert run.status().state == "stopped"
    assert run.summary() is not None
    assert not run.predictions().empty
    assert [row.resumable for row in list_runs(run.study)] == [False]
    with pytest.raises(RunError, match="stopped and tested, so it cannot go on"):
        supervisor.resume(run)


def test_that_a_run_stopped_before_there_was_a_model_can_go_on(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, epochs=2)
    train_here(
        run,
        lambda event: isinstance(event, Stage) and event.name == "consensus" and run.tell("stop"),
    )
    assert (run.status().state, run.resumable) == ("stopped", True)
    run.tell("run")
    assert isinstance(train_here(run)[-1], Finished)
    assert not run.resumable


def test_that_pause_is_heard_while_images_are_decoded(
    tiny_study: Study, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tiny_study, compare=False, epochs=1)
    waits: list[str] = []

    def wait(control: Control) -> None:
        waits.append(run.status().state)
        control.run.tell("run")

    monkeypatch.setattr(Control, "wait_while_paused", wait)
    run.tell("pause")
    events = list(train_run(run, Control(run)))
    kinds = [type(event) for event in events]
    assert waits == ["paused"]
    assert kinds.index(Paused) + 1 == kinds.index(Resumed) < kinds.index(Started)
    assert run.status().state == "finished"


def test_that_discarding_deletes_what_was_made(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, compare=False, epochs=50)

    def hear(event: TrainingEvent) -> None:
        if isinstance(event, Step) and event.epoch == 2:
            run.tell("discard")

    assert isinstance(train_here(run, hear)[-1], Discarded)
    assert run.status().state == "discarded"
    assert not (run.path / "checkpoints").exists()
    assert not (run.path / "metrics.csv").exists()


@pytest.mark.parametrize(
    ("error", "message", "advice"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory"),
            "ran out of memory",
            "batch=8 instead of 16",
        ),
        (MemoryError(), "ran out of memory", "batch=8"),
        (OSError(28, "No space left on device"), "disk is full", "resume"),
        (ValueError("a bug"), "ValueError: a bug", "log.txt"),
        (InputError("The attribute is gone."), "The attribute is gone.", ""),
    ],
)
def test_that_whatever_goes_wrong_becomes_a_failed_run_with_advice(
    tiny_study: Study,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    message: str,
    advice: str,
) -> None:
    run = make_run(tiny_study, compare=False)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Trainer, "_step", fail)
    monkeypatch.setattr(reported_training, "lower_priority", lambda: None)
    monkeypatch.setattr(reported_training, "prepare_torch", lambda run: None)
    with pytest.raises(type(error)):
        list(reported_training.train_reported(run, Control(run)))
    status = run.status()
    assert status.state == "failed"
    assert message in status.message
    assert advice in status.advice
    last = run.events()[0][-1]
    assert isinstance(last, Failed)
    assert last.message == status.message


def test_that_words_nobody_labeled_are_judged_zero_shot(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere
) -> None:
    run = make_run(tiny_study, compare=False)
    train_here(run)
    known = result(predictions(run, "L1", "smart"))
    assert list(known.columns) == ["labeler", "attribute", "name", "image", "score"]
    assert known["name"].str.startswith("face-").all()
    new = result(predictions(run, "L1", "sleepy"))
    assert len(new) == len(known)
    assert not np.allclose(new["score"], known["score"])
    with pytest.raises(InputError, match="no labeler"):
        result(predictions(run, "L9"))


def test_that_a_snapshot_refuses_what_the_study_lacks(tiny_study: Study, make_run: MakeRun) -> None:
    with pytest.raises(InputError, match="no labeler L7; it has L1, L2, L3"):
        make_run(tiny_study, labelers=("L1", "L7"))
    with pytest.raises(InputError, match="no attribute funny"):
        make_run(tiny_study, attributes=("funny",))


def test_that_a_snapshot_holds_the_chosen_labelers_and_attributes(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, labelers=("L3", "L1"), attributes=("smart",))
    meta = run.meta()
    assert [*meta.codes] == ["L1", "L3"]
    pairs: pd.DataFrame = run.table("pairs")
    assert set(pairs["attribute"]) == {"smart"}
    assert meta.counts.train == (pairs["split"] == "train").sum()
    twin = RunFolder.create(tiny_study.path, run.config())
    make_snapshot(tiny_study, twin, run.config())
    assert twin.meta().fingerprint == meta.fingerprint


def test_that_data_with_another_rating_or_profile_are_other_data(
    tiny_study: Study, make_run: MakeRun
) -> None:
    before = make_run(tiny_study).meta().fingerprint
    # heads learn from ratings beside comparisons
    tiny_study.withdraw(tiny_study.trials("L1", "rating")[0].id)
    fewer = make_run(tiny_study).meta().fingerprint
    tiny_study.update_labeler("L2", profile="Likes beards.")
    told = make_run(tiny_study).meta().fingerprint
    assert len({before, fewer, told}) == 3


def test_that_whoever_answered_but_gave_no_pair_is_named(
    tiny_study: Study, make_run: MakeRun
) -> None:
    for trial in tiny_study.trials("L3", "comparison"):
        tiny_study.withdraw(trial.id)
    run = make_run(tiny_study, pairs={"use": "comparisons"})
    assert [*run.meta().codes] == ["L1", "L2"]
    assert any("labeler L3; the run leaves them out" in notice for notice in run.meta().notices)
    kept = make_run(tiny_study)  # automatically, their ratings are used
    assert [*kept.meta().codes] == ["L1", "L2", "L3"]
    assert not any("L3" in notice for notice in kept.meta().notices)


def test_that_a_missing_image_is_left_out_and_said(tiny_study: Study, make_run: MakeRun) -> None:
    gone = tiny_study.images()[0]
    Path(gone.path).unlink()
    run = make_run(tiny_study)
    assert gone.id not in set(run.table("images")["image"])
    assert any("1 image" in notice for notice in run.meta().notices)
