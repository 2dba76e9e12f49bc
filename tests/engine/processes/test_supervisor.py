import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.processes.run_series import Series
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import (
    Failed,
    Finished,
    Resumed,
    RunNamed,
    Step,
    ToldEvent,
)
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun

pytestmark = pytest.mark.timeout(300)


@pytest.mark.soak
def test_that_a_killed_training_resumes_to_the_same_bits(
    tiny_study: Study, make_run: MakeRun, tiny_backbone: str, train_here: object
) -> None:
    settings = {
        "backbone": tiny_backbone, "device": "cpu", "threads": 1, "batch": 8, "epochs": 8,
        "patience": 8,
        "compare": False, "checkpoint_seconds": 0.01,
    }  # fmt: skip
    run = supervisor.start(tiny_study.path, TrainConfig.checked(settings))
    told: list[ToldEvent] = []
    for batch in supervisor.follow(run):
        told += batch
        if any(isinstance(event, Step) and event.step > 25 for event in batch):
            pid = run.status().pid
            if pid and run.status().state == "training":
                os.kill(pid, signal.SIGKILL)
    assert isinstance(told[0], RunNamed)
    assert isinstance(told[-1], Failed)
    assert "signal 9" in told[-1].message
    assert "resume" in told[-1].advice
    assert str(run.path / "log.txt") in told[-1].advice
    assert run.status().state == "interrupted"
    assert run.summary() is None

    told = [event for batch in supervisor.follow(supervisor.resume(run)) for event in batch]
    assert not any(isinstance(event, Failed) for event in told)
    assert any(isinstance(event, Resumed) and event.step > 20 for event in told)
    assert isinstance(told[-1], Finished)
    assert run.status().state == "finished"
    with pytest.raises(RunError, match="is finished"):
        supervisor.resume(run)

    straight = make_run(tiny_study, **settings)
    train_here(straight)  # type: ignore[operator]
    assert run.predictions().equals(straight.predictions())
    name = "adapter/adapter_model.safetensors"
    assert (run.path / name).read_bytes() == (straight.path / name).read_bytes()


def test_that_wrong_input_leaves_no_run_behind(tiny_study: Study) -> None:
    with pytest.raises(InputError, match="unknown"):
        supervisor.start(tiny_study.path, TrainConfig(method="magic"))
    with pytest.raises(InputError, match="no labeler"):
        supervisor.start(tiny_study.path, TrainConfig(labelers=("L9",)))
    with pytest.raises(InputError, match="no backbone"):
        supervisor.start(tiny_study.path, TrainConfig(backbone="magic"))
    assert list((tiny_study.path / "runs").glob("*")) == []


def test_that_a_start_that_fails_says_why_even_if_its_run_cannot_be_deleted(
    tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: RunFolder) -> None:
        raise RunError("The folder cannot be deleted.")

    monkeypatch.setattr(RunFolder, "delete", fails)
    with pytest.raises(InputError, match="L9"):
        supervisor.start(tiny_study.path, TrainConfig(labelers=("L9",)))


def test_that_a_run_that_someone_else_killed_is_told_as_failed(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("training", pid=4_000_000)
    *_, last = (event for batch in supervisor.watch(run) for event in batch)
    assert isinstance(last, Failed)
    assert run.status().state == "interrupted"
    assert "resume" in last.advice


def test_that_a_training_whose_parent_dies_stops_and_is_kept(
    tiny_study: Study, tiny_backbone: str
) -> None:
    settings = {
        "backbone": tiny_backbone, "device": "cpu", "threads": 1, "batch": 8, "epochs": 400,
        "patience": 400, "compare": False,
    }  # fmt: skip
    code = f"""
import os
from pathlib import Path
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.processes.run_series import Series
run = supervisor.start(Path({str(tiny_study.path)!r}), TrainConfig.checked({settings!r}))
for batch in supervisor.follow(run):
    if any(event.type == "epoch" for event in batch):
        break
print(run.path, flush=True)
os._exit(9)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    run = RunFolder.open(Path(printed.strip()))
    for _ in supervisor.watch(run):
        pass
    assert run.status().state == "stopped"
    assert run.tested


def test_that_a_series_that_is_left_cancels_its_run_which_can_go_on(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, epochs=400, patience=400, compare=False)
    with Series() as series:
        for batch in series.train(run):
            if any(event.type == "step" for event in batch):
                break
    assert run.status().state == "interrupted"
    assert run.status().message == ""  # nothing went wrong
    assert run.resumable


def test_that_a_run_at_work_is_not_started_twice(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("training", pid=os.getpid())
    with pytest.raises(RunError, match="training already"):
        supervisor.resume(run)


def test_that_a_run_refused_before_it_began_is_told_and_not_kept(
    tiny_study: Study, tiny_backbone: str
) -> None:
    absent = "mps" if choose_device().kind != "mps" else "cuda"
    config = TrainConfig.checked({"backbone": tiny_backbone, "device": absent})
    told = [event for batch in supervisor.train(tiny_study.path, config) for event in batch]
    assert isinstance(told[-1], Failed)
    assert absent in told[-1].message
    assert list((tiny_study.path / "runs").glob("*")) == []


def test_that_of_two_resumes_at_once_one_goes_on(
    tiny_study: Study, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tiny_study)
    run.set_status("training", pid=4_000_000)
    both = threading.Barrier(2)

    def begin(one: RunFolder, *_: object, **__: object) -> None:
        time.sleep(0.2)  # as long as it takes to start a process
        one.set_status("preparing", pid=os.getpid())

    def go_on() -> str:
        both.wait()
        try:
            supervisor.resume(run)
        except RunError as error:
            return str(error)
        return ""

    monkeypatch.setattr(supervisor, "_begin", begin)
    with ThreadPoolExecutor(2) as pool:
        told = sorted(future.result() for future in [pool.submit(go_on) for _ in range(2)])
    assert told[0] == ""
    assert "training already" in told[1]
