"""The progress of a run: its stage, curves and log, folded from `events.jsonl` event by event."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.result_files import Counts
from prism_desktop.engine.runs.run_events import (
    Epoch,
    Failed,
    Finished,
    NoticeTold,
    Paused,
    ProgressTold,
    Resumed,
    RunEvent,
    Stage,
    Started,
    Step,
    Stopped,
    ToldEvent,
)

STAGES = ("preparing", "consensus", "training", "predicting", "evaluating")
# stages that the strip does not show by themselves: a combination's members are its training
_PART_OF = {"member": "training"}
_STATE_AFTER = {
    "paused": "paused",
    "resumed": "training",
    "finished": "finished",
    "stopped": "stopped",
}
_STAGE_NOTES = {
    "preparing": "Starting the training's process.",
    "consensus": "Training the consensus model first: the baseline to beat.",
    "member": "Training a member of the combination.",
    "training": "Training begins.",
    "predicting": "Predicting every labeler's answers with the best epoch.",
    "evaluating": "Testing on what was held out.",
}
_STEPS_BEFORE_ESTIMATE = 8  # steps before a time left is told


def _floats() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class Trace:
    """One curve: x in epochs, y in its own unit, both float64 and equally long."""

    x: "array[float]" = field(default_factory=_floats)
    y: "array[float]" = field(default_factory=_floats)

    def add(self, x: float, y: object) -> None:
        """Append a point if it has a value.

        What lies at or after `x` (a resumed run repeats it) is dropped first.
        """
        if not isinstance(y, int | float):
            return
        if self.x and self.x[-1] >= x:
            keep = bisect_left(self.x, x)
            del self.x[keep:]
            del self.y[keep:]
        self.x.append(x)
        self.y.append(float(y))

    @property
    def last(self) -> float | None:
        """The newest value, or None before the first."""
        return self.y[-1] if self.y else None

    def at(self, x: float) -> float | None:
        """The value at a point, or None where there is none."""
        place = bisect_left(self.x, x)
        return self.y[place] if place < len(self.x) and self.x[place] == x else None


@dataclass(slots=True)
class PartCurves:
    """The curves of one labeler or attribute."""

    train: Trace = field(default_factory=Trace)
    val: Trace = field(default_factory=Trace)
    count: int = 0  # validation pairs behind `val`


@dataclass(slots=True)
class RunProgress:
    """Everything the window shows of one run while it goes on."""

    state: str = "preparing"
    stage: str = "preparing"
    method: str = ""
    device: str = ""
    device_why: str = ""
    companion: str = ""  # the consensus run that is trained first, while it is
    parameters: dict[str, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    epochs: int = 0  # at most
    steps_per_epoch: int = 0
    epoch: int = 0  # the one being trained, from 1
    step_loss: Trace = field(default_factory=Trace)
    step_accuracy: Trace = field(default_factory=Trace)
    train_loss: Trace = field(default_factory=Trace)
    train_accuracy: Trace = field(default_factory=Trace)
    val_loss: Trace = field(default_factory=Trace)
    val_accuracy: Trace = field(default_factory=Trace)
    labelers: dict[str, PartCurves] = field(default_factory=dict)
    attributes: dict[str, PartCurves] = field(default_factory=dict)
    best_epoch: int | None = None
    images_per_second: float | None = None
    eta_seconds: float | None = None
    # what goes on before the first step: "Training the consensus model, epoch 3 (40%)"
    working: str = ""
    # (unix time, done, total) from which the time left is reckoned
    pace: tuple[float, int, int] | None = None
    log: list[tuple[float, str, str]] = field(default_factory=list)  # (unix time, kind, sentence)
    message: str = ""
    advice: str = ""
    by_steps: bool = True  # whether it learns step by step, as its consensus does
    heard: bool = False  # whether what it told was read; until then nothing is known

    @property
    def has_curves(self) -> bool:
        """Whether there is more than a single point to draw."""
        return bool(self.step_loss.x) or len(self.val_loss.x) > 1

    @property
    def now(self) -> str:
        """What a run that goes on does: one of `STAGES`, or "paused"."""
        if self.state == "paused":
            return self.state
        return self.stage if self.stage in STAGES else _PART_OF.get(self.stage, "training")

    def update(self, events: Iterable[ToldEvent]) -> None:
        """Fold events in, oldest first; those that say nothing of the run are passed over."""
        self.heard = True
        for event in events:
            self._receive(event)

    def at(self, step: int) -> float:
        """Where a step lies on the common axis, in epochs, so
        that runs of different batch sizes can be overlaid."""
        return step / self.steps_per_epoch if self.steps_per_epoch else float(step)

    def note(self, event: RunEvent, kind: str, text: str) -> None:
        """Keep a line for the log."""
        self.log.append((event.time, kind, text))

    def _receive(self, event: ToldEvent) -> None:
        """Hand an event to what folds its kind; any other kind says nothing that is shown."""
        match event:
            case Step():
                _on_step(self, event)
            case Epoch():
                _on_epoch(self, event)
            case ProgressTold():
                _on_progress(self, event)
            case Started():
                _on_started(self, event)
            case Stage():
                _on_stage(self, event)
            case NoticeTold():
                self.note(event, "notice", event.text)
            case Paused() | Resumed() | Finished() | Stopped():
                _on_state(self, event)
            case Failed():
                _on_failed(self, event)


def _on_started(progress: RunProgress, event: Started) -> None:
    progress.method = event.method
    progress.device = event.device_name or event.device
    progress.parameters = event.parameters
    progress.device_why = event.device_why
    progress.counts = event.counts
    progress.epochs = event.epochs
    progress.steps_per_epoch = event.steps_per_epoch
    progress.state, progress.message, progress.advice, progress.working = "training", "", "", ""
    trainable = progress.parameters.get("trainable")
    size = f", {counted(trainable, 'trainable parameter')}" if trainable else ""
    progress.note(event, "stage", f"Started {progress.method} on {progress.device}{size}.")


def _on_progress(progress: RunProgress, event: ProgressTold) -> None:
    done, total = event.done, event.total or 0
    share = f" ({min(1.0, done / total):.0%})" if total else ""
    progress.working = f"{event.what}{share}"
    # Only a training that the run's own follows tells of the whole. Elsewhere what is counted is
    # one of several things to come, and the rest of it would pass for the rest of the run.
    if progress.stage != "consensus" or not event.what.startswith("Training"):
        return
    now = event.time
    if progress.pace is None or progress.pace[2] != total or done < progress.pace[1]:
        progress.pace = (now, done, total)
    begun, first, _ = progress.pace
    if done - first >= _STEPS_BEFORE_ESTIMATE:
        # the run itself has about as many steps, or none
        ahead = total if progress.by_steps else 0
        progress.eta_seconds = (now - begun) / (done - first) * (total - done + ahead)


def _on_stage(progress: RunProgress, event: Stage) -> None:
    progress.stage, progress.working = event.name, ""
    progress.companion, progress.pace, progress.eta_seconds = event.run, None, None
    # a new process works on the run, maybe after one that failed
    if event.process == "started":
        progress.state, progress.message, progress.advice = "preparing", "", ""
        progress.working = (
            "Starting a process for the training; loading its libraries takes some seconds"
        )
    progress.note(event, "stage", _STAGE_NOTES.get(progress.stage, f"Stage: {progress.stage}."))


def _on_step(progress: RunProgress, event: Step) -> None:
    x = progress.at(event.step)
    progress.step_loss.add(x, event.loss)
    progress.step_accuracy.add(x, event.accuracy)
    progress.epoch = event.epoch
    progress.images_per_second = event.images_per_second
    progress.eta_seconds = event.eta_seconds


def _on_epoch(progress: RunProgress, event: Epoch) -> None:
    """The curves of the run, its labelers and attributes grow by an epoch."""
    epoch, train, val = event.epoch, event.train, event.val
    progress.epoch = epoch
    progress.train_loss.add(epoch, train.get("loss"))
    progress.train_accuracy.add(epoch, train.get("accuracy"))
    progress.val_loss.add(epoch, val.get("nll"))
    progress.val_accuracy.add(epoch, val.get("accuracy"))
    if event.best:
        progress.best_epoch = epoch
    for curves, parts in (
        (progress.labelers, event.per_labeler),
        (progress.attributes, event.per_attribute),
    ):
        for name, values in parts.items():
            small = curves.setdefault(name, PartCurves())
            small.train.add(epoch, values.get("train_accuracy"))
            small.val.add(epoch, values.get("val_accuracy"))
            small.count = int(values.get("n") or 0)
    nll, accuracy = val.get("nll"), val.get("accuracy")
    if nll is not None and accuracy is not None:
        mark = ", the best so far" if event.best else ""
        progress.note(
            event,
            "epoch",
            f"Epoch {epoch}: validation loss {nll:.3f}, accuracy {accuracy:.1%}{mark}.",
        )


def _on_state(progress: RunProgress, event: Paused | Resumed | Finished | Stopped) -> None:
    progress.state, progress.pace = _STATE_AFTER[event.type], None
    if isinstance(event, Finished | Stopped):
        progress.best_epoch, progress.eta_seconds = event.best_epoch, None
    kept = getattr(event, "best_epoch", None) is not None
    stopped = "Stopped; the best epoch was kept." if kept else "Stopped before it was tested."
    progress.note(
        event, "stage", stopped if isinstance(event, Stopped) else f"{event.type.capitalize()}."
    )


def _on_failed(progress: RunProgress, event: Failed) -> None:
    progress.state, progress.eta_seconds = "failed", None
    progress.message, progress.advice = event.message, event.advice
    progress.note(event, "failure", " ".join(filter(None, (event.message, event.advice))))


def smoothed(values: "array[float]", weight: float) -> "array[float]":
    """Exponential moving average without the start's bias, as in TensorBoard; weight in [0, 1)."""
    result, total, norm = array("d"), 0.0, 0.0
    for value in values:
        total = total * weight + value * (1 - weight)
        norm = norm * weight + (1 - weight)
        result.append(total / norm)
    return result
