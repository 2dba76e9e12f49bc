"""The process that trains: `python -m prism_desktop.engine.training.worker RUN`.

It reads the run's snapshot, never the study's database, and listens to the run's control.json.
"""

import argparse
import contextlib
import os
import sys
import traceback
from pathlib import Path

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.training.control import Control
from prism_desktop.engine.training.process import birth
from prism_desktop.engine.training.run import ACTIVE, RunFolder

NICE = 5  # below the window's priority, so that it stays smooth


def main(arguments: list[str] | None = None) -> int:
    """Train one run; 0 if it came to an end that was wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--parent", type=int, help="stop and keep if this process is gone")
    given = parser.parse_args(arguments)
    run = RunFolder.open(given.run)
    status = run.status()
    if status.state in ACTIVE - {"preparing"} and status.pid != os.getpid():
        print(f"Process {status.pid} trains this run already.", file=sys.stderr)
        return 2
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    run.set_status("preparing", pid=os.getpid())  # before torch is imported, which takes seconds
    return work(run, Control(run, given.parent, birth(given.parent) if given.parent else ""))


def work(run: RunFolder, control: Control) -> int:
    """Train in this process; whatever goes wrong becomes the run's status and last event. Returns an exit code."""
    failure: BaseException | None = None
    try:
        from prism_desktop.engine.training.session import train_run

        _prepare_torch(run)
        _step_back()  # only now: the imports above are what the user waits for
        for _ in train_run(run, control):
            pass
    except Exception as error:
        failure = error
        if not isinstance(error, PrismError):
            traceback.print_exc()
        # Tensors hang on the frames of the traceback; without them there may be memory again to report with.
        failure.__traceback__ = failure.__context__ = failure.__cause__ = None
    if failure is None:
        return 0
    _report(run, failure)
    return 1


def _report(run: RunFolder, failure: BaseException) -> None:
    from prism_desktop.engine.training.events import Failed, as_json
    from prism_desktop.engine.training.failures import describe
    from prism_desktop.engine.training.log import EventLog

    message, advice = describe(failure, run)
    log = EventLog(run)
    log.write(as_json(Failed(message, advice)))
    log.close()
    run.set_status("failed", message=message, advice=advice)


def _step_back() -> None:
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        with contextlib.suppress(OSError):
            os.nice(NICE)


def _prepare_torch(run: RunFolder) -> None:
    """The threads that the run began with, and deterministic arithmetic."""
    import torch

    threads = run.config().threads or run.environment().get("threads")
    if threads:
        torch.set_num_threads(int(threads))
    torch.use_deterministic_algorithms(True, warn_only=True)


if __name__ == "__main__":
    sys.exit(main())
