"""What a run's events tell so far: the numbers behind the
curves, folded from `events.jsonl` one event at a time."""

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
_SAID = {
    "preparing": "Starting the training's process.",
    "consensus": "Training the consensus model first: the baseline to beat.",
    "training": "Training begins.",
    "predicting": "Predicting every labeler's answers with the best epoch.",
    "evaluating": "Testing on what was held out.",
}
_SURE = 8  # steps before a time left is told


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
class Small:
    """The curves of one labeler or attribute."""

    train: Trace = field(default_factory=Trace)
    val: Trace = field(default_factory=Trace)
    count: int = 0  # validation pairs behind `val`


@dataclass(slots=True)
class Story:
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
    labelers: dict[str, Small] = field(default_factory=dict)
    attributes: dict[str, Small] = field(default_factory=dict)
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

    def tell(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Fold events in, oldest first; kinds unknown to this version are passed over."""
        for event in events:
            tell = _TELL.get(str(event.get("type")))
            if tell is not None:
                tell(self, event)

    def at(self, event: Mapping[str, Any]) -> float:
        """Where a step lies on the common axis, in epochs, so
        that runs of different batch sizes can be overlaid."""
        step = float(event.get("step", 0))
        return step / self.steps_per_epoch if self.steps_per_epoch else step

    def note(self, event: Mapping[str, Any], kind: str, text: str) -> None:
        """Keep a line for the log."""
        self.log.append((float(event.get("time", 0.0)), kind, text))


def _started(story: Story, event: Mapping[str, Any]) -> None:
    story.method = str(event.get("method", ""))
    story.device = str(event.get("device_name") or event.get("device") or "")
    story.parameters = dict(event.get("parameters") or {})
    story.device_why = str(event.get("device_why") or "")
    story.counts = dict(event.get("counts") or {})
    story.epochs = int(event.get("epochs") or 0)
    story.steps_per_epoch = int(event.get("steps_per_epoch") or 0)
    story.state, story.message, story.advice, story.working = "training", "", "", ""
    trainable = story.parameters.get("trainable")
    size = f", {trainable:,} trainable parameters" if trainable else ""
    story.note(event, "stage", f"Started {story.method} on {story.device}{size}.")


def _progress(story: Story, event: Mapping[str, Any]) -> None:
    done, total, what = (
        int(event.get("done") or 0),
        int(event.get("total") or 0),
        str(event.get("what") or ""),
    )
    share = f" ({min(1.0, done / total):.0%})" if total else ""
    story.working = f"{what}{share}"
    if story.stage == "consensus" and not what.startswith("Training"):
        return  # the little things around it say nothing of the whole
    now = float(event.get("time", 0.0))
    if story.pace is None or story.pace[2] != total or done < story.pace[1]:
        story.pace = (now, done, total)
    begun, first, _ = story.pace
    if done - first >= _SURE:
        ahead = total if story.stage == "consensus" else 0  # the run itself has about as many steps
        story.eta_seconds = (now - begun) / (done - first) * (total - done + ahead)


def _stage(story: Story, event: Mapping[str, Any]) -> None:
    story.stage, story.working = str(event.get("name", "")), ""
    story.companion, story.pace, story.eta_seconds = str(event.get("run") or ""), None, None
    # a new process works on the run, maybe after one that failed
    if event.get("process") == "started":
        story.state, story.message, story.advice = "preparing", "", ""
        story.working = (
            "Starting a process for the training; loading its libraries takes some seconds"
        )
    story.note(event, "stage", _SAID.get(story.stage, f"Stage: {story.stage}."))


def _step(story: Story, event: Mapping[str, Any]) -> None:
    x = story.at(event)
    story.step_loss.add(x, event.get("loss"))
    story.step_accuracy.add(x, event.get("accuracy"))
    story.epoch = int(event.get("epoch") or 0)
    story.images_per_second = event.get("images_per_second")
    story.eta_seconds = event.get("eta_seconds")


def _epoch(story: Story, event: Mapping[str, Any]) -> None:
    epoch = int(event.get("epoch") or 0)
    train, val = event.get("train") or {}, event.get("val") or {}
    story.epoch = epoch
    story.train_loss.add(epoch, train.get("loss"))
    story.train_accuracy.add(epoch, train.get("accuracy"))
    story.val_loss.add(epoch, val.get("nll"))
    story.val_accuracy.add(epoch, val.get("accuracy"))
    if event.get("best"):
        story.best_epoch = epoch
    for curves, key in ((story.labelers, "per_labeler"), (story.attributes, "per_attribute")):
        for name, values in (event.get(key) or {}).items():
            small = curves.setdefault(str(name), Small())
            small.train.add(epoch, values.get("train_accuracy"))
            small.val.add(epoch, values.get("val_accuracy"))
            small.count = int(values.get("n") or 0)
    nll, accuracy = val.get("nll"), val.get("accuracy")
    if nll is not None and accuracy is not None:
        mark = ", the best so far" if event.get("best") else ""
        story.note(
            event,
            "epoch",
            f"Epoch {epoch}: validation loss {nll:.3f}, accuracy {accuracy:.1%}{mark}.",
        )


def _notice(story: Story, event: Mapping[str, Any]) -> None:
    story.note(event, "notice", str(event.get("text", "")))


def _turn(story: Story, event: Mapping[str, Any]) -> None:
    kind = str(event["type"])
    story.state, story.pace = _STATE_AFTER[kind], None
    if kind in ("finished", "stopped"):
        story.best_epoch = event.get("best_epoch", story.best_epoch)
        story.eta_seconds = None
    story.note(
        event,
        "stage",
        {"stopped": "Stopped; the best epoch was kept."}.get(kind, f"{kind.capitalize()}."),
    )


def _failed(story: Story, event: Mapping[str, Any]) -> None:
    story.state, story.eta_seconds = "failed", None
    story.message, story.advice = str(event.get("message") or ""), str(event.get("advice") or "")
    story.note(event, "failure", " ".join(part for part in (story.message, story.advice) if part))


_TELL = {
    "started": _started,
    "stage": _stage,
    "progress": _progress,
    "step": _step,
    "epoch": _epoch,
    "notice": _notice,
    "paused": _turn,
    "resumed": _turn,
    "finished": _turn,
    "stopped": _turn,
    "failed": _failed,
}


def smoothed(values: "array[float]", weight: float) -> "array[float]":
    """Exponential moving average without the start's bias, as in TensorBoard; weight in [0, 1)."""
    result, total, norm = array("d"), 0.0, 0.0
    for value in values:
        total = total * weight + value * (1 - weight)
        norm = norm * weight + (1 - weight)
        result.append(total / norm)
    return result
