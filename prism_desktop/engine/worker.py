"""The process that trains and does other long work:
`python -m prism_desktop.engine.worker --parent PID`.

`workers` starts it. A training learns from the run's snapshot, not from the study's database, and
heeds control.json.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.processes.process_setup import (
    lower_priority,
    prepare_torch,
    release_torch,
)
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.processes_alive import alive, birth

if TYPE_CHECKING:
    from prism_desktop.engine.training.resources import ResourceCache

_SHELF: "ResourceCache | None" = None  # what runs share


def main(arguments: list[str] | None = None) -> int:
    """Do what standard input asks, a line of JSON each.

    {run, orphaned}: train; the run's status and events tell the rest. If the parent dies, the run
    is stopped, kept and tested where `orphaned` is "stop"; else this process ends where it stands
    and leaves the run interrupted, to be gone on with. {module, arguments}: call the module's
    `serve`, see `speaking`. {rest}: let go of what runs shared, and get ready for more.

    After the first two standard output says {event: "ended", fit, gpu}: whether nothing unforeseen
    happened, so that more may be asked, and whether the GPU was used.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process that asks")
    parent = parser.parse_args(arguments).parent
    born = birth(parent)
    # what cuBLAS needs to be deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with contextlib.suppress(BrokenPipeError), _private_streams() as (asked, channel):
        for message in map(json.loads, asked):
            if "rest" in message:
                _rest()
                continue
            if "run" in message:
                fit = _train(Path(message["run"]), parent, born, keep=message["orphaned"] == "stop")
            else:
                fit = importlib.import_module(message["module"]).serve(
                    channel, *message["arguments"]
                )
            channel.write(json.dumps({"event": "ended", "fit": fit, "gpu": _used_gpu()}) + "\n")
            if not fit:
                break
    return 0


@contextlib.contextmanager
def _private_streams() -> Iterator[tuple[IO[str], IO[str]]]:
    """Standard input and output for this module alone: libraries
    read nothing, and what they print goes to errors."""
    with (
        os.fdopen(os.dup(0), encoding="utf-8") as asked,
        os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as channel,
        Path(os.devnull).open("rb") as nothing,
    ):
        os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        yield asked, channel


@contextlib.contextmanager
def _print_into(path: Path) -> Iterator[None]:
    """Let what is printed go into a file, and close it: not every system deletes what is open."""
    before = os.dup(2)
    try:
        with path.open("ab") as output:
            _redirect(output.fileno())
        yield
    finally:
        _redirect(before)
        os.close(before)


def _redirect(target: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(target, stream.fileno())


def _train(path: Path, parent: int, born: str, keep: bool) -> bool:
    from prism_desktop.engine.training.resources import ResourceCache

    global _SHELF
    _SHELF = _SHELF or ResourceCache()
    run = RunFolder.open(path)
    with _print_into(run.log):
        control = Control(run, parent if keep else None, born)
        return work(run, control, _SHELF, _never if keep else lambda: not alive(parent, born))


def _rest() -> None:
    lower_priority()
    from prism_desktop.engine.training import session  # noqa: F401  # what a training waits for

    if _SHELF is not None:
        _SHELF.clear()
    release_torch()


def _used_gpu() -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return bool(
        torch.cuda.is_initialized()
        or (torch.backends.mps.is_available() and torch.mps.driver_allocated_memory())
    )


def _never() -> bool:
    return False


def work(
    run: RunFolder,
    control: Control,
    resource_cache: "ResourceCache | None" = None,
    orphaned: Callable[[], bool] = _never,
) -> bool:
    """Train in this process; whatever goes wrong becomes the run's status and last event.

    Args:
        run: a run with a snapshot.
        control: what the user tells.
        shelf: where the workshop of earlier runs lies.
        orphaned: whether the process is to end where it stands.

    Returns:
        Whether nothing unforeseen happened.
    """
    failure: BaseException | None = None
    try:
        from prism_desktop.engine.training.session import train_run

        prepare_torch(run)
        lower_priority()  # only now: the imports above are what the user waits for
        for _ in train_run(run, control, resource_cache=resource_cache):
            if orphaned():
                os._exit(1)
    except Exception as error:
        failure = error
        if not isinstance(error, PrismError):
            traceback.print_exc()
        # Tensors hang on the frames of the traceback; without them there may be memory again to
        # report with.
        failure.__traceback__ = failure.__context__ = failure.__cause__ = None
    if failure is not None:
        _report(run, failure)
    return failure is None or isinstance(failure, PrismError)


def _report(run: RunFolder, failure: BaseException) -> None:
    from prism_desktop.engine.processes.failures import describe, refused
    from prism_desktop.engine.runs.event_log import EventLog
    from prism_desktop.engine.runs.run_events import Failed

    message, advice = describe(failure, run)
    with contextlib.closing(EventLog(run)) as log:
        log.write(Failed(message=message, advice=advice, refused=refused(failure, run)))
    run.set_status("failed", message=message, advice=advice)


if __name__ == "__main__":
    sys.exit(main())
