"""What a training tells while it goes on; each event is one line of the run's events.jsonl."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prism_desktop.engine.events import Notice, Progress


@dataclass(frozen=True, slots=True)
class Started:
    """The model is built and the first step follows."""

    method: str
    device: str  # "cpu", "cuda", "mps"
    device_name: str  # for a reader
    parameters: Mapping[str, int]  # lora, tokens, trainable
    counts: Mapping[str, int]  # answers by split, labelers, attributes, images
    epochs: int  # at most
    steps_per_epoch: int
    device_why: str = ""  # one sentence


@dataclass(frozen=True, slots=True)
class Stage:
    """What the run does from now on: preparing, consensus,
    member, training, predicting, evaluating."""

    name: str
    run: str = ""  # the sibling run that is trained in the stages "consensus" and "member"


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step."""

    epoch: int  # from 1
    step: int  # from 1, over all epochs
    loss: float  # of the batch, weighted mean in nats
    accuracy: float | None  # of the batch; None if it holds only ties
    lr: float  # of the first parameter group
    images_per_second: float
    eta_seconds: float | None  # to the end of all epochs; early stopping may come before


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training answers, and its validation."""

    epoch: int  # from 1
    step: int
    train: Mapping[str, float | int | None]  # loss, accuracy: running means over the epoch
    # nll and accuracy: mean over labelers; micro: accuracy over answers
    val: Mapping[str, float | int | None]
    # train_accuracy, val_accuracy, val_nll, n
    per_labeler: Mapping[str, Mapping[str, float | int | None]]
    per_attribute: Mapping[str, Mapping[str, float | int | None]]
    seconds: float  # of the epoch, with its validation
    best: bool  # lowest validation nll so far


@dataclass(frozen=True, slots=True)
class Paused:
    """The process waits; its memory stays in use."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Training goes on, after a pause or from a checkpoint."""

    epoch: int
    step: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The results are written."""

    best_epoch: int | None
    summary: Mapping[str, Any] | None  # as in summary.json


@dataclass(frozen=True, slots=True)
class Stopped:
    """The user ended the training; the best epoch so far was kept and evaluated."""

    best_epoch: int | None
    summary: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Discarded:
    """The user ended the training and nothing was kept."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Training could not go on."""

    message: str  # what happened
    advice: str  # what to do
    refused: bool = False  # for what was asked, before anything was trained


TrainingEvent = (
    Started
    | Stage
    | Step
    | Epoch
    | Paused
    | Resumed
    | Finished
    | Stopped
    | Discarded
    | Failed
    | Notice
    | Progress
)


def as_json(event: TrainingEvent) -> dict[str, Any]:
    """The event as a line of events.jsonl holds it."""
    return {"type": type(event).__name__.lower(), "time": time.time(), **asdict(event)}
