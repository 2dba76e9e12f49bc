"""Trainings whose process is within one long computation and hears nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.processes import begun_trainings, pool, supervisor
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.process_identity import is_alive
from prism_desktop.engine.runs.run_events import Stage
from prism_desktop.engine.runs.run_list import list_runs
from tests.fixtures.talking import ENTRY

pytestmark = pytest.mark.timeout(120)


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    assert true()


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[tuple[RunFolder, pool.Worker]]:
    """A closed form that computes, and the process it does so in."""
    run = RunFolder.create(tmp_path, TrainConfig(method="hierarchical-bayes"))
    run.set_status("preparing", pid=os.getpid())
    worker = pool.Worker(ENTRY)
    supervisor.begin_training(worker, run, "stop", lambda worker: None)
    _until(lambda: run.status().state == "training")
    yield run, worker
    worker.close()
    assert worker.settle(60)


def test_that_a_computation_that_does_not_hear_a_discard_is_ended_and_goes_with_what_it_trained(
    stuck: tuple[RunFolder, pool.Worker],
) -> None:
    run, worker = stuck
    begun, finished, elsewhere = (RunFolder.create(run.study, TrainConfig()) for _ in range(3))
    begun.set_status("training", pid=worker.pid)
    finished.set_status("finished")
    elsewhere.set_status("training", pid=os.getpid())
    log = EventLog(run)
    for name in (begun.name, finished.name, elsewhere.name, "../..", "", "gone"):
        log.write(Stage(name="consensus", run=name))
    log.close()
    supervisor.discard(run)
    assert [event.type for batch in supervisor.watch(run) for event in batch][-1] == "discarded"
    _until(lambda: not run.path.exists())
    _until(lambda: not is_alive(worker.pid))
    assert {row.name for row in list_runs(run.study)} == {finished.name, elsewhere.name}


def test_that_a_computation_that_does_not_hear_a_stop_is_ended_and_may_be_resumed(
    stuck: tuple[RunFolder, pool.Worker],
) -> None:
    run, worker = stuck
    supervisor.stop(run)
    _until(lambda: not is_alive(worker.pid))
    _until(lambda: run.status().state == "stopped")
    assert run.resumable
    assert "before it was tested" in run.status().message


def test_that_no_computation_outlives_the_window_by_more_than_was_promised(
    stuck: tuple[RunFolder, pool.Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, worker = stuck
    monkeypatch.setattr(begun_trainings, "END_SECONDS", 0.2)
    supervisor.end_trainings()
    assert not is_alive(worker.pid)
    assert run.status().state == "interrupted"
    assert run.resumable


def test_that_a_process_ends_although_a_thread_of_it_goes_on() -> None:
    code = """
import threading, time
from prism_desktop.engine.processes.last_resort import leave_within
threading.Thread(target=time.sleep, args=[100]).start()
leave_within(0.1)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 75


def test_that_a_run_that_ended_is_deleted_whole(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("finished")
    supervisor.discard(run)
    assert not run.path.exists()


def test_that_a_run_told_to_be_discarded_whose_process_died_is_deleted(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.set_status("training", pid=4_000_000)
    run.tell("discard")
    assert run.status().state == "discarded"
    supervisor.discard(run)
    assert not run.path.exists()
