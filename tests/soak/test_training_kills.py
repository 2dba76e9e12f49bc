"""Long fault tests of training, run by `make soak`."""

import os
import random
import signal
import threading
import time

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun

pytestmark = pytest.mark.soak


def test_that_a_training_killed_again_and_again_ends_at_the_same_bits(
    tiny_study: Study, make_run: MakeRun, tiny_backbone: str, train_here: object
) -> None:
    settings = {
        "backbone": tiny_backbone, "device": "cpu", "threads": 1, "batch": 8, "epochs": 12,
        "patience": 12,
        "compare": False, "checkpoint_seconds": 0.01,
    }  # fmt: skip
    dice = random.Random(0)
    run = supervisor.start(tiny_study.path, TrainConfig.checked(settings))
    for _ in range(12):
        killer = threading.Thread(target=_kill_after, args=(run, dice.uniform(0.0, 1.5)))
        killer.start()
        for _ in supervisor.follow(run):
            pass
        killer.join()
        if run.status().state == "finished":
            break
        run = supervisor.resume(run)
    for _ in supervisor.follow(run):
        pass
    assert run.status().state == "finished"
    straight = make_run(tiny_study, **settings)
    train_here(straight)  # type: ignore[operator]
    assert run.predictions().equals(straight.predictions())


def _kill_after(run: RunFolder, seconds: float) -> None:
    """Kill the run's process some time after it began to work, at whatever it does then."""
    while run.status().state == "preparing":
        time.sleep(0.01)
    time.sleep(seconds)
    status = run.status()
    if status.state == "training" and status.pid:
        os.kill(status.pid, signal.SIGKILL)
