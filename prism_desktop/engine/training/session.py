"""One run from its snapshot to its summary. Whoever iterates decides in which process that happens."""

import os
import platform
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch

from prism_desktop.engine.backbones import Backbone, fetch, load, parse
from prism_desktop.engine.device import Device, Precision, choose_device, precision
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.training.building import build_trainer, save_best
from prism_desktop.engine.training.consensus import create_consensus, find_consensus, needs_consensus
from prism_desktop.engine.training.control import Control
from prism_desktop.engine.training.evaluating import versions, write_results
from prism_desktop.engine.training.events import (
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
from prism_desktop.engine.training.files import write_json
from prism_desktop.engine.training.log import EventLog
from prism_desktop.engine.training.pixels import Pixels, open_pixels
from prism_desktop.engine.training.predicting import predict_all
from prism_desktop.engine.training.run import RunFolder
from prism_desktop.engine.training.trainer import Trainer


class _StoppedEarlyError(Exception):
    """The user ended the run before there was anything to keep."""


class _DiscardedError(Exception):
    """The user discarded the run."""


@dataclass(frozen=True, slots=True, eq=False)
class Workshop:
    """What a run shares with its consensus run."""

    device: Device
    precision: Precision
    backbone: Backbone
    pixels: Pixels


def train_run(run: RunFolder, control: Control, workshop: Workshop | None = None) -> Iterator[TrainingEvent]:
    """Train, or go on training, from a run's folder alone; events, status and results are also written there.

    If this raises or is closed, the status still says that the run goes on; the caller says what became of it.

    Args:
        run: a run with a snapshot.
        control: what the user tells.
        workshop: of a run that shares backbone and images; None to open them.

    Raises:
        PrismError: training cannot start or go on; worded for the user.
    """
    log = EventLog(run)
    run.set_status("training", pid=os.getpid())
    try:
        for event in _to_its_end(run, control, workshop):
            log.write(as_json(event))
            yield event
    finally:
        log.close()


def _to_its_end(run: RunFolder, control: Control, workshop: Workshop | None) -> Iterator[TrainingEvent]:
    try:
        yield from _session(run, control, workshop)
    except _DiscardedError:
        run.discard()
        yield Discarded()
    except _StoppedEarlyError:
        run.set_status("stopped", message="Stopped before there was a model to keep.")
        yield Stopped(None, None)


def _session(run: RunFolder, control: Control, workshop: Workshop | None) -> Iterator[TrainingEvent]:
    for text in run.meta().get("notices", ()):
        yield Notice(text)
    if workshop is None:
        workshop = yield from _open(run, control)
    _write_environment(run, workshop)
    consensus = None
    if needs_consensus(run.config()):
        consensus = yield from _consensus(run, control, workshop)
    trainer = build_trainer(run, workshop.backbone, workshop.precision, workshop.pixels, consensus)
    yield from _begin(run, trainer, workshop)
    yield from _train(run, trainer, control)
    stopped = trainer.stopping and not trainer.cursor.ended
    yield from _results(run, trainer, consensus)
    summary = write_results(run)
    run.set_status("stopped" if stopped else "finished")
    yield (Stopped if stopped else Finished)(trainer.cursor.best_epoch, summary)


def _open(run: RunFolder, control: Control) -> Generator[TrainingEvent, None, Workshop]:
    """Choose the device, fetch and load the backbone, decode the images that are not in the cache yet."""
    config = run.config()
    device = choose_device(config.device)
    spec = parse(config.backbone)
    for event in fetch(spec):
        if not isinstance(event, Done):
            yield event
        _obey_before_training(control)
    backbone = load(spec, device)
    pixels: Pixels | None = None
    for found in open_pixels(run.study, run.table("images"), backbone.image_size):
        if isinstance(found, Done):
            pixels = found.value
        else:
            yield found
        _obey_before_training(control)
    if pixels is None:
        raise RunError("The images could not be decoded.")
    return Workshop(device, precision(device, config.precision, backbone.width), backbone, pixels)


def _obey_before_training(control: Control) -> None:
    match control.poll():
        case "discard":
            raise _DiscardedError
        case "stop":
            raise _StoppedEarlyError


def _consensus(run: RunFolder, control: Control, workshop: Workshop) -> Generator[TrainingEvent, None, RunFolder]:
    """Make sure that there is a finished consensus run; train it first if there is none."""
    sibling = find_consensus(run) or create_consensus(run)
    if sibling.status().state == "finished":
        return sibling
    yield Stage("consensus", sibling.name)
    total = 0
    for event in train_run(sibling, control, workshop):
        match event:
            case Started():
                total = event.epochs * event.steps_per_epoch
            case Step():
                yield Progress(event.step, total, f"Training the consensus model, epoch {event.epoch}")
            case Paused() | Resumed():
                run.set_status("paused" if isinstance(event, Paused) else "training", pid=os.getpid())
                yield event
            case Progress() | Notice():
                yield event
    match sibling.status().state:
        case "finished":
            return sibling
        case "discarded":
            raise _DiscardedError
    raise _StoppedEarlyError


def _begin(run: RunFolder, trainer: Trainer, workshop: Workshop) -> Iterator[TrainingEvent]:
    before = any(event["type"] == "started" for event in run.events()[0])
    found, damaged = trainer.resume()
    if damaged:
        yield Notice(f"{damaged} damaged checkpoints were passed over.")
    if before and not found:
        yield Notice("No checkpoint had been written yet, so training starts from the beginning.")
    yield Started(
        run.config().method,
        workshop.device.kind,
        workshop.device.name,
        trainer.scorer.model.counts(),
        run.meta()["counts"],
        trainer.epochs,
        trainer.sampler.steps,
        workshop.device.why,
    )
    if found:
        yield Resumed(trainer.cursor.epoch, trainer.cursor.step)


def _train(run: RunFolder, trainer: Trainer, control: Control) -> Iterator[TrainingEvent]:
    yield Stage("training")
    for event in trainer.run():
        yield event
        command = control.poll()
        if command == "pause":
            trainer.save()
            run.set_status("paused", pid=os.getpid())
            yield Paused()
            control.wait_while_paused()
            command = control.poll()
            run.set_status("training", pid=os.getpid())
            yield Resumed(trainer.cursor.epoch, trainer.cursor.step)
        if command == "discard":
            raise _DiscardedError
        trainer.stopping |= command == "stop"


def _results(run: RunFolder, trainer: Trainer, consensus: RunFolder | None) -> Iterator[TrainingEvent]:
    save_best(run, trainer)
    yield Stage("predicting")
    images = [str(image) for image in run.table("images")["image"]]
    path = run.path / "predictions.parquet"
    yield from predict_all(trainer.scorer, path, trainer.labelers, trainer.attributes, images)
    if consensus is not None:
        beside = run.path / ".consensus.parquet.tmp"
        shutil.copyfile(consensus.path / "predictions.parquet", beside)
        beside.replace(run.path / "consensus.parquet")
    yield Stage("evaluating")


def _write_environment(run: RunFolder, workshop: Workshop) -> None:
    environment = {
        "device": workshop.device.kind,
        "device_name": workshop.device.name,
        "precision": workshop.precision.name,
        "threads": torch.get_num_threads(),
        "backbone_sha256": workshop.backbone.sha256,
        "platform": platform.platform(),
        "versions": versions(),
    }
    write_json(run.path / "environment.json", environment)
