"""Starts training processes and tells what they do.

Needs no torch: the window and the command line import it.
"""

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.backbones import check_weights, parse
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import FailedRunError, InputError, PrismError, RunError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.files import append, lock, write_all
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.methods import method
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.begun_trainings import BegunTrainings
from prism_desktop.engine.processes.failures import death
from prism_desktop.engine.processes.messages import CallError, Ended, Orphaned, Response
from prism_desktop.engine.processes.settling import settle_run
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import ACTIVE, ENDED, RunFolder
from prism_desktop.engine.runs.run_events import (
    Batch,
    Discarded,
    Failed,
    Finished,
    ProgressTold,
    RunNamed,
    Stage,
    Stopped,
    ToldEvent,
)
from prism_desktop.engine.runs.stopping import kept_now
from prism_desktop.engine.study.permission import require_study, require_writable
from prism_desktop.engine.training.snapshot import (
    check_wanted,
    copy_snapshot,
    source_of,
    with_machine_of,
)

if TYPE_CHECKING:
    from prism_desktop.engine.writing.writing_config import WritingConfig

POLL_SECONDS = 0.1
IDLE_SECONDS = 0.5  # how often an empty batch shows a consumer that it may cancel
_LAST_PRINTED = 500  # bytes of a run's log in which a dying process says why
_GRACE = 5.0  # s that a failed process has to end
_LAST_WORD_SECONDS = 1.0  # between a run's last status and its last event
_LAST = (Finished, Stopped, Failed, Discarded)
READ_AGAINST = "Making what the results are read against"

# a dead process's end must not overwrite the status of the next one's start
_status_lock = threading.Lock()


class TrainArguments(BaseModel):
    """What the service `train` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path


def train(study: Path, config: TrainConfig, snapshot: Path | None = None) -> Iterator[Batch]:
    """Train to the end; closing this generator interrupts the training, see `end_training`.

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
    run, refused = begin(study, config, snapshot), False
    try:
        for batch in attend(run):
            refused |= any(isinstance(event, Failed) and event.refused for event in batch)
            yield batch
    finally:
        if refused:
            _forget(run)


def attend(run: RunFolder) -> Generator[Batch, None, None]:
    """As `follow`, for a run that this process began; closing this ends its training.

    After the run's last event it goes on, with progress, as long as what the results are read
    against is made.
    """
    try:
        yield from follow(run)
        while going(run):
            yield [ProgressTold(what=READ_AGAINST, time=time.time())]
            time.sleep(POLL_SECONDS)
    finally:
        end_training(run)


def start(study: Path, config: TrainConfig, snapshot: Path | None = None) -> RunFolder:
    """`begin`, and wait until the run has its data.

    Raises:
        PrismError: the settings do not fit the study; no run is left behind.
    """
    run = begin(study, config, snapshot)
    for _ in prepared(run):
        pass
    return run


def begin(study: Path, config: TrainConfig, snapshot: Path | None = None) -> RunFolder:
    """Make a run and start its process, which takes the data; returns when it is started.

    Raises:
        PrismError: the settings cannot fit the study; no run is left behind.
    """
    from prism_desktop.engine.study.store import Study

    study = Path(study)
    if not study.is_dir():
        raise InputError(f"There is no study at {study}.")
    # with a snapshot a folder that holds nothing but runs will do
    (require_study if snapshot is None else require_writable)(study)
    method(config.method)
    # Named in full, so that the run is resumed and reproduced from any folder.
    spec = parse(config.backbone)
    check_weights(spec)
    config = config.model_copy(update={"backbone": spec.text})
    source = source_of(snapshot, config) if snapshot is not None else None
    if source is not None:
        config = with_machine_of(source, config)
    else:
        with Study.open(study, read_only=True) as opened:
            check_wanted(opened, config)
    run = RunFolder.create(study, config)
    run.set_status("preparing", pid=os.getpid())
    with _deleted_unless_begun(run):
        if source is not None:
            copy_snapshot(source, run)
        _begin(run)
    return run


def begin_writer(study: Path, config: "WritingConfig") -> RunFolder:
    """The same for a run of the task writing, which has its texts when this returns.

    Raises:
        PrismError: the settings do not fit the study; no run is left behind.
    """
    from prism_desktop.engine.writing.run_making import begin_writing

    require_study(study)
    run = begin_writing(study, config)
    with _deleted_unless_begun(run):
        _begin(run)
    return run


@contextlib.contextmanager
def _deleted_unless_begun(run: RunFolder) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(PrismError, OSError):  # why it did not start is what counts
            run.delete()
        raise


