"""Runs of the task writing obey what the window and other processes tell them."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.processes.reported_training import train_reported
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Epoch, Paused, Resumed, Step, Stopped
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.stopping import kept_now
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.tensor_files import read_tensors
from prism_desktop.engine.writing.run_making import begin_writing
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_session import train_writing
from tests.fixtures.setting_texts import changed

SMALL = ["epochs=4", "batch=8", "rank=2", "held_out=0", "entry_steps=1", "patience=9"]


@pytest.fixture
def run(written_study: Path, tmp_path: Path, tiny_language_model: str) -> RunFolder:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    return begin_writing(study, WritingConfig.of("unified-lora", options, SMALL))


def _told_at_a_step(run: RunFolder, tell: Callable[[], object]) -> None:
    for event in train_writing(run):
        if isinstance(event, Step):
            tell()


def test_that_a_stop_before_an_epoch_is_whole_keeps_what_was_learned(run: RunFolder) -> None:
    promised: list[str] = []

    def stop() -> None:
        promised.append(kept_now(run, "stop").sentence)
        supervisor.stop(run)

    with pytest.raises(RunError, match="stopped before it was tested"):
        _told_at_a_step(run, stop)
    assert "Resume goes on from there" in promised[0]
    assert run.status().state == "stopped"
    assert run.resumable
    assert (run.path / layout.CHECKPOINTS).is_dir()
    list(train_writing(run))  # the order was carried out, and is no more
    assert run.status().state == "finished"


def test_that_a_stop_after_an_epoch_tests_the_best_one(run: RunFolder) -> None:
    for event in train_writing(run):
        if isinstance(event, Epoch):
            assert kept_now(run, "stop").tested
            supervisor.stop(run)
    assert run.status().state == "stopped"
    assert not run.resumable
    summary = run.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert summary.best_epoch == 1
    events = run.events()[0]
    assert sum(isinstance(event, Epoch) for event in events) == 1
    assert isinstance(events[-1], Stopped)


def test_that_a_pause_waits_until_it_is_told_to_go_on(run: RunFolder) -> None:
    seen: list[str] = []
    for event in train_writing(run):
        if isinstance(event, Step) and not seen:
            run.tell("pause")
        if isinstance(event, Paused | Resumed):
            seen.append(f"{event.type}, {run.status().state}")
        if isinstance(event, Paused):
            threading.Timer(0.15, run.tell, ("run",)).start()
    assert seen == ["paused, paused", "resumed, training"]
    assert run.status().state == "finished"


def test_that_a_run_whose_process_pauses_is_not_trained_by_a_second_one(run: RunFolder) -> None:
    run.tell("pause")
    run.set_status("paused", pid=os.getppid())
    with pytest.raises(RunError, match="training already"):
        list(train_writing(run))
    assert run.status().state == "paused"
    assert run.command() == "pause"
    assert not run.events()[0]


def test_that_a_discarded_run_leaves_nothing(run: RunFolder) -> None:
    with pytest.raises(RunError, match="discarded"):
        _told_at_a_step(run, lambda: run.tell("discard"))
    assert not run.path.exists()


def test_that_an_engine_process_trains_it_as_it_trains_others(run: RunFolder) -> None:
    for _ in train_reported(run, Control(run)):
        pass
    (told,) = list_runs(run.study, "writing")
    assert (told.state, told.task, told.method) == ("finished", "writing", "consensus")
    assert told.nll is not None
    assert not list_runs(run.study)
    assert not told.weightless
    (run.path / layout.WRITER).unlink()
    assert list_runs(run.study, "writing")[0].weightless


@pytest.mark.soak
def test_that_the_window_starts_it_in_a_process_of_its_own_and_goes_on(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    slow = changed(SMALL, "epochs=500", "patience=500")
    run = supervisor.begin_writer(study, WritingConfig.of("consensus", options, slow))
    for batch in supervisor.follow(run):
        if any(isinstance(event, Step) for event in batch):
            supervisor.end_training(run)
            break
    assert run.status().state == "interrupted"
    supervisor.resume(run)
    for batch in supervisor.follow(run):
        if any(isinstance(event, Epoch) for event in batch):
            supervisor.stop(run)
    assert run.status().state == "stopped"
    assert read_tensors(run.path / layout.WRITER)[0]
