"""What runs in a job: one training, which the job's end interrupts so that it may be gone on with.

    python -m prism_desktop.engine.processes.job_entry [--baselines] RUN...

Of several runs, as an array of jobs is given them, the one at the job's own place. A run that is
finished, or at which somebody else is, is left alone, so that none is trained twice.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from prism_desktop.engine import orders_to_end
from prism_desktop.engine.blas_threads import ONE_BLAS_THREAD
from prism_desktop.engine.runs.process_identity import this_job

if TYPE_CHECKING:
    from prism_desktop.engine.runs.folder import RunFolder
    from prism_desktop.engine.runs.status import Status

_LOOK_SECONDS = 1.0
_AGAIN = "The same command goes on from its last checkpoint."


class JobEndedError(BaseException):
    """The job is to end; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main() -> NoReturn:
    """Train the run of this job."""
    hear()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baselines", action="store_true", help="make what it is read against")
    parser.add_argument("runs", type=Path, nargs="+")
    asked = parser.parse_args()
    sys.exit(train(own_place(asked.runs), baselines=asked.baselines))


def own_place(folders: Sequence[Path]) -> Path:
    """Of the folders that an array of jobs is given, this job's."""
    place = int(os.environ.get("SLURM_ARRAY_TASK_ID", "0")) if len(folders) > 1 else 0
    return folders[place]


def hear() -> None:
    """Have the orders by which Slurm and `kill` end a job end it in order, by a JobEndedError;
    before anything else is imported, for which it also sets the threads."""
    for name, value in ONE_BLAS_THREAD.items():
        os.environ.setdefault(name, value)

    def end(number: int) -> NoReturn:
        raise JobEndedError(number)

    for name in ("SIGTERM", "SIGINT", "SIGUSR2"):
        if hasattr(signal, name):
            orders_to_end.hear(getattr(signal, name), end)


def train(path: Path, *, baselines: bool) -> int:
    """Train a run to its end; returns the exit code."""
    from prism_desktop.engine.errors import PrismError, RunError
    from prism_desktop.engine.faults import fault_of
    from prism_desktop.engine.processes import supervisor
    from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
    from prism_desktop.engine.runs.run_events import Failed

    failed = False
    try:
        run = RunFolder.open(path)
        status = _after_a_requeue(run)
        if status.state in ACTIVE or not run.resumable:
            print(f"The run {run.name} is {status.state}{status.where}; nothing is left to do.")
            return 0
        going = supervisor.resume(run, "end", baselines=baselines)
        with contextlib.closing(supervisor.attend(going)) as batches:
            for batch in batches:
                status = run.status()
                if status.state in ACTIVE and not status.here:
                    raise RunError(f"The run {run.name} goes on{status.where}; this job left it.")
                for event in batch:
                    if isinstance(event, Failed):
                        failed = True
                        print(event.message, event.advice, file=sys.stderr, flush=True)
    except JobEndedError as order:
        _say_why(RunFolder(path), order.number)
        return 128 + order.number
    except (OSError, PrismError) as error:
        print(fault_of(error) or error, file=sys.stderr, flush=True)
        return 1
    return int(failed)


def _after_a_requeue(run: "RunFolder") -> "Status":
    """How a run stands; where Slurm began this job anew on another computer, as its first one was
    lost, once it is clear that nobody works there any more."""
    from prism_desktop.engine.runs.folder import ACTIVE

    status, job = run.status(), this_job()
    while job and status.job == job and not status.here and status.state in ACTIVE:
        time.sleep(_LOOK_SECONDS)
        status = run.status()
    return status


def _say_why(run: "RunFolder", number: int) -> None:
    """Put into the run's folder why it was interrupted."""
    if not run.exists or run.status().state != "interrupted":
        return
    job = this_job()
    who = f"Slurm job {job}" if job else f"The job, process {os.getpid()},"
    soon = number == getattr(signal, "SIGUSR2", None)
    why = "neared its time limit" if soon else "was told to end"
    run.set_status("interrupted", message=f"{who} {why}.", advice=_AGAIN)


if __name__ == "__main__":
    main()
