"""Processes that wait for more work."""

import os
import queue
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
from prism_desktop.engine.runs.processes_alive import alive
from prism_desktop.engine.study.store import Study

pytestmark = pytest.mark.timeout(300)
TALKING = "tests.fixtures.talking"


def _until_dead(pid: int) -> None:
    until = time.monotonic() + 60
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def _heard(answers: "queue.SimpleQueue[pool.Message | None]") -> list[str]:
    """What kinds of messages come, to the last."""
    kinds: list[str] = []
    while not kinds or kinds[-1] not in ("ended", "died"):
        message = answers.get(timeout=60)
        kinds.append(message["event"] if message is not None else "died")
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
    worker, file = pool.Worker(), str(tmp_path / "end")
    for what, last in (("wrong", "error"), ("well", "result"), ("well", "result")):
        assert _heard(worker.ask(TALKING, [what, file])) == ["progress", "notice", last, "ended"]
        assert worker.usable
    assert _heard(worker.ask(TALKING, ["bug", file])) == ["progress", "notice", "error", "ended"]
    assert not worker.usable
    # what was printed before is not told again
    assert worker.printed().count("libraries print what they like") == 1
    assert "ZeroDivisionError" in worker.printed()
    pool.give_back(worker)
    other = pool.take()
    assert other is not worker
    other.close()


def test_that_a_worker_that_died_waiting_is_not_taken() -> None:
    worker = pool.Worker()
    pool.give_back(worker)
    os.kill(worker.pid, signal.SIGKILL)  # such as by a system short of memory
    _until_dead(worker.pid)
    other = pool.take()
    assert other is not worker
    assert other.usable
    other.close()


def test_that_of_two_workers_without_work_one_waits() -> None:
    one, two = pool.Worker(), pool.Worker()
    pool.give_back(one)
    pool.give_back(two)
    assert not one.usable
    assert pool.take() is two
    two.close()


def test_that_a_worker_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "from prism_desktop.engine.processes import pool\nworker = pool.Worker()\nheard = "
        f"worker.ask({TALKING!r}, ['well', {str(tmp_path / 'end')!r}])\nwhile heard.get()['event'] "
        "!= 'ended':\n    pass\nprint(worker.pid, flush=True)\nimport os\nos._exit(9)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    _until_dead(int(told))
