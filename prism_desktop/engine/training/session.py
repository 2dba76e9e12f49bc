"""One run from its snapshot to its summary.

Whoever iterates decides in which process that happens.
"""

import os
import platform
import shutil
from collections.abc import Generator, Iterator

import torch

from prism_desktop.engine.atomic import write_json
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.predictions_file import write_predictions
from prism_desktop.engine.runs.run_events import (
    Discarded,
    Finished,
    Paused,
    Resumed,
    Stage,
    Started,
    Step,
    Stopped,
    TrainingEvent,
    as_json,
)
from prism_desktop.engine.training.baseline_scores import write_baselines
from prism_desktop.engine.training.dependencies import (
    CONSENSUS,
    create_sibling,
    find_sibling,
    keep_sibling,
    kept_sibling,
    needed,
)
from prism_desktop.engine.training.factory import Task, build, wants_features
from prism_desktop.engine.training.resources import Shelf, Workshop, open_workshop
from prism_desktop.engine.training.results import versions, write_results
from prism_desktop.engine.training.routine import Fit


class _StoppedEarlyError(Exception):
    """The user ended the run before there was anything to keep."""


class _DiscardedError(Exception):
    """The user discarded the run."""


def train_run(
    run: RunFolder, control: Control, workshop: Workshop | None = None, shelf: Shelf | None = None
) -> Iterator[TrainingEvent]:
    """Train, or go on training, from a run's folder alone.

    Events, status and results are also written there.

    If this raises or is closed, the status still says that the run goes on; the caller says what
    became of it.

    Args:
        run: a run with a snapshot.
        control: what the user tells.
        workshop: of a run that shares backbone and images; None to open them.
        shelf: where the workshop is looked for, and kept for the next run.

    Raises:
        PrismError: training cannot start or go on; worded for the user.
    """
    log = EventLog(run)
    run.set_status("training", pid=os.getpid())
    try:
        for event in _to_its_end(run, control, workshop, shelf or Shelf()):
            log.write(as_json(event))
            yield event
    finally:
        log.close()


def _to_its_end(
    run: RunFolder, control: Control, workshop: Workshop | None, shelf: Shelf
) -> Iterator[TrainingEvent]:
    try:
        yield from _session(run, control, workshop, shelf)
    except _DiscardedError:
        run.discard()
        yield Discarded()
    except _StoppedEarlyError:
        run.set_status("stopped", message="Stopped before there was a model to keep.")
        yield Stopped(None, None)


def _session(
    run: RunFolder, control: Control, workshop: Workshop | None, shelf: Shelf
) -> Iterator[TrainingEvent]:
    for text in run.meta().get("notices", ()):
        yield Notice(text)
    workshop = workshop or shelf.find(run)
    if workshop is None:
        workshop = yield from _open(run, control)
    shelf.put(run, workshop)
    write_json(run.path / "environment.json", _environment(workshop))
    siblings: dict[str, RunFolder] = {}

    def obtain(name: str) -> Generator[TrainingEvent, None, RunFolder]:
        if name not in siblings:
            siblings[name] = yield from _sibling(run, name, control, workshop)
            if keep_sibling(run, name, siblings[name]) and name == run.config().start:
                shutil.rmtree(run.path / "checkpoints", ignore_errors=True)
                yield Notice(
                    "The consensus that training had started at is gone, and its checkpoints with "
                    "it."
                )
        return siblings[name]

    for name in needed(run.config()):
        yield from obtain(name)
    if wants_features(run.config()):
        for event in workshop.read_features(run):
            yield event
            yield from _obey_before_training(run, control)
    fit = build(run, workshop, siblings, obtain)
    yield from _begin(run, fit, workshop)
    yield from _train(run, fit, control)
    stopped = fit.stopping and not fit.cursor.ended
    yield from _results(run, fit, siblings.get(CONSENSUS))
    yield from write_baselines(run, workshop, Task.of(run))
    yield Stage("evaluating")
    summary = write_results(run)
    run.set_status("stopped" if stopped else "finished")
    yield (Stopped if stopped else Finished)(fit.cursor.best_epoch, summary)


def _open(run: RunFolder, control: Control) -> Generator[TrainingEvent, None, Workshop]:
    """Open the backbone and the images; the user may stop meanwhile."""
    opened: Workshop | None = None
    for event in open_workshop(run):
        if isinstance(event, Done):
            opened = event.value
        else:
            yield event
        yield from _obey_before_training(run, control)
    if opened is None:
        raise RunError("The backbone could not be opened.")
    return opened


