"""What a run's events tell, folded into curves."""

import json
from array import array

import numpy as np
import pytest

from prism_desktop.engine.runs.run_events import (
    Epoch,
    Failed,
    LoggedEvent,
    ProgressTold,
    Resumed,
    Stage,
    Step,
    parse_events,
)
from prism_desktop.ui.train.run_progress import RunProgress, smoothed
from tests.ui import fabricate


def told(epochs: int = 3) -> list[LoggedEvent]:
    rng = np.random.default_rng(0)
    return parsed(
        *fabricate.events("lora-visual-prompt", 10, epochs, ("L1", "L2"), ("smart",), rng)
    )


def parsed(*events: dict) -> list[LoggedEvent]:
    """Events as they are read from their lines."""
    return list(parse_events("\n".join(map(json.dumps, events)).encode()))


def test_that_every_curve_is_filled() -> None:
    progress = RunProgress()
    progress.update(told())
    assert list(progress.val_loss.x) == [1, 2, 3]
    assert len(progress.step_loss.x) == len(progress.step_accuracy.y) == 120
    assert progress.step_loss.x[-1] == 3.0
    assert set(progress.labelers) == {"L1", "L2"}
    assert list(progress.attributes["smart"].val.x) == [1, 2, 3]
    assert (progress.stage, progress.state, progress.epoch, progress.epochs) == (
        "training",
        "training",
        3,
        10,
    )


def test_that_what_a_resumed_run_repeats_replaces_what_was_there() -> None:
    progress = RunProgress()
    events = told()
    progress.update(events)
    again = [event for event in events if isinstance(event, Step | Epoch) and event.epoch in (2, 3)]
    progress.update([Resumed(epoch=2, step=41), *again])
    assert list(progress.val_loss.x) == [1, 2, 3]
    assert list(progress.step_loss.x) == sorted(set(progress.step_loss.x))
    assert len(progress.step_loss.x) == 120


def test_that_a_failure_is_told_until_a_new_process_starts() -> None:
    progress = RunProgress()
    progress.update(
        [
            *told(),
            Failed(message="No memory.", advice="Smaller batch.", time=1.0),
        ]
    )
    assert (progress.state, progress.message, progress.advice) == (
        "failed",
        "No memory.",
        "Smaller batch.",
    )
    assert progress.log[-1][2] == "No memory. Smaller batch."
    progress.update([Stage(name="preparing", process="started", time=2.0)])
    assert (progress.state, progress.message) == ("preparing", "")


def test_that_the_consensus_training_says_how_far_it_is_until_the_run_itself_begins() -> None:
    progress = RunProgress()
    event = ProgressTold(done=30, total=120, what="Training the consensus model, epoch 2")
    progress.update([Stage(name="consensus"), event])
    assert progress.working == "Training the consensus model, epoch 2 (25%)"
    progress.update(told())
    assert progress.working == ""


def test_that_the_time_left_counts_the_run_that_follows_the_consensus() -> None:
    progress = RunProgress()
    progress.update([Stage(name="consensus", run="r-consensus")])
    assert progress.companion == "r-consensus"
    what = "Training the consensus model, epoch 1"
    progress.update(
        [ProgressTold(done=n, total=100, what=what, time=2.0 * n) for n in range(1, 41)]
    )
    assert progress.eta_seconds == pytest.approx(2.0 * (60 + 100))
    progress.update([ProgressTold(done=5, total=600, what="Predicting", time=90.0)])
    assert progress.eta_seconds == pytest.approx(2.0 * (60 + 100))


def test_that_a_new_stage_forgets_the_time_left_of_the_one_before() -> None:
    progress = RunProgress()
    progress.update([*told(), Stage(name="predicting", time=9.0)])
    assert (progress.eta_seconds, progress.companion) == (None, "")


def test_that_unknown_and_incomplete_events_are_passed_over() -> None:
    progress = RunProgress()
    progress.update(
        parsed(
            {"type": "sparkle"},
            {},
            {"type": "step", "epoch": 1, "step": 1, "loss": None, "accuracy": 0.5},
        )
    )
    assert not len(progress.step_loss.x)
    assert list(progress.step_accuracy.y) == [0.5]


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.99])
def test_that_smoothing_keeps_a_constant_and_starts_without_bias(weight: float) -> None:
    assert list(smoothed(array("d", [2.0] * 5), weight)) == pytest.approx([2.0] * 5)
    assert smoothed(array("d", [1.0, 3.0]), weight)[0] == pytest.approx(1.0)
