"""Calls to workers, as generators of events: what needs torch is done in another process.

Importing this needs neither torch nor pandas.
"""

import contextlib
import logging
import queue
from collections.abc import Generator
from typing import Any

from pydantic import BaseModel

from prism_desktop.engine.errors import MachineError, RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.faults import KEPT
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.failures import ending
from prism_desktop.engine.processes.messages import (
    CallCancelled,
    CallError,
    CallNotice,
    CallProgress,
    CallResult,
    Response,
)

# seconds after which the last progress is told again, so that whoever waits can end the work
_HEARTBEAT = 0.25
_log = logging.getLogger(__name__)


class CrashError(RunError, MachineError):
    """The process died at work."""

    def __init__(self, what: str, crash: pool.Crash) -> None:
        self.crash = crash
        super().__init__(
            f"{what} failed: its process {ending(crash.code, crash.printed)}. {KEPT} Close other "
            "programs and try again."
        )


def call(service: str, arguments: BaseModel, what: str) -> Generator[Event[Any], None, None]:
    """Have a service's work done by a worker, and pass its events on; closing this cancels it.

    Cancelled work that does not end in a second is ended with its process.

    Args:
        service: one of `worker.SERVICES`.
        arguments: the service's own model.
        what: the first progress says, until the work says its own.

    Raises:
        RunError: one sentence; what could not be done.
    """
    yield Progress(0, None, what)
    worker = pool.take()
    try:
        with contextlib.closing(receive(worker, service, arguments, what)) as events:
            result = yield from value(events)
    finally:
        pool.release(worker)
    yield Done(result)  # when the worker is free again


def receive(
    worker: pool.Worker, service: str, arguments: BaseModel, what: str
) -> Generator[Event[Any], None, None]:
    """The same with a worker that the caller holds, who gives it back; closing this only asks the
    worker to cancel."""
    progress = Progress(0, None, what)
    responses: queue.SimpleQueue[Response | pool.Crash] = queue.SimpleQueue()
    number = worker.send(service, arguments, responses.put)
    try:
        while True:
            try:
                response = responses.get(timeout=_HEARTBEAT)
            except queue.Empty:
                yield progress
                continue
            match response:
                case CallProgress():
                    progress = Progress(response.done, response.total, response.what)
                    yield progress
                case CallNotice():
                    yield Notice(response.text)
                case CallResult():
                    yield Done(response.value)
                    return
                case _:
                    raise _failure(response, what)
    finally:
        worker.cancel(number)


def _failure(response: CallError | CallCancelled | pool.Crash, what: str) -> RunError:
    """What could not be done, in a sentence; logged whole if nobody foresaw it."""
    if isinstance(response, pool.Crash):
        error: RunError = CrashError(what, response)
        if not response.wanted:
            _log.error("%s\n%s", error, response.printed)
        return error
    if isinstance(response, CallCancelled):
        return RunError(f"{what} was cancelled.")
    if response.details:
        _log.error("%s\n%s", response.message, response.details)
    failed = RunError(response.message)
    failed.exit_code = response.exit_code
    return failed