def prepared(run: RunFolder) -> Iterator[Progress]:
    """Wait until a run that was begun has its data; closing this changes nothing.

    Raises:
        PrismError: there is nothing to learn from, or it could not be read; no run is left behind.
    """
    while run.exists and run.status().state in ACTIVE and run.unprepared:
        yield Progress(0, None, "Preparing the run")
        time.sleep(POLL_SECONDS)
    if not run.exists or not run.unprepared or run.status().state not in ("failed", "interrupted"):
        return
    failed = [event for event in run.events()[0] if isinstance(event, Failed)]
    status = run.status()
    sentence = " ".join(filter(None, (status.message, status.advice)))
    _forget(run)
    if failed and failed[-1].refused:
        raise InputError(failed[-1].message)
    raise FailedRunError(sentence or "The run's process ended before it had its data.")


def resume(run: RunFolder, orphaned: Orphaned = "stop", *, baselines: bool = True) -> RunFolder:
    """Go on with an interrupted, failed or untested stopped run from its last good checkpoint.

    Args:
        run: also one that has its data and was never begun.
        orphaned: what becomes of it if this process dies, see `begin_training`.
        baselines: whether what it is read against is made, too.

    Raises:
        RunError: the run goes on already, is finished, was tested when it was stopped, or was
            discarded.
    """
    run = RunFolder.open(run.path)
    require_writable(run.study)
    config = run.facts() if run.task == "writing" else run.config()
    check_weights(parse(config.backbone))
    # two at once must not both find it interrupted
    with lock(run.path / layout.RESUME_LOCK, POLL_SECONDS):
        _check_resumable(run)
        _begin(run, orphaned, baselines=baselines)
    return run


