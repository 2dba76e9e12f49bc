"""Processes that wait for more work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.events import Done
from prism_desktop.engine.processes import pool, supervisor
from prism_desktop.engine.processes.device_choice import device_in_worker
from prism_desktop.engine.runs.process_identity import is_alive
from prism_desktop.engine.study.store import Study
from tests.fixtures.talking import ENTRY, TalkArguments

pytestmark = pytest.mark.timeout(300)


def _until_dead(pid: int) -> None:
    until = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(pid)


def _responses(worker: pool.Worker, what: str, file: Path) -> list[str]:
    """What kinds of responses come to a call."""
    kinds: list[str] = []
    worker.send(
        "talk",
        TalkArguments(what=what, file=file),
        lambda response: kinds.append(
            "crash" if isinstance(response, pool.Crash) else response.event
        ),
    )
    assert worker.settle(60)
    return kinds


def test_that_a_worker_waits_for_the_next_run_but_not_for_ever(
    tiny_study: Study, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "backbone": tiny_backbone,
        "device": "cpu",
        "threads": 1,
        "max_steps": 2,
        "compare": False,
    }
    *_, found = device_in_worker()
    assert found == Done((choose_device("auto").name, choose_device("auto").why))
    worker = pool.take()
    pool.give_back(worker)
    for _ in range(2):
        run = supervisor.start(tiny_study.path, TrainConfig.checked(settings))
        assert run.status().pid == worker.pid
        for _ in supervisor.follow(run):
            pass
        assert run.status().state == "finished"
        assert worker.settle(60)
    assert pool.take() is worker
    monkeypatch.setattr(pool, "_IDLE_SECONDS", 0.1)
    pool.give_back(worker)
    _until_dead(worker.pid)


def test_that_a_worker_does_one_thing_after_the_other_until_something_unforeseen(
    tmp_path: Path,
) -> None:
    worker, file = pool.Worker(ENTRY), tmp_path / "end"
    for what, last in (("wrong", "error"), ("well", "result"), ("well", "result")):
        assert _responses(worker, what, file) == ["progress", "notice", last]
        assert worker.usable
    assert _responses(worker, "bug", file) == ["progress", "notice", "error"]
    assert not worker.usable
    _until_dead(worker.pid)
    assert _responses(worker, "well", file) == ["crash"]
    pool.give_back(worker)
    other = pool.take()
    assert other is not worker
    other.close()


def test_that_of_a_crash_only_what_the_present_work_printed_is_told(tmp_path: Path) -> None:
    worker = pool.Worker(ENTRY)
    _responses(worker, "well", tmp_path / "end")
    heard: list[object] = []
    worker.send("talk", TalkArguments(what="death", file=tmp_path / "end"), heard.append)
    assert worker.settle(60)
    crash = heard[-1]
    assert isinstance(crash, pool.Crash)
    assert crash.code == 3
    assert crash.printed.count("libraries print what they like") == 1
    worker.close()


def test_that_a_worker_that_died_waiting_is_not_taken() -> None:
    worker = pool.Worker()
    pool.give_back(worker)
    os.kill(worker.pid, signal.SIGKILL)  # such as by a system short of memory
    _until_dead(worker.pid)
    other = pool.take()
    assert other is not worker
    assert other.usable
    other.close()


def test_that_work_goes_on_where_the_folder_at_hand_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    waiting = pool.take()
    pool.give_back(waiting)
    (tmp_path / "gone").rmdir()
    worker = pool.take()
    try:
        assert worker is not waiting
        assert worker.usable
        assert Path(worker.folder).is_dir()
    finally:
        worker.close()


def test_that_of_two_workers_without_work_one_waits() -> None:
    one, two = pool.Worker(), pool.Worker()
    pool.give_back(one)
    pool.give_back(two)
    assert not one.usable
    assert pool.take() is two
    two.close()


@pytest.mark.parametrize(("what", "put_away"), [("well", True), ("long", True), ("stuck", False)])
def test_that_a_worker_ends_with_whoever_started_it(
    tmp_path: Path, what: str, put_away: bool
) -> None:
    code = f"""
import os
import time
from pathlib import Path
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.rpc import receive
from tests.fixtures.talking import ENTRY, TalkArguments
worker = pool.Worker(ENTRY)
arguments = TalkArguments(what={what!r}, file=Path({str(tmp_path / "end")!r}))
events = receive(worker, "talk", arguments, "Starting")  # held, as losing it would cancel the call
while type(next(events)).__name__ != "Notice":
    pass
time.sleep(0.5)  # by then the work goes on from its notice
print(worker.pid, flush=True)
os._exit(9)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    _until_dead(int(printed))
    assert (tmp_path / "end").exists() == put_away
