"""The process that trains and does other long work: `python -m prism_desktop.engine.training.worker --parent PID`.

`hosts` starts it. A training learns from the run's snapshot, not from the study's database, and heeds control.json.
"""

import argparse
import contextlib
import importlib
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
from prism_desktop.engine.training.readiness import prepare_torch, release_torch, step_back
from prism_desktop.engine.training.run import RunFolder

if TYPE_CHECKING:
    from prism_desktop.engine.training.workshop import Shelf

_SHELF: "Shelf | None" = None  # what runs share


def main(arguments: list[str] | None = None) -> int:
    """Do what standard input asks, a line of JSON each; {event: "ended"} on standard output follows each.

    {run, orphaned}: train; the run's status and events tell the rest. If the parent dies, the run is stopped, kept and
    tested where `orphaned` is "stop"; else this process ends where it stands and leaves the run interrupted, to be gone
    on with.
    {module, arguments, log}: call the module's `serve`, see `speaking`.
    {}: let go of what runs shared, and get ready.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process that asks")
    parent = parser.parse_args(arguments).parent
    born = birth(parent)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    with contextlib.suppress(BrokenPipeError), os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as line:
        os.dup2(2, 1)  # libraries print what they like
        for asked in map(json.loads, sys.stdin):
            if "run" in asked:
                _train(RunFolder.open(Path(asked["run"])), parent, born, keep=asked["orphaned"] == "stop")
            elif "module" in asked:
                _print_into(asked["log"])
                importlib.import_module(asked["module"]).serve(line, *asked["arguments"])
            else:
                _get_ready()
                continue
            _print_into(os.devnull)
            line.write(json.dumps({"event": "ended"}) + "\n")
    return 0


def _train(run: RunFolder, parent: int, born: str, keep: bool) -> None:
    from prism_desktop.engine.training.workshop import Shelf

    global _SHELF
    _print_into(run.log)
    _SHELF = _SHELF or Shelf()
    work(run, Control(run, parent if keep else None, born), _SHELF, _never if keep else lambda: not alive(parent, born))


def _get_ready() -> None:
    """Give memory back, and import what training needs."""
    step_back()
    from prism_desktop.engine.training import session  # noqa: F401

    if _SHELF is not None:
        _SHELF.clear()
    release_torch()


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


if __name__ == "__main__":
    sys.exit(main())