def _obey_before_training(run: RunFolder, control: Control) -> Iterator[TrainingEvent]:
    if control.poll() == "pause":
        yield from _wait(run, control, Resumed(0, 0))
    match control.poll():
        case "discard":
            raise _DiscardedError
        case "stop":
            raise _StoppedEarlyError


def _wait(run: RunFolder, control: Control, then: Resumed) -> Iterator[TrainingEvent]:
    run.set_status("paused", pid=os.getpid())
    yield Paused()
    control.wait_while_paused()
    run.set_status("training", pid=os.getpid())
    yield then


def _sibling(
    run: RunFolder, name: str, control: Control, workshop: Workshop
) -> Generator[TrainingEvent, None, RunFolder]:
    """Make sure that there is a finished run of another method; train it first if there is none."""
    sibling = (
        kept_sibling(run, name)
        or find_sibling(run, name, run.environment())
        or create_sibling(run, name)
    )
    if sibling.status().state == "finished":
        return sibling
    yield Stage("consensus" if name == CONSENSUS else "member", sibling.name)
    try:
        yield from _train_beside(run, name, train_run(sibling, control, workshop))
    except BaseException:
        sibling.abandon()
        raise
    match sibling.status().state:
        case "finished":
            return sibling
        case "discarded":
            raise _DiscardedError
    raise _StoppedEarlyError


def _train_beside(
    run: RunFolder, name: str, events: Iterator[TrainingEvent]
) -> Iterator[TrainingEvent]:
    """What is told of a sibling's training; `run` pauses with it."""
    total = 0
    for event in events:
        match event:
            case Started():
                total = event.epochs * event.steps_per_epoch
            case Step():
                yield Progress(event.step, total, f"Training {name}, epoch {event.epoch}")
            case Paused() | Resumed():
                run.set_status(
                    "paused" if isinstance(event, Paused) else "training", pid=os.getpid()
                )
                yield event
            case Progress() | Notice():
                yield event


def _begin(run: RunFolder, fit: Fit, workshop: Workshop) -> Iterator[TrainingEvent]:
    before = any(event["type"] == "started" for event in run.events()[0])
    found, damaged = fit.resume()
    if damaged:
        yield Notice(f"{damaged} damaged checkpoints were passed over.")
    if before and not found:
        yield Notice("There is no checkpoint to go on from, so training starts from the beginning.")
    yield _started(run, fit, workshop)
    if found:
        yield Resumed(fit.cursor.epoch, fit.cursor.step)


def _started(run: RunFolder, fit: Fit, workshop: Workshop) -> Started:
    device, counts = workshop.device, run.meta()["counts"]
    method = run.config().method
    return Started(
        method, device.kind, device.name, fit.counts(), counts, fit.epochs, fit.steps, device.why
    )


def _train(run: RunFolder, fit: Fit, control: Control) -> Iterator[TrainingEvent]:
    yield Stage("training")
    for event in fit.run():
        yield event
        command = control.poll()
        if command == "pause":
            fit.save()
            yield from _wait(run, control, Resumed(fit.cursor.epoch, fit.cursor.step))
            command = control.poll()
        if command == "discard":
            raise _DiscardedError
        fit.stopping |= command == "stop"


def _results(run: RunFolder, fit: Fit, consensus: RunFolder | None) -> Iterator[TrainingEvent]:
    fit.write(run)
    write_json(run.path / "parameters.json", dict(fit.counts()))
    yield Stage("predicting")
    images = [str(image) for image in run.table("images")["image"]]
    yield from write_predictions(
        run.path / "predictions.parquet", fit.score(), fit.attributes, images
    )
    if consensus is not None:
        beside = run.path / ".consensus.parquet.tmp"
        shutil.copyfile(consensus.path / "predictions.parquet", beside)
        beside.replace(run.path / "consensus.parquet")


def _environment(workshop: Workshop) -> dict[str, object]:
    return {
        "device": workshop.device.kind,
        "device_name": workshop.device.name,
        "precision": workshop.precision.name,
        "threads": torch.get_num_threads(),
        "backbone_sha256": workshop.sha256,
        "platform": platform.platform(),
        "versions": versions(),
        "revisions": {
            name: known.revision for name, known in METHODS.items() if known.revision > 1
        },
    }
