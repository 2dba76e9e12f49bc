"""The process that trains: `python -m prism_desktop.engine.training.worker RUN`; with `--serve` one run after another.

It learns from a run's snapshot, not from the study's database, and listens to the run's control.json.
"""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.training.control import Control
from prism_desktop.engine.training.process import alive, birth
from prism_desktop.engine.training.run import ACTIVE, RunFolder

if TYPE_CHECKING:
    from prism_desktop.engine.training.workshop import Shelf

NICE = 5  # below the window's priority, so that it stays smooth
_THREADS = 0  # that torch chose by itself


def main(arguments: list[str] | None = None) -> int:
    """Train one run, or those named on standard input; 0 if it came to an end that was wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", help="the run's folder")
    parser.add_argument("--serve", action="store_true", help="train the runs that standard input names, a line each")
    parser.add_argument("--parent", type=int, help="stop and keep if this process is gone; with --serve just end")
    given = parser.parse_args(arguments)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    if given.serve:
        return _serve(given.parent)
    run = RunFolder.open(given.run)
    status = run.status()
    if status.state in ACTIVE - {"preparing"} and status.pid != os.getpid():
        print(f"Process {status.pid} trains this run already.", file=sys.stderr)
        return 2
    run.set_status("preparing", pid=os.getpid())  # before torch is imported, which takes seconds
    return work(run, Control(run, given.parent, birth(given.parent) if given.parent else ""))


def _serve(parent: int | None) -> int:
    """Train runs as they are asked for, so that imports, backbone and images are read once.

    Whoever asks watches the runs' statuses. If it dies, this process ends at once and leaves the present run
    interrupted, to be gone on with, rather than stopped and tested.
    """
    from prism_desktop.engine.training.workshop import Shelf

    born = birth(parent) if parent else ""
    shelf = Shelf()
    for line in sys.stdin:
        run = RunFolder.open(Path(line.removesuffix("\n")))
        with (run.path / "log.txt").open("ab") as output:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(output.fileno(), stream.fileno())
        work(run, Control(run), shelf, lambda: parent is not None and not alive(parent, born))
    return 0


def work(
    run: RunFolder, control: Control, shelf: "Shelf | None" = None, orphaned: Callable[[], bool] = lambda: False
) -> int:
    """Train in this process; whatever goes wrong becomes the run's status and last event. Returns an exit code.

    Args:
        run: a run with a snapshot.
        control: what the user tells.
        shelf: where the workshop of earlier runs lies.
        orphaned: whether the process is to end where it stands.
    """
    failure: BaseException | None = None
    try:
        from prism_desktop.engine.training.session import train_run

        prepare_torch(run)
        step_back()  # only now: the imports above are what the user waits for
        for _ in train_run(run, control, shelf=shelf):
            if orphaned():
                os._exit(1)
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
    from prism_desktop.engine.training.failures import describe, refused
    from prism_desktop.engine.training.log import EventLog

    message, advice = describe(failure, run)
    log = EventLog(run)
    log.write(as_json(Failed(message, advice, refused(failure, run))))
    log.close()
    run.set_status("failed", message=message, advice=advice)


def step_back() -> None:
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        with contextlib.suppress(OSError):
            os.nice(max(0, NICE - os.nice(0)))


def prepare_torch(run: RunFolder) -> None:
    """The threads that the run began with, and deterministic arithmetic."""
    import torch

    global _THREADS
    _THREADS = _THREADS or torch.get_num_threads()
    torch.set_num_threads(int(run.config().threads or run.environment().get("threads") or _THREADS))
    torch.use_deterministic_algorithms(True, warn_only=True)


if __name__ == "__main__":
    sys.exit(main())
