"""Long use leaves nothing behind: no memory, no handle, no thread, no process."""

import gc
import os
import random
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from tests.soak import budget

pytestmark = pytest.mark.soak
TRIALS = max(1000, round(20_000 * budget.SCALE))
CYCLES = max(4, round(200 * budget.SCALE))


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds now."""

    bytes: int
    handles: int
    threads: int
    processes: int

    @classmethod
    def now(cls) -> "Held":
        """Of this process, its memory with that of its children."""
        gc.collect()
        own = psutil.Process()
        children = own.children(recursive=True)
        memory = sum(process.memory_info().rss for process in (own, *children))
        handles = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0  # noqa: PTH208
        return cls(memory, handles, threading.active_count(), len(children))

    def assert_grown_by(self, before: "Held", megabytes: float) -> None:
        """Fail unless all that grew is some memory."""
        assert self.bytes - before.bytes < megabytes * 1e6, (before, self)
        assert self.handles <= before.handles, (before, self)
        assert self.threads <= before.threads, (before, self)
        assert self.processes <= before.processes, (before, self)


def test_that_twenty_thousand_trials_take_no_more_memory(labeled: Path) -> None:
    dice = random.Random(0)
    with Study.open(labeled) as study:
        images = [image.id for image in study.images()]
        before = None
        for number in range(TRIALS):
            left, right = dice.sample(images, 2)
            answers = {"attractive": dice.choice(["left", "right"]), "smart": "tie"}
            trial = TrialRecord(
                new_id(), "L1", "long", number, "comparison", left, right, answers=answers
            )
            study.record(trial)
            if number % 97 == 0:
                study.withdraw(trial.id)
            if number == TRIALS // 5:  # caches are full by then
                before = Held.now()
        assert before is not None
        Held.now().assert_grown_by(before, 24)
        assert len(study.trials("L1", "comparison", current=False)) == TRIALS + 22
    budget.count("trials", TRIALS)


def test_that_opening_and_closing_again_and_again_leaves_nothing_open(labeled: Path) -> None:
    before = None
    for number in range(CYCLES):
        with Study.open(labeled) as study, Study.open(labeled, read_only=True) as reader:
            assert reader.info().comparison_trials == study.info().comparison_trials
        if number == CYCLES // 5:
            before = Held.now()
    assert before is not None
    Held.now().assert_grown_by(before, 24)


@pytest.mark.timeout(3000)
def test_that_starting_stopping_and_resuming_leaves_nothing_behind(
    labeled: Path, tiny_backbone: str
) -> None:
    settings = {
        "backbone": tiny_backbone, "device": "cpu", "threads": 1, "batch": 8, "epochs": 10_000,
        "patience": 10_000, "compare": False, "checkpoint_seconds": 0.01,
    }  # fmt: skip
    run = supervisor.start(labeled, TrainConfig.checked(settings))
    before = None
    for number in range(CYCLES):
        for event in supervisor.follow(run):
            # interrupted as soon as it learns; what was stopped has been tested
            if getattr(event, "kind", "") == "started" or run.status().state == "training":
                supervisor.end_training(run)
        assert run.status().state == "interrupted", run.status()
        run = supervisor.resume(run)
        if number == CYCLES // 5:
            before = Held.now()
    run.tell("stop")
    for _ in supervisor.follow(run):
        pass
    assert before is not None
    Held.now().assert_grown_by(before, 64)
    checkpoints = sorted(path.name for path in run.path.glob("checkpoints/*"))
    assert len(checkpoints) <= 2, checkpoints
    budget.count("cycles", CYCLES)
