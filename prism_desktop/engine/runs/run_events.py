"""What runs and comparisons tell while they go on.

Each event of a run is one line of its events.jsonl; those of a comparison, and the name of a run,
are told beside them, to whoever follows.
"""

import time
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, TypeAdapter, ValidationError

from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.runs.result_files import Counts, Parameters, Summary
from prism_desktop.engine.runs.stored import Count, Moment, Positive, Share, Stored

# Of losses and accuracies, and of counts n; None where there is nothing to average.
Means = dict[str, float | int | None]


class RunEvent(Stored):
    """An event; `type` tells its class in JSON."""

    time: Moment = 0.0  # unix seconds; of one that is written, when it was


class Started(RunEvent):
    """The model is built and the first step follows."""

    type: Literal["started"] = "started"
    method: str = ""
    device: str = ""  # "cpu", "cuda", "mps"
    device_name: str = ""  # for a reader
    parameters: Parameters = {}  # lora, tokens, trainable
    counts: Counts = Counts()
    epochs: Count = 0  # at most
    steps_per_epoch: Count = 0
    device_why: str = ""  # one sentence


class Stage(RunEvent):
    """What the run does from now on: preparing, consensus,
    member, training, predicting, evaluating, baselines."""

    type: Literal["stage"] = "stage"
    name: str = ""
    run: str = ""  # the run that is trained in the stages "consensus" and "member"
    # "started": a new process works on the run
    process: Literal["", "started"] = Field(default="", exclude_if=lambda process: not process)


class Step(RunEvent):
    """One optimizer step."""

    type: Literal["step"] = "step"
    epoch: Count  # from 1; 0 is a start in closed form, before any pass
    step: Count  # from 1, over all epochs
    loss: float | None = None  # of the batch, weighted mean in nats
    accuracy: Share | None = None  # of the batch; None if it holds only ties
    lr: Positive | None = None  # of the first parameter group
    images_per_second: Positive | None = None
    eta_seconds: Positive | None = None  # to the end of all epochs; early stopping may come before


class Epoch(RunEvent):
    """One pass over the training answers, and its validation."""

    type: Literal["epoch"] = "epoch"
    epoch: Count  # from 1; 0 is a start in closed form, before any pass
    step: Count = 0
    train: Means = {}  # loss, accuracy: running means over the epoch
    val: Means = {}  # nll and accuracy: mean over labelers; micro: accuracy over answers
    per_labeler: dict[str, Means] = {}  # train_accuracy, val_accuracy, val_nll, n
    per_attribute: dict[str, Means] = {}
    seconds: Positive | None = None  # of the epoch, with its validation
    best: bool = False  # lowest validation nll so far


class Paused(RunEvent):
    """The process waits; its memory stays in use."""

    type: Literal["paused"] = "paused"


class Resumed(RunEvent):
    """Training goes on, after a pause or from a checkpoint."""

    type: Literal["resumed"] = "resumed"
    epoch: Count = 0
    step: Count = 0


def _dumped(summary: Summary | None) -> object:
    return None if summary is None else summary.dump()


# Results as summary.json holds them: only what was given.
Results = Annotated[Summary | None, PlainSerializer(_dumped)]


class Finished(RunEvent):
    """The results are written."""

    type: Literal["finished"] = "finished"
    best_epoch: Count | None = None
    summary: Results = None


class Stopped(RunEvent):
    """The user ended the training; the best epoch so far was kept and evaluated."""

    type: Literal["stopped"] = "stopped"
    best_epoch: Count | None = None
    summary: Results = None


class Discarded(RunEvent):
    """The user ended the training and nothing was kept."""

    type: Literal["discarded"] = "discarded"


class Failed(RunEvent):
    """Training could not go on."""

    type: Literal["failed"] = "failed"
    message: str = ""  # what happened
    advice: str = ""  # what to do
    refused: bool = False  # for what was asked, before anything was trained


class NoticeTold(RunEvent):
    """A `Notice` of the training."""

    type: Literal["notice"] = "notice"
    text: str = ""


class ProgressTold(RunEvent):
    """A `Progress` of the training."""

    type: Literal["progress"] = "progress"
    done: Count = 0
    total: Count | None = None
    what: str = ""


class RunNamed(RunEvent):
    """Which run it is whose events follow."""

    type: Literal["run"] = "run"
    path: str
    name: str


class ComparisonBegun(RunEvent):
    """A comparison's data are taken, and its runs follow."""

    type: Literal["comparison"] = "comparison"
    path: str
    runs: int  # in all
    task: Literal["judging", "writing"] = "judging"  # that the methods learn
    remarks: tuple[str, ...] = ()  # how methods are compared, a sentence each
    left_out: dict[str, str] = {}  # methods, with the reason


ItemState = Literal["reused", "resumed", "new"]


class ItemBegun(RunEvent):
    """A comparison comes to one of its runs, whose events follow."""

    type: Literal["item"] = "item"
    number: int  # from 1
    runs: int
    method: str
    settings: dict[str, str] = {}  # that a grid varies
    seed: int
    fold: int
    run: str  # its folder
    state: ItemState

    def ended(self, failure: str) -> "ItemEnded":
        """That the comparison is done with it now."""
        return ItemEnded(
            number=self.number,
            runs=self.runs,
            method=self.method,
            settings=self.settings,
            seed=self.seed,
            fold=self.fold,
            failure=failure,
            time=time.time(),
        )


class ItemEnded(RunEvent):
    """A comparison is done with one of its runs."""

    type: Literal["item-ended"] = "item-ended"
    number: int
    runs: int
    method: str
    settings: dict[str, str] = {}  # that a grid varies
    seed: int
    fold: int
    failure: str = ""  # one sentence


class Compared(RunEvent):
    """A comparison has come to its end."""

    type: Literal["compared"] = "compared"
    path: str


# What a training yields; progress and notices are those of all long work.
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
# What a run's events.jsonl holds.
LoggedEvent = (
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
    | NoticeTold
    | ProgressTold
)
# What is told to whoever follows a run or a comparison, in batches, oldest first.
ToldEvent = LoggedEvent | RunNamed | ComparisonBegun | ItemBegun | ItemEnded | Compared
Batch = list[ToldEvent]


@cache
def _line() -> TypeAdapter[LoggedEvent]:
    """Made when the first line is read, so that importing this stays quick."""
    return TypeAdapter(Annotated[LoggedEvent, Field(discriminator="type")])


def logged(event: TrainingEvent) -> LoggedEvent:
    """The event as events.jsonl holds it."""
    if isinstance(event, Notice):
        return NoticeTold(text=event.text)
    if isinstance(event, Progress):
        return ProgressTold(done=event.done, total=event.total, what=event.what)
    return event


def parse_events(block: bytes) -> Iterator[LoggedEvent]:
    """The events in whole lines of events.jsonl.

    A line that a killed process cut short, or whose type this version does not know, is passed
    over.
    """
    read = _line().validate_json
    for line in block.splitlines():
        try:
            yield read(line, extra="ignore")
        except ValidationError:
            continue
