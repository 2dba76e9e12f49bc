"""How long it is from the click to the first step of
a training, and to a new labeler's predictions.

Each time with a worker that is started for it, and with one that waits. The demo study, prism-mini,
the CPU.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prism_desktop.engine.adaptation.adaptation_request import adapt_in_worker
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.demo.demo_study import build_demo
from prism_desktop.engine.processes import pool, supervisor
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Step

TIMES, NEW, SETTLE_SECONDS = 3, "L3", 1.0
QUICK = {"backbone": "prism-mini", "device": "cpu", "epochs": 1, "max_steps": 2, "compare": False}
KNOWN = ("L1", "L2", "L4", "L5", "L6")


def main() -> int:
    """Print medians in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "demo.prism"
        for _ in build_demo(study):
            pass
        _train(study)  # images are decoded once
        run = _train(study, method="hierarchical-bayes", labelers=KNOWN)
        for what, work in (
            ("first step of lora-visual-prompt", lambda: _first_step(study)),
            ("a labeler enters hierarchical-bayes", lambda: _enter(run)),
        ):
            cold = [_timed(work, waiting=False) for _ in range(TIMES)]
            warm = [_timed(work, waiting=True) for _ in range(TIMES)]
            new, waited = statistics.median(cold), statistics.median(warm)
            print(f"{what:<36} new process {new:5.1f} s, waiting one {waited:5.1f} s", flush=True)
    return 0


def _timed(work: Callable[[], float], waiting: bool) -> float:
    time.sleep(SETTLE_SECONDS)  # for the last one's process to wait
    if not waiting:
        pool.close_waiting()
    begun = time.perf_counter()
    return work() - begun


def _train(study: Path, **settings: object) -> RunFolder:
    run = supervisor.start(study, TrainConfig.checked({**QUICK, **settings}))
    for _ in supervisor.follow(run):
        pass
    return run


def _first_step(study: Path) -> float:
    """When the first step was made; the training then goes on to its end."""
    run, first = supervisor.start(study, TrainConfig.checked(QUICK)), 0.0
    for batch in supervisor.follow(run):
        if not first and any(isinstance(event, Step) for event in batch):
            first = time.perf_counter()
    return first


def _enter(run: RunFolder) -> float:
    for _ in adapt_in_worker(run, labeler=NEW):
        pass
    return time.perf_counter()


if __name__ == "__main__":
    sys.exit(main())
