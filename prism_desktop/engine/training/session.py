"""The session of one run, from its snapshot to its summary.

Whoever iterates decides in which process that happens.
"""

import logging
import os
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import torch

from prism_desktop.engine.config import needed
from prism_desktop.engine.errors import PrismError, RunError, TakenOverError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.files import remove_tree, write_json
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, METHODS, method_title
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.heartbeat import beating, while_ours
from prism_desktop.engine.runs.manifest import remove_manifest, write_manifest
from prism_desktop.engine.runs.result_files import Environment
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
    logged,
)
from prism_desktop.engine.runs.score_files import write_scores
from prism_desktop.engine.runs.status import CUT_SHORT
from prism_desktop.engine.runs.stopping import kept
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.training.baseline_scores import add_baselines
from prism_desktop.engine.training.dependencies import (
    claim_dependency,
    record_dependency,
    recorded_dependency,
)
from prism_desktop.engine.training.factory import build, wants_features
from prism_desktop.engine.training.kept_baselines import share_baselines
from prism_desktop.engine.training.resources import ResourceCache, Resources, open_resources
from prism_desktop.engine.training.routine import TrainingRoutine
from prism_desktop.engine.training.run_evaluation import versions, write_results
from prism_desktop.engine.training.snapshot import take_snapshot
from prism_desktop.engine.training.spare_memory import give_back

_POLL_SECONDS = 0.2  # between two looks at what another process does
_log = logging.getLogger(__name__)


class _StoppedEarlyError(Exception):
    """The user ended the run before it was tested; says so in a sentence."""


class _DiscardedError(Exception):
    """The user discarded the run."""


