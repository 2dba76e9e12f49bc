"""Long work in a process of its own, told as JSON lines:
progress, notice, and result {value} or error {message}.

The window loads no torch, so whatever needs it is done elsewhere (`workers`). A module whose work
may be asked for has a function `serve(channel, *arguments)` that returns what `speak` does;
`listen` is the other end. Importing this needs neither torch nor pandas.
"""

import json
import logging
import queue
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import IO, Any, NoReturn, TypeVar

from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.processes import pool

T = TypeVar("T")

# seconds after which the last progress is told again, so that whoever waits can end the work
_HEARTBEAT = 0.25
_log = logging.getLogger(__name__)


def speak(
    channel: IO[str], work: Callable[[], Iterator[Event[T]]], told: Callable[[T], Any], what: str
) -> bool:
    """Do the work and tell its events.

    Args:
        channel: to the one who asked.
        work: what to do.
        told: the result as JSON.
        what: could not be done, if it fails for a reason that nobody foresaw: "The run could not be
            adapted".

    Returns:
        Whether nothing unforeseen happened.
    """

    def tell(**message: Any) -> None:
        channel.write(json.dumps(message) + "\n")

    before = signal.signal(signal.SIGTERM, _end)
    try:
        for event in work():
            if isinstance(event, Progress):
                tell(event="progress", done=event.done, total=event.total, what=event.what)
            elif isinstance(event, Notice):
                tell(event="notice", text=event.text)
            else:
                tell(event="result", value=told(event.value))
    except PrismError as error:
        tell(event="error", message=str(error))
    except BrokenPipeError:
        raise  # nobody listens any more
    except Exception as error:  # whoever asked must hear it
        traceback.print_exc()
        tell(event="error", message=f"{what} ({type(error).__name__}: {error}).", bug=True)
        return False
    finally:
        signal.signal(signal.SIGTERM, before)
    return True


def listen(module: str, *arguments: str, what: str) -> Iterator[Event[Any]]:
    """Have a module's work done by a worker, and pass its events on; closing this ends the work.

    Args:
        module: whose `serve` is called.
        arguments: of `serve`.
        what: the first progress says, until the work says its own.

    Raises:
        RunError: one sentence; what could not be done.
    """
    progress = Progress(0, None, what)
    yield progress
    done: Done[Any] | None = None
    wrong: dict[str, Any] | None = None
    worker, ended, code = pool.take(), False, 0
    try:
        for message in _messages(worker.ask(module, arguments)):
            match message["event"]:
                case "progress":
                    progress = Progress(message["done"], message["total"], message["what"])
                    yield progress
                case "notice":
                    yield Notice(message["text"])
                case "error":
                    wrong = message
                case "result":
                    done = Done(message["value"])  # told when everything is put away
                case "ended":
                    ended = True
                case "beat":
                    yield progress
        printed = worker.printed()
    finally:
        if ended:
            pool.give_back(worker)
        else:
            code = worker.close()
    if wrong is None and done is None:
        wrong = {"message": f"{what} failed: its process {_ending(code)}.", "bug": True}
    if wrong is not None:
        if wrong.get("bug"):
            _log.error("%s\n%s", wrong["message"], printed)
        raise RunError(wrong["message"])
    assert done is not None
    yield done


def _messages(heard: "queue.SimpleQueue[pool.Message | None]") -> Iterator[pool.Message]:
    """All that arrive, and beats while none does, to the last word or the process's death."""
    while True:
        try:
            message = heard.get(timeout=_HEARTBEAT)
        except queue.Empty:
            yield {"event": "beat"}
            continue
        if message is None:
            return
        yield message
        if message["event"] == "ended":
            return


def _ending(code: int) -> str:
    return (
        "was ended, most often because memory ran out"
        if code == -9
        else f"ended unexpectedly (code {code})"
    )


def _end(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)  # so that the work's own `finally` blocks run
