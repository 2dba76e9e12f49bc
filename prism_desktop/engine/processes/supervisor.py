"""Starts training processes and tells what they do.

Needs no torch: the window and the command line import it.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.files import append, lock, write_all
from prism_desktop.engine.methods import method
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.failures import death
from prism_desktop.engine.processes.messages import Ended, Orphaned, Response
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.event_log import EventLog
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

# a dead process's end must not overwrite the status of the next one's start
_status_lock = threading.Lock()


class TrainArguments(BaseModel):
    """What the service `train` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path  # a run with a snapshot


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
    # two at once must not both find it interrupted
    with lock(run.path / layout.RESUME_LOCK, POLL_SECONDS):
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


def begin_training(
    worker: pool.Worker,
    run: RunFolder,
    orphaned: Orphaned,
    ended: Callable[[pool.Worker], object] = lambda worker: None,
) -> int:
    """Have a run with a snapshot trained, or gone on with; its status and events tell the rest.

    Args:
        worker: does it.
        run: is also told of the process's death.
        orphaned: what to do if this process dies: stop the run, keep and test it; or end, so that
            the run is interrupted and may be gone on with.
        ended: called when the run came to its end.

    Returns:
        The call's number.
    """
    run.tell("run")
    with _status_lock:
        run.set_status("preparing", pid=worker.pid)
    with contextlib.closing(EventLog(run)) as log:
        log.write(Stage(name="preparing", process="started"))

    def handle(response: Response | pool.Crash) -> None:
        if isinstance(response, pool.Crash):
            _record_death(run, response)
        elif isinstance(response, Ended):
            ended(worker)

    return worker.send("train", TrainArguments(run=run.path.resolve()), handle, orphaned)


def _record_death(run: RunFolder, crash: pool.Crash) -> None:
    """Say why a run's process died, which it could not say itself."""
    with _status_lock:
        if run.status().state == "interrupted" and not crash.wanted:
            message, advice = death(crash.code, run)
            with append(run.log) as log:
                write_all(log, crash.printed.encode())
            run.set_status("interrupted", message=message, advice=advice)


def _begin(run: RunFolder) -> None:
    worker = pool.take()
    try:
        begin_training(worker, run, "stop", pool.give_back)
    except BaseException:
        worker.close()
        raise


def _forget(run: RunFolder) -> None:
    """Delete a run when its process has written its last word."""
    until = time.monotonic() + _GRACE
    while run.status().state in ACTIVE and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    run.delete()
