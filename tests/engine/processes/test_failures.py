"""What went wrong, in words."""

from prism_desktop.engine.processes.failures import told_once
from prism_desktop.engine.runs.result_files import FailedRun


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
