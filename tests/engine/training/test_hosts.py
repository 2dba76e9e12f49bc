"""Processes that wait for more work."""

import os
import signal
import time
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training import hosts, supervisor
from prism_desktop.engine.training.devices import device_in_child
from prism_desktop.engine.training.process import alive

pytestmark = pytest.mark.timeout(300)


def _until_dead(pid: int) -> None:
    until = time.monotonic() + 60
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def test_that_a_process_waits_for_the_next_run_but_not_for_ever(
    tiny_study: Study, tiny_backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"backbone": tiny_backbone, "device": "cpu", "threads": 1, "max_steps": 2, "compare": False}

    def train() -> int:
        """Train a run; the process that did it."""
        process = 0
        run = supervisor.start(tiny_study.path, TrainConfig.checked(settings))
        for _ in supervisor.follow(run):
            process = process or run.status().pid or 0
        assert run.status().state == "finished"
        assert (run.path / "events.jsonl").read_text().count('"process": "started"') == 1
        return process

    *_, found = device_in_child()
    assert found == Done((choose_device("auto").name, choose_device("auto").why))
    host = hosts.take()
    hosts.give_back(host)
    first = host.pid
    assert [train(), train()] == [first, first]
    assert hosts.take() is host
    monkeypatch.setattr(hosts, "_IDLE_SECONDS", 0.1)
    hosts.give_back(host)
    _until_dead(first)


def test_that_a_process_that_died_waiting_is_not_taken(tmp_path: Path) -> None:
    host = hosts.Host(tmp_path / "log.txt")
    hosts.give_back(host)
    os.kill(host.pid, signal.SIGKILL)  # such as by a system short of memory
    _until_dead(host.pid)
    other = hosts.take()
    assert other is not host
    assert other.alive
    other.close()


def test_that_of_two_processes_that_are_free_one_waits(tmp_path: Path) -> None:
    one, two = hosts.Host(tmp_path / "log.txt"), hosts.Host(tmp_path / "log.txt")
    hosts.give_back(one)
    hosts.give_back(two)
    assert not one.alive
    assert hosts.take() is two
    two.close()
