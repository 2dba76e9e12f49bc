"""The progress of a run: its stage, curves and log, folded from `events.jsonl` event by event."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STAGES = ("preparing", "consensus", "training", "predicting", "evaluating")
_STATE_AFTER = {
    "paused": "paused",
    "resumed": "training",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
}
_STAGE_NOTES = {
    "preparing": "Starting the training's process.",
    "consensus": "Training the consensus model first: the baseline to beat.",
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
    counts: dict[str, Any] = field(default_factory=dict)
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
    # what goes on before the first step: "Training the consensus model, epoch 3 (40 %)"
    working: str = ""
    # (unix time, done, total) from which the time left is reckoned
    pace: tuple[float, int, int] | None = None
    log: list[tuple[float, str, str]] = field(default_factory=list)  # (unix time, kind, sentence)
    message: str = ""
    advice: str = ""

    def update(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Fold events in, oldest first; kinds unknown to this version are passed over."""
        for event in events:
            handle = _HANDLERS.get(str(event.get("type")))
            if handle is not None:
                handle(self, event)

    def at(self, event: Mapping[str, Any]) -> float:
        """Where a step lies on the common axis, in epochs, so
        that runs of different batch sizes can be overlaid."""
        step = float(event.get("step", 0))
        return step / self.steps_per_epoch if self.steps_per_epoch else step

    def note(self, event: Mapping[str, Any], kind: str, text: str) -> None:
        """Keep a line for the log."""
        self.log.append((float(event.get("time", 0.0)), kind, text))


def _on_started(progress: RunProgress, event: Mapping[str, Any]) -> None:
    progress.method = str(event.get("method", ""))
    progress.device = str(event.get("device_name") or event.get("device") or "")
    progress.parameters = dict(event.get("parameters") or {})
    progress.device_why = str(event.get("device_why") or "")
    progress.counts = dict(event.get("counts") or {})
    progress.epochs = int(event.get("epochs") or 0)
    progress.steps_per_epoch = int(event.get("steps_per_epoch") or 0)
    progress.state, progress.message, progress.advice, progress.working = "training", "", "", ""
    trainable = progress.parameters.get("trainable")
    size = f", {trainable:,} trainable parameters" if trainable else ""
    progress.note(event, "stage", f"Started {progress.method} on {progress.device}{size}.")


def _on_progress(progress: RunProgress, event: Mapping[str, Any]) -> None:
    done, total, what = (
        int(event.get("done") or 0),
        int(event.get("total") or 0),
        str(event.get("what") or ""),
    )
    share = f" ({min(1.0, done / total):.0%})" if total else ""
    progress.working = f"{what}{share}"
    if progress.stage == "consensus" and not what.startswith("Training"):
        return  # the little things around it say nothing of the whole
    now = float(event.get("time", 0.0))
    if progress.pace is None or progress.pace[2] != total or done < progress.pace[1]:
        progress.pace = (now, done, total)
    begun, first, _ = progress.pace
    if done - first >= _STEPS_BEFORE_ESTIMATE:
        ahead = (
            total if progress.stage == "consensus" else 0
        )  # the run itself has about as many steps
        progress.eta_seconds = (now - begun) / (done - first) * (total - done + ahead)


def _on_stage(progress: RunProgress, event: Mapping[str, Any]) -> None:
    progress.stage, progress.working = str(event.get("name", "")), ""
    progress.companion, progress.pace, progress.eta_seconds = (
        str(event.get("run") or ""),
        None,
        None,
    )
    # a new process works on the run, maybe after one that failed
    if event.get("process") == "started":
        progress.state, progress.message, progress.advice = "preparing", "", ""
        progress.working = (
            "Starting a process for the training; loading its libraries takes some seconds"
        )
    progress.note(event, "stage", _STAGE_NOTES.get(progress.stage, f"Stage: {progress.stage}."))


def _on_step(progress: RunProgress, event: Mapping[str, Any]) -> None:
    x = progress.at(event)
    progress.step_loss.add(x, event.get("loss"))
    progress.step_accuracy.add(x, event.get("accuracy"))
    progress.epoch = int(event.get("epoch") or 0)
    progress.images_per_second = event.get("images_per_second")
    progress.eta_seconds = event.get("eta_seconds")


def _on_epoch(progress: RunProgress, event: Mapping[str, Any]) -> None:
    """The curves of the run, its labelers and attributes grow by an epoch."""
    epoch = int(event.get("epoch") or 0)
    train, val = event.get("train") or {}, event.get("val") or {}
    progress.epoch = epoch
    progress.train_loss.add(epoch, train.get("loss"))
    progress.train_accuracy.add(epoch, train.get("accuracy"))
    progress.val_loss.add(epoch, val.get("nll"))
    progress.val_accuracy.add(epoch, val.get("accuracy"))
    if event.get("best"):
        progress.best_epoch = epoch
    for curves, key in ((progress.labelers, "per_labeler"), (progress.attributes, "per_attribute")):
        for name, values in (event.get(key) or {}).items():
            small = curves.setdefault(str(name), PartCurves())
            small.train.add(epoch, values.get("train_accuracy"))
            small.val.add(epoch, values.get("val_accuracy"))
            small.count = int(values.get("n") or 0)
    nll, accuracy = val.get("nll"), val.get("accuracy")
    if nll is not None and accuracy is not None:
        mark = ", the best so far" if event.get("best") else ""
        progress.note(
            event,
            "epoch",
            f"Epoch {epoch}: validation loss {nll:.3f}, accuracy {accuracy:.1%}{mark}.",
        )


def _on_notice(progress: RunProgress, event: Mapping[str, Any]) -> None:
    progress.note(event, "notice", str(event.get("text", "")))


def _on_state(progress: RunProgress, event: Mapping[str, Any]) -> None:
    kind = str(event["type"])
    progress.state, progress.pace = _STATE_AFTER[kind], None
    if kind in ("finished", "stopped"):
        progress.best_epoch = event.get("best_epoch", progress.best_epoch)
        progress.eta_seconds = None
    progress.note(
        event,
        "stage",
        {"stopped": "Stopped; the best epoch was kept."}.get(kind, f"{kind.capitalize()}."),
    )


def _on_failed(progress: RunProgress, event: Mapping[str, Any]) -> None:
    progress.state, progress.eta_seconds = "failed", None
    progress.message, progress.advice = (
        str(event.get("message") or ""),
        str(event.get("advice") or ""),
    )
    progress.note(
        event, "failure", " ".join(part for part in (progress.message, progress.advice) if part)
    )


_HANDLERS = {
    "started": _on_started,
    "stage": _on_stage,
    "progress": _on_progress,
    "step": _on_step,
    "epoch": _on_epoch,
    "notice": _on_notice,
    "paused": _on_state,
    "resumed": _on_state,
    "finished": _on_state,
    "stopped": _on_state,
    "failed": _on_failed,
}


def smoothed(values: "array[float]", weight: float) -> "array[float]":
    """Exponential moving average without the start's bias, as in TensorBoard; weight in [0, 1)."""
    result, total, norm = array("d"), 0.0, 0.0
    for value in values:
        total = total * weight + value * (1 - weight)
        norm = norm * weight + (1 - weight)
        result.append(total / norm)
    return result