def _check_resumable(run: RunFolder) -> None:
    status = run.status()
    state = status.state
    if state in ACTIVE:
        raise RunError(f"The run {run.name} is training already{status.where}.")
    if state != "finished" and run.tested:
        raise RunError(
            f"The run {run.name} was {state} and tested, so it cannot go on: the test split is "
            "opened once. Start a new run."
        )
    if not run.resumable:
        raise RunError(
            f"The run {run.name} is {state}, so there is nothing to resume; start a new run."
        )
    if not run.unprepared:
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

    If its process dies without a word, the last event says what it died on, or is a "failed" one
    with advice; a run that is gone was discarded. Closing this changes nothing.
    """
    last: ToldEvent | None = None
    told = time.monotonic()
    while run.exists:
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
    if not isinstance(last, _LAST):
        yield from _end_of(run, offset)


def _end_of(run: RunFolder, offset: int) -> Iterator[Batch]:
    """How a run ended, whether its process said so or not.

    Its last event follows its status; and whoever started a process that died may know more of it
    in a moment.
    """
    until = time.monotonic() + _LAST_WORD_SECONDS
    time.sleep(POLL_SECONDS)
    while not (events := run.events(offset)[0]) and time.monotonic() < until:
        if run.status().state not in ("finished", "stopped", "failed"):
            break
        time.sleep(POLL_SECONDS)
    if events:
        yield [*events]
        return
    status = run.status()
    while status.state == "interrupted" and not status.message and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        status = run.status()
    if status.state == "discarded" or not run.exists:
        yield [Discarded(time=time.time())]
    elif status.state == "stopped":
        yield [Stopped(time=time.time())]
    elif status.state == "interrupted":
        message, advice = status.message or _begun.said.get(absolute(run.path), ""), status.advice
        if not message:
            message, advice = death(None, run)
        yield [Failed(message=message, advice=advice, time=time.time())]


def pause(run: RunFolder) -> None:
    """Wait at the next step, after a checkpoint; `proceed` goes on."""
    require_writable(run.study)
    run.tell("pause")


def proceed(run: RunFolder) -> None:
    """Go on after a pause."""
    require_writable(run.study)
    run.tell("run")


def stop(run: RunFolder) -> None:
    """End training at the next step and leave what `kept_now` says at this moment.

    Either the best epoch is tested, or there is a run that may go on.
    """
    require_writable(run.study)
    run.tell("stop", tested=kept_now(run, "stop").tested)


def discard(run: RunFolder) -> None:
    """End training at the next step and delete the run's folder; also for runs that ended.

    A process that does not hear it ends itself in a moment, see `last_resort`; the folder goes
    with it.

    Raises:
        RunError: something of an ended run could not be deleted.
    """
    require_writable(run.study)
    if run.status().state in ACTIVE:
        run.tell("discard")
        _begun.insist(run)
    else:
        end_training(run)  # what it is read against may be on its way
        run.delete()


def going(run: RunFolder) -> bool:
    """Whether this process still has something done for a run, be it what it is read against."""
    return _begun.going(run)


def end_training(run: RunFolder) -> None:
    """Interrupt a training that this process began, if it goes on.

    It writes a checkpoint, where its method has them, and may be gone on with. A process that has
    not ended after `begun_trainings.END_SECONDS` is killed; the last checkpoint is left then.
    """
    _begun.end([absolute(run.path)])


def end_trainings() -> None:
    """The same for all trainings that this process began."""
    _begun.end()


def begin_training(
    worker: pool.Worker,
    run: RunFolder,
    orphaned: Orphaned,
    ended: Callable[[pool.Worker], object] = lambda worker: None,
    *,
    baselines: bool = True,
) -> int:
    """Have a run trained, or gone on with; its status and events tell the rest.

    Args:
        worker: does it.
        run: is also told of the process's death.
        orphaned: what to do if this process dies: stop the run, keep and test it; or end, so that
            the run is interrupted and may be gone on with.
        ended: called when the run came to its end, and its baselines are there.
        baselines: whether those are made when the run has its results.

    Returns:
        The call's number.
    """
    run.tell("run")
    with _status_lock:
        run.set_status("preparing", pid=worker.pid)
    with contextlib.closing(EventLog(run)) as log:
        log.write(Stage(name="preparing", process="started"))

    path = absolute(run.path)

    def handle(response: Response | pool.Crash) -> None:
        if isinstance(response, pool.Crash):
            _record_death(run, response)
            _begun.forget(path, worker)
        elif isinstance(response, Ended):
            try:
                settle_run(run)
                if isinstance(response, CallError):
                    _record_failure(run, response)
            except (OSError, PrismError):  # a full disk takes not even this
                _begun.said[path] = getattr(response, "message", "")
            _let_end(run, worker)
            if not baselines:
                finish()

    def finish(response: Response | pool.Crash | None = None) -> None:
        if response is None or isinstance(response, Ended | pool.Crash):
            _begun.forget(path, worker)
        if response is None or isinstance(response, Ended):
            ended(worker)

    _begun.add(path, worker)
    number = worker.send("train", TrainArguments(run=path), handle, orphaned)
    _begun.number(path, worker, number)
    if baselines:
        _begun.number(path, worker, worker.send("baselines", TrainArguments(run=path), finish))
    return number


def _let_end(run: RunFolder, worker: pool.Worker) -> None:
    """End the process of a run whose end could not be written, as on a full disk: as long as it
    lives the run would be said to go on."""
    status = run.status()
    if status.state in ACTIVE and status.here and status.pid == worker.pid:
        threading.Thread(target=worker.close, name=pool.EXPIRY, daemon=True).start()


_begun = BegunTrainings()
atexit.register(end_trainings)


def _record_death(run: RunFolder, crash: pool.Crash) -> None:
    """Say why a run's process died, which it could not say itself, or carry out what it died on."""
    with _status_lock:
        settle_run(run)
        if run.exists and run.status().state == "interrupted" and not crash.wanted:
            message, advice = death(crash.code, run, crash.printed + _last_printed(run))
            with append(run.log) as log:
                write_all(log, crash.printed.encode())
            run.set_status("interrupted", message=message, advice=advice)


def _record_failure(run: RunFolder, error: CallError) -> None:
    """Say why a run's process failed before it came to the run, where it would have said so."""
    with _status_lock:
        status = run.status()
        ours = status.state in ACTIVE and status.here
        if run.exists and (ours or status.state == "interrupted"):
            run.set_status("interrupted", message=error.message)


def _last_printed(run: RunFolder) -> str:
    """The end of what a run's process printed while it was at the run."""
    try:
        with open_foreign(run.log) as log:
            log.seek(max(0, run.log.stat().st_size - _LAST_PRINTED))
            return log.read(_LAST_PRINTED).decode("utf-8", "replace")
    except (OSError, PrismError):
        return ""


def _begin(run: RunFolder, orphaned: Orphaned = "stop", *, baselines: bool = True) -> None:
    worker = pool.take()
    try:
        # nothing is read beside a run that learns to write
        baselines = baselines and run.task == "judging"
        begin_training(worker, run, orphaned, pool.give_back, baselines=baselines)
    except BaseException:
        worker.close()
        raise


def _forget(run: RunFolder) -> None:
    """Delete a run when its process has written its last word."""
    until = time.monotonic() + _GRACE
    while run.status().state in ACTIVE and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    run.delete()
