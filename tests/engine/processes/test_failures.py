"""What went wrong, in words."""

import os
from pathlib import Path
from typing import Any, cast

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.processes import pool, supervisor
from prism_desktop.engine.processes.failures import death, ending, told_once
from prism_desktop.engine.processes.messages import CallError
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import FailedRun
from prism_desktop.engine.runs.run_events import Failed


def test_that_runs_that_failed_alike_are_told_in_one_sentence() -> None:
    failed = [
        FailedRun(method="retrieval", seed=0, fold=fold, message="The disk is full.")
        for fold in range(5)
    ]
    other = FailedRun(method="e2p-1", seed=1, fold=0, message="Training ran out of memory.")
    assert told_once([*failed, other]) == [
        "retrieval (seed 0, fold 0), retrieval (seed 0, fold 1), retrieval (seed 0, fold 2) and 2 "
        "more runs failed: The disk is full.",
        "e2p-1 (seed 1, fold 0) failed: Training ran out of memory.",
    ]


def test_that_a_fold_is_not_told_where_there_is_one() -> None:
    failed = [FailedRun(method="retrieval", seed=2, fold=0, message="The disk is full.")]
    assert told_once(failed, str.upper) == ["RETRIEVAL (seed 2) failed: The disk is full."]


@pytest.mark.parametrize(
    ("code", "printed", "words"),
    [
        (-9, "", "most often because memory ran out"),
        (137, "", "most often because memory ran out"),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", "memory ran out"),
        (1, "RuntimeError: could not create a primitive", "memory ran out"),
        (-7, "", "a disk was full or could not be read"),
        (-11, "", "was ended by signal 11"),
        (3, "libraries print what they like", "ended with code 3"),
        (None, "", "ended without a word"),
    ],
)
def test_that_the_way_a_process_died_tells_what_was_short(
    code: int | None, printed: str, words: str, tmp_path: Path
) -> None:
    assert words in ending(code, printed)
    happened, to_do = death(code, RunFolder(tmp_path / "run"), printed)
    assert words in happened
    assert "is kept" in to_do
    assert "resume" in to_do


class _Worker:
    """A worker in which a training ends before, or after, it came to its run."""

    pid = os.getpid()

    def __init__(self, end: CallError | pool.Crash) -> None:
        self._end = end

    def send(self, service: str, arguments: object, handle: Any, orphaned: str = "end") -> int:
        handle(self._end)
        return 0


def test_that_a_training_that_fails_before_it_comes_to_its_run_says_why(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    error = CallError(id=0, message="The run could not be trained. Memory ran out.")
    supervisor.begin_training(cast("pool.Worker", _Worker(error)), run, "stop")
    assert run.status().state == "interrupted"
    told = [event for batch in supervisor.watch(run) for event in batch]
    assert isinstance(told[-1], Failed)
    assert told[-1].message == error.message


def test_that_what_a_dying_training_printed_into_its_log_tells_why_it_died(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, TrainConfig())
    run.log.write_text("x" * 9_000 + "\nlibgomp: Thread creation failed: Resource temporarily "
                       "unavailable\n")  # fmt: skip
    gone = cast("pool.Worker", _Worker(pool.Crash(1, "", wanted=False)))
    gone.pid = 2**22 + 1  # type: ignore[misc]
    supervisor.begin_training(gone, run, "stop")
    assert "ended with code 1, most often because memory ran out" in run.status().message
