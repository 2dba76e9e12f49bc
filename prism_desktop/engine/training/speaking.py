"""Long work in a child process, told as JSON lines: progress, notice, and at the end result {value} or error {message}.

The window loads no torch, so whatever needs it is done in a process of its own. `speak` is the child's end of the line,
`listen` the parent's. Importing this needs neither torch nor pandas.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from typing import IO, Any, NoReturn, TypeVar

from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress

T = TypeVar("T")

_GRACE_SECONDS = 2.0  # for a child to put away what it has begun
_log = logging.getLogger(__name__)


def speak(work: Callable[[], Iterator[Event[T]]], told: Callable[[T], Any], what: str) -> int:
    """Do a child's work and tell its events on standard output; returns the exit code.

    Args:
        work: what to do.
        told: the result as JSON.
        what: could not be done, if it fails for a reason that nobody foresaw: "The run could not be adapted".
    """
    line = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # libraries print what they like
    signal.signal(signal.SIGTERM, _end)

    def tell(**message: Any) -> None:
        line.write(json.dumps(message) + "\n")

    try:
        for event in work():
            if isinstance(event, Progress):
                tell(event="progress", done=event.done, total=event.total, what=event.what)
            elif isinstance(event, Notice):
                tell(event="notice", text=event.text)
            else:
                tell(event="result", value=told(event.value))
    except BrokenPipeError:  # nobody listens any more
        return 1
    except PrismError as error:
        tell(event="error", message=str(error))
        return 1
    except Exception as error:  # whoever asked must hear it
        traceback.print_exc()
        tell(event="error", message=f"{what} ({type(error).__name__}: {error}).", bug=True)
        return 1
    return 0


def listen(module: str, *arguments: str, what: str) -> Iterator[Event[Any]]:
    """Start a child that speaks, and pass its events on; closing this ends the child.

    Args:
        module: to run; its `main` calls `speak`.
        arguments: its command line.
        what: the first progress says, until the child says its own.

    Raises:
        RunError: one sentence; what the child could not do.
    """
    yield Progress(0, None, what)
    errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=errors,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},  # idle threads must not spin on the window's cores
        start_new_session=True,  # Ctrl-C is for the parent
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert child.stdout is not None
    done: Done[Any] | None = None
    try:
        for line in child.stdout:
            message: dict[str, Any] = json.loads(line)
            match message["event"]:
                case "progress":
                    yield Progress(message["done"], message["total"], message["what"])
                case "notice":
                    yield Notice(message["text"])
                case "error":
                    if message.get("bug"):
                        _log.error("%s\n%s", message["message"], _tail(errors))
                    raise RunError(message["message"])
                case "result":
                    done = Done(message["value"])  # told when the child has put everything away
        code = child.wait()
        if done is None:
            _log.error("A process of %s ended with code %s.\n%s", module, code, _tail(errors))
            raise RunError(f"{what} failed: its process {_ending(code)}.")
        yield done
    finally:
        _put_away(child)
        errors.close()


def _ending(code: int) -> str:
    return "was ended, most often because memory ran out" if code == -9 else f"ended unexpectedly (code {code})"


def _tail(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode("utf-8", "replace")[-8000:]


def _put_away(child: "subprocess.Popen[str]") -> None:
    if child.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.terminate()
            child.wait(_GRACE_SECONDS)
    if child.poll() is None:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _end(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)  # so that the work's own `finally` blocks run
