"""Starts training processes and tells what they do.

Needs no torch: the window and the command line import it.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.methods import method
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.failures import death
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, ENDED, RunFolder
from prism_desktop.engine.runs.run_events import (
    Batch,
    Discarded,
    Failed,
    Finished,
    RunNamed,
    Stage,
    Stopped,
    ToldEvent,
)
from prism_desktop.engine.study.writer_lock import lock_file
from prism_desktop.engine.training.snapshot import (
    copy_snapshot,
    make_snapshot,
    source_of,
    with_machine_of,
)

POLL_SECONDS = 0.1
IDLE_SECONDS = 0.5  # how often an empty batch shows a consumer that it may cancel
_GRACE = 5.0  # s that a failed process has to end
_LAST = (Finished, Stopped, Failed, Discarded)


def train(study: Path, config: TrainConfig, snapshot: Path | None = None) -> Iterator[Batch]:
    """Train to the end; closing this generator stops the training and keeps what there is.

    A run that was refused before anything was trained is told and not kept.

    Args:
        study: the study's folder.
        config: what to train.
        snapshot: an earlier run whose data are used again, to reproduce it.

    Yields:
        Batches of events as in events.jsonl, oldest first, sometimes empty; the second names the
        run.

    Raises:
        PrismError: training cannot start; a failure later on is an event.
    """
    yield [Stage(name="preparing", time=time.time())]
    run, refused = start(study, config, snapshot), False
    try:
        for batch in follow(run):
            refused |= any(isinstance(event, Failed) and event.refused for event in batch)
            yield batch
    finally:
        if refused:
            _forget(run)
        elif run.status().state in ACTIVE:
            stop(run)


def start(study: Path, config: TrainConfig, snapshot: Path | None = None) -> RunFolder:
    """Make a run with its data snapshot and start its process; returns when the process is started.

    Raises:
        PrismError: the settings do not fit the study; no run is left behind.
    """
    from prism_desktop.engine.study.store import Study

    study = Path(study)
    if not study.is_dir():
        raise InputError(f"There is no study at {study}.")
    method(config.method)
    # Named in full, so that the run is resumed and reproduced from any folder.
    config = config.model_copy(update={"backbone": parse(config.backbone).text})
    source = source_of(snapshot, config) if snapshot is not None else None
    if source is not None:
        config = with_machine_of(source, config)
    run = RunFolder.create(study, config)
    run.set_status("preparing", pid=os.getpid())
    try:
        if source is not None:
            copy_snapshot(source, run)
        else:
            with Study.open(study, read_only=True) as opened:
                make_snapshot(opened, run, config)
        _begin(run)
    except BaseException:
        run.delete()
        raise
    return run


def resume(run: RunFolder) -> RunFolder:
    """Go on with an interrupted, failed or untested stopped run from its last good checkpoint.

    Raises:
        RunError: the run goes on already, is finished, was tested when it was stopped, or was
            discarded.
    """
    run = RunFolder.open(run.path)
    with (run.path / layout.RESUME_LOCK).open(
        "a+b"
    ) as file:  # two at once must not both find it interrupted
        while not lock_file(file):
            time.sleep(POLL_SECONDS)
        _check_resumable(run)
        _begin(run)
    return run


def _check_resumable(run: RunFolder) -> None:
    state = run.status().state
    if state in ACTIVE:
        raise RunError(f"The run {run.name} is training already.")
    if state != "finished" and run.tested:
        raise RunError(
            f"The run {run.name} was {state} and tested, so it cannot go on: the test split is "
            "opened once. Start a new run."
        )
    if not run.resumable:
        raise RunError(
            f"The run {run.name} is {state}, so there is nothing to resume; start a new run."
        )
    run.meta()


def follow(run: RunFolder) -> Iterator[Batch]:
    """Events of a run's present process, from its start
    to its end, after one that names the run."""
    events, offset = run.events()
    starts = [
        place
        for place, event in enumerate(events)
        if isinstance(event, Stage) and event.process == "started"
    ]
    yield [RunNamed(path=str(run.path), name=run.name, time=time.time())]
    yield [*events[starts[-1] if starts else 0 :]]
    yield from watch(run, offset)


def watch(run: RunFolder, offset: int = 0) -> Iterator[Batch]:
    """Events of any run, its own child or not, from a
    byte offset of events.jsonl on until the run ends.

    If its process dies without a word, the last event is a "failed" one with advice. Closing this
    changes nothing.
    """
    last: ToldEvent | None = None
    told = time.monotonic()
    while True:
        status = run.status()
        events, offset = run.events(offset)
        if events:
            last, told = events[-1], time.monotonic()
            yield [*events]
        elif status.state in ENDED:
            break
        elif time.monotonic() - told > IDLE_SECONDS:
            told = time.monotonic()
            yield []
        time.sleep(POLL_SECONDS)
    if status.state == "interrupted" and not isinstance(last, _LAST):
        time.sleep(POLL_SECONDS)  # whoever started the process may know more of its end in a moment
        status = run.status()
        message, advice = (status.message, status.advice) if status.message else death(None, run)
        yield [Failed(message=message, advice=advice, time=time.time())]


def pause(run: RunFolder) -> None:
    """Wait at the next step, after a checkpoint; `proceed` goes on."""
    run.tell("pause")


def proceed(run: RunFolder) -> None:
    """Go on after a pause."""
    run.tell("run")


def stop(run: RunFolder) -> None:
    """End training at the next step, keep the best epoch and evaluate it."""
    run.tell("stop")


def discard(run: RunFolder) -> None:
    """End training at the next step and delete what it made; also for runs that ended."""
    if run.status().state in ACTIVE:
        run.tell("discard")
    else:
        run.discard()


def _begin(run: RunFolder) -> None:
    worker = pool.take()
    try:
        worker.begin(run, "stop", pool.give_back)
    except BaseException:
        worker.close()
        raise


def _forget(run: RunFolder) -> None:
    """Delete a run when its process has written its last word."""
    until = time.monotonic() + _GRACE
    while run.status().state in ACTIVE and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    run.delete()
