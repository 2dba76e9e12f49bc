"""The process that trains, one run after another: `python -m prism_desktop.engine.training.worker --parent PID`.

It learns from a run's snapshot, not from the study's database, and listens to the run's control.json.
"""

import argparse
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.training.control import Control
from prism_desktop.engine.training.process import alive, birth
from prism_desktop.engine.training.run import RunFolder

if TYPE_CHECKING:
    from prism_desktop.engine.training.workshop import Shelf

NICE = 5  # below the window's priority, so that it stays smooth
_THREADS = 0  # that torch chose by itself


def main(arguments: list[str] | None = None) -> int:
    """Do what standard input asks, a line of JSON each.

    {run, orphaned}: train. A line of standard output says that the run came to an end; its status and events say to
    which. If the parent dies, the run is stopped, kept and tested where `orphaned` is "stop"; else this process ends
    where it stands and leaves the run interrupted, to be gone on with.
    {device}: tell as JSON which device "auto" means, and get ready for a run.
    {forget}: let go of what runs shared.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process that asks")
    parent = parser.parse_args(arguments).parent
    born = birth(parent)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    with contextlib.suppress(BrokenPipeError), os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as line:
        os.dup2(2, 1)  # libraries print what they like
        shelf: Shelf | None = None
        for asked in map(json.loads, sys.stdin):
            if "device" in asked:
                line.write(_device() + "\n")
                step_back()
                shelf = _shelf()
            elif "forget" in asked and shelf is not None:
                shelf.clear()
            elif "run" in asked:
                run, stop = RunFolder.open(Path(asked["run"])), asked["orphaned"] == "stop"
                _print_into(run.path / "log.txt")
                control = Control(run, parent if stop else None, born)
                shelf = shelf or _shelf()
                work(run, control, shelf, _never if stop else lambda: not alive(parent, born))
                _print_into(os.devnull)
                line.write("ended\n")
    return 0


def _device() -> str:
    from prism_desktop.engine.device import choose_device

    found = choose_device("auto")
    return json.dumps({"kind": found.kind, "name": found.name, "why": found.why})


def _shelf() -> "Shelf":
    """An empty one; after this all is imported that training needs."""
    from prism_desktop.engine.training import session  # noqa: F401
    from prism_desktop.engine.training.workshop import Shelf

    return Shelf()


def _print_into(path: str | Path) -> None:
    """Let go of the last run's log too: what is open cannot be deleted on every system."""
    with Path(path).open("ab") as output:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(output.fileno(), stream.fileno())


def _never() -> bool:
    return False


def work(run: RunFolder, control: Control, shelf: "Shelf | None" = None, orphaned: Callable[[], bool] = _never) -> None:
    """Train in this process; whatever goes wrong becomes the run's status and last event.

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
    if failure is not None:
        _report(run, failure)


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