def train_run(
    run: RunFolder,
    control: Control,
    resources: Resources | None = None,
    resource_cache: ResourceCache | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train, or go on training, from a run's folder alone.

    Events, status and results are also written there.

    If this raises or is closed, the status still says that the run goes on; the caller says what
    became of it, unless others did.

    Args:
        run: takes its snapshot first, if it was made without one.
        control: what the user tells.
        resources: of a run that shares backbone and images; None to open them.
        resource_cache: where the resources is looked for, and kept for the next run.

    Raises:
        TakenOverError: the run is no longer this process's.
        PrismError: training cannot start or go on; worded for the user.
    """
    remove_manifest(run.path)
    cache = resource_cache or ResourceCache()
    with (
        closing(EventLog(run)) as log,
        beating(run),
        closing(while_ours(run, _to_its_end(run, control, resources, cache))) as going_on,
        closing(_in_words(run, going_on)) as events,
    ):
        run.set_status("training", pid=os.getpid())
        for event in events:
            log.write(logged(event))
            if isinstance(event, Finished | Stopped) and run.tested:
                _seal(run)
            yield event


def _in_words(
    run: RunFolder, events: Iterator[TrainingEvent]
) -> Generator[TrainingEvent, None, None]:
    """Events whose sentences, written for faces, say what the run is on."""
    words: StimulusWords | None = None
    for event in events:
        if isinstance(event, Progress | Notice):
            if words is None and not run.unprepared:
                words = run.meta().words
            if words is not None and isinstance(event, Progress):
                event = replace(event, what=words.told(event.what))
            elif words is not None and isinstance(event, Notice):
                event = replace(event, text=words.told(event.text))
        yield event


def read_against(
    run: RunFolder, resource_cache: ResourceCache | None = None
) -> Iterator[TrainingEvent]:
    """Put beside a run's results, and those of the runs that it depends on, what they are read
    against, where that is wanted.

    It comes after the results: nobody waits for it, and the run is finished whatever becomes of it.

    Args:
        run: finished, or stopped and tested.
        resource_cache: where the run's training left what it had opened.
    """
    if not run.tested or run.config().baselines == "none":
        return
    summary = run.summary()
    if summary is not None and not summary.baselines:
        cache = resource_cache or ResourceCache()
        resources = cache.find(run)
        for event in () if resources is not None else open_resources(run):
            if isinstance(event, Done):
                resources = event.value
            else:
                yield event
        assert resources is not None
        cache.put(run, resources)
        yield from add_baselines(run, resources)
    for name in needed(run.config()):
        dependency = recorded_dependency(run, name)
        if dependency is not None:
            share_baselines(run, dependency)


def _seal(run: RunFolder) -> None:
    """Mark the files of a run that has ended.

    Without the marks the results are as good; only, later damage is not told from them.
    """
    try:
        write_manifest(run.path)
    except (OSError, PrismError) as error:
        _log.warning("%s has no manifest: %s", run.path, error)


def _to_its_end(
    run: RunFolder, control: Control, resources: Resources | None, resource_cache: ResourceCache
) -> Generator[TrainingEvent, None, None]:
    try:
        yield from _session(run, control, resources, resource_cache)
    except _DiscardedError:
        run.discard()
        yield Discarded()
    except _StoppedEarlyError as stopped:
        run.set_status("stopped", message=str(stopped))
        yield Stopped()
    finally:
        control.stop_ends = True  # whatever this was part of has kept nothing yet


def _session(
    run: RunFolder, control: Control, resources: Resources | None, resource_cache: ResourceCache
) -> Iterator[TrainingEvent]:
    """Everything a run does, in order: data, resources, dependencies, training, predictions,
    evaluation."""
    if run.unprepared:
        yield from _obeying(run, control, _take_data(run))
        give_back()
    for text in run.meta().notices:
        yield Notice(text)
    resources = resources or resource_cache.find(run)
    if resources is None:
        resources = yield from _open(run, control)
    resource_cache.put(run, resources)
    _environment(resources).save(run.path / layout.ENVIRONMENT)
    dependencies: dict[str, RunFolder] = {}

    def obtain(name: str) -> Generator[TrainingEvent, None, RunFolder]:
        if name not in dependencies:
            dependencies[name] = yield from _dependency(run, name, control, resources)
            if record_dependency(run, name, dependencies[name]) and name == run.config().start:
                remove_tree(run.path / layout.CHECKPOINTS, layout.ours_in(layout.CHECKPOINTS))
                yield Notice(
                    "The consensus that training had started at is gone, and its checkpoints with "
                    "it."
                )
        return dependencies[name]

    for name in needed(run.config()):
        yield from obtain(name)
    if wants_features(run.config()):
        yield from _obeying(run, control, resources.read_features(run))
    give_back()
    routine = build(run, resources, dependencies, obtain)
    give_back()
    yield from _begin(run, routine, resources)
    yield from _train(run, routine, control)
    stopped = routine.stopping and not routine.cursor.ended
    control.stop_ends = not routine.stopping  # one that was heard is carried out from here on
    yield from _obeying(run, control, _results(run, routine, dependencies.get(CONSENSUS)))
    control.stop_ends = False  # it ends in a moment, with all that a stop could keep
    give_back()
    yield Stage(name="evaluating")
    summary = write_results(run)
    if control.poll() == "discard":
        raise _DiscardedError
    run.set_status("stopped" if stopped else "finished")
    ended = Stopped if stopped else Finished
    yield ended(best_epoch=routine.cursor.best_epoch, summary=summary)


def _take_data(run: RunFolder) -> Iterator[Progress]:
    """The data snapshot of a run that has none yet, from the study as it is now."""
    from prism_desktop.engine.study.store import Study

    with Study.open(run.study, read_only=True) as study:
        yield from take_snapshot(study, run, run.config())


def _open(run: RunFolder, control: Control) -> Generator[TrainingEvent, None, Resources]:
    """Open the backbone and the images; the user may stop meanwhile."""
    opened: Resources | None = None
    for event in open_resources(run):
        if isinstance(event, Done):
            opened = event.value
        else:
            yield event
        yield from _obey(run, control)
    if opened is None:
        raise RunError("The backbone could not be opened.")
    return opened


def _obeying(
    run: RunFolder, control: Control, events: Iterator[TrainingEvent]
) -> Iterator[TrainingEvent]:
    """Events of work that has no checkpoints; orders are carried out between two of them."""
    for event in events:
        yield event
        yield from _obey(run, control)


def _obey(run: RunFolder, control: Control) -> Iterator[TrainingEvent]:
    """Carry out what was told, where there is nothing to save for it."""
    if control.poll() == "pause":
        yield from _wait(run, control, Resumed(epoch=0, step=0))
    match control.poll():
        case "discard":
            raise _DiscardedError
        case "stop" if control.untested():
            raise _StoppedEarlyError(CUT_SHORT)


def _wait(run: RunFolder, control: Control, then: Resumed) -> Iterator[TrainingEvent]:
    run.set_status("paused", pid=os.getpid())
    yield Paused()
    control.wait_while_paused()
    if not control.left():  # else whoever iterates closes this, and the pause is the last word
        run.set_status("training", pid=os.getpid())
        yield then


def _dependency(
    run: RunFolder, name: str, control: Control, resources: Resources
) -> Generator[TrainingEvent, None, RunFolder]:
    """Make sure that there is a finished run of another method; train it first if there is none."""
    dependency = claim_dependency(run, name)
    status = dependency.status()
    while status.state in ("preparing", "training") and not status.ours:
        waited = f"{dependency.name}, which another process trains{status.where}"
        yield Progress(0, None, f"Waiting for {waited}")
        yield from _obey(run, control)
        time.sleep(_POLL_SECONDS)
        status = dependency.status()
        if status.state not in ("preparing", "training"):
            dependency = claim_dependency(run, name)
            status = dependency.status()
    if dependency.status().state == "finished":
        title = method_title(name, run.config().backbone)
        yield Notice(
            f"The {title} run {dependency.name} has the same answers and settings, so it is used "
            "again."
        )
        return dependency
    try:  # it is this run's from here on, and whoever closes this leaves it to the next
        yield Stage(name="consensus" if name == CONSENSUS else "member", run=dependency.name)
        with closing(train_run(dependency, control, resources)) as events:
            yield from _train_beside(run, name, events)
    except BaseException as error:
        dependency.abandon()
        if not isinstance(error, TakenOverError) or error.run != dependency.path:
            raise
        return (yield from _dependency(run, name, control, resources))  # as others have it now
    match dependency.status().state:
        case "finished":
            return dependency
        case "discarded":
            dependency.delete()  # it was trained for this run
            raise _DiscardedError
    raise _StoppedEarlyError(CUT_SHORT)


def _train_beside(
    run: RunFolder, name: str, events: Iterator[TrainingEvent]
) -> Iterator[TrainingEvent]:
    """What is told of a dependency's training; `run` pauses with it."""
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


def _begin(
    run: RunFolder, routine: TrainingRoutine, resources: Resources
) -> Iterator[TrainingEvent]:
    before = any(isinstance(event, Started) for event in run.events()[0])
    found, damaged = routine.resume()
    if damaged:
        yield Notice(
            f"{counted(damaged, 'damaged checkpoint was', 'damaged checkpoints were')} passed over."
        )
    if before and not found:
        yield Notice("There is no checkpoint to go on from, so training starts from the beginning.")
    yield _started(run, routine, resources)
    if found:
        yield Resumed(epoch=routine.cursor.epoch, step=routine.cursor.step)


def _started(run: RunFolder, routine: TrainingRoutine, resources: Resources) -> Started:
    device, counts = resources.device, run.meta().counts
    method = run.config().method
    return Started(
        method=method,
        device=device.kind,
        device_name=device.name,
        parameters=dict(routine.counts()),
        counts=counts,
        epochs=routine.epochs,
        steps_per_epoch=routine.steps,
        device_why=device.why,
    )


def _train(run: RunFolder, routine: TrainingRoutine, control: Control) -> Iterator[TrainingEvent]:
    """Fit; what is paused or left is saved before, so that it goes on from there."""
    yield Stage(name="training")
    config = run.config()
    features = config.stands_on_features
    ends = not kept(config.method, "training", "stop", features=features).tested
    control.stop_ends = ends
    try:
        for event in routine.run():
            yield event
            control.stop_ends = ends  # after a member's own training
            command = control.poll()
            if command == "pause":
                routine.save()
                yield from _wait(
                    run, control, Resumed(epoch=routine.cursor.epoch, step=routine.cursor.step)
                )
                command = control.poll()
            if command == "discard":
                raise _DiscardedError
            if command == "stop" and control.untested():
                routine.save()
                raise _StoppedEarlyError(CUT_SHORT)
            routine.stopping |= command == "stop"
    except GeneratorExit:  # nobody waits any more
        if not routine.stopping:
            routine.save()
        raise


def _results(
    run: RunFolder, routine: TrainingRoutine, consensus: RunFolder | None
) -> Iterator[TrainingEvent]:
    routine.write(run)
    write_json(run.path / layout.PARAMETERS, dict(routine.counts()))
    yield Stage(name="predicting")
    images = [str(image) for image in run.table("images")["image"]]
    yield from write_scores(
        run.path / layout.PREDICTIONS, routine.score(), routine.attributes, images
    )
    if consensus is not None:
        said = consensus.scores()
        if said is not None:  # written anew, as a run of an earlier version has a row for each
            yield from write_scores(
                run.path / layout.CONSENSUS, said.by_labeler(), said.attributes, said.images
            )


def _environment(resources: Resources) -> Environment:
    return Environment(
        device=resources.device.kind,
        device_name=resources.device.name,
        precision=resources.precision.name,
        threads=torch.get_num_threads(),
        backbone_sha256=resources.sha256,
        platform=platform.platform(),
        versions=versions(),
        revisions={name: known.revision for name, known in METHODS.items() if known.revision > 1},
    )
