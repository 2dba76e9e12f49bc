"""Processes for what needs torch: trainings and shorter work, one after another.

The other end is `worker.py`; `messages` are what the two write to each other.

Starting one takes seconds, as torch, open_clip and PEFT are imported; so one that has done its work
waits some minutes for the next. Needs no torch itself: the window and the command line import it.
"""

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from pydantic import BaseModel

from prism_desktop.engine import access
from prism_desktop.engine.blas_threads import ONE_BLAS_THREAD
from prism_desktop.engine.processes.messages import (
    Call,
    Cancel,
    Ended,
    Message,
    Orphaned,
    Response,
    Rest,
    read_response,
)

EXPIRY = "a worker waits"  # name of the thread that ends it one day
ENTRY = "prism_desktop.engine.worker"
_IDLE_SECONDS = 600.0  # that a worker waits
_GRACE_SECONDS = 2.0  # for a worker to end by itself
_CANCEL_SECONDS = 1.0  # that cancelled work has to end, so that its worker can be used again
_PRINTED = 8000  # characters of what a crashed process printed, its end


@dataclass(frozen=True, slots=True)
class Crash:
    """A process that ended before it ended a call."""

    code: int  # exit code; negative: the signal that ended it
    printed: str  # what it printed since it was last idle, its end at most
    wanted: bool  # it was closed from here


Handler = Callable[[Response | Crash], object]


class Worker:
    """A process of this one's, which does not outlive it for long.

    It belongs to one caller at a time, who may send several calls; they are answered one after
    another. Once anything unforeseen has happened in it, it ends with the last call that it was
    sent.
    """

    def __init__(self, entry: str = ENTRY) -> None:
        """Start a process.

        Args:
            entry: the module that runs in it.
        """
        self.folder = _folder()
        # lives as long as the process
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._printed_before = 0  # bytes of it that belong to earlier calls
        try:
            self._process = subprocess.Popen(
                # -P: no module of the user's, from the folder at hand
                [sys.executable, "-P", "-m", entry, "--parent", str(os.getpid())],
                # idle threads must not spin on the window's cores
                env={"OMP_WAIT_POLICY": "PASSIVE", **ONE_BLAS_THREAD, **os.environ},
                start_new_session=True,  # Ctrl-C is for the parent, which tells the child
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
            )
        except BaseException:
            self._printed.close()
            raise
        self._changed = threading.Condition()
        self._handlers: dict[int, Handler] = {}  # of calls that have not ended
        self._handling = 0  # calls that have ended, but whose handler has not returned
        self._sent = 0
        self._reading = False  # a thread reads responses while there are calls
        self._crash: Crash | None = None
        self._healthy = True
        self._closing = False
        self.used_gpu = False

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can be given more work: it is there, and nothing unforeseen happened in it."""
        return self._healthy and not self._closing and self._process.poll() is None

    def send(
        self, service: str, arguments: BaseModel, handle: Handler, orphaned: Orphaned = "end"
    ) -> int:
        """Ask for work.

        Args:
            service: one of `worker.SERVICES`.
            arguments: the service's own model.
            handle: called in another thread with each response; the last one says how the call
                ended, or is a `Crash`.
            orphaned: what becomes of the work if this process dies.

        Returns:
            The call's number, for `cancel`.
        """
        with self._changed:
            number, self._sent = self._sent, self._sent + 1
            crash = self._crash
            if crash is None:
                self._read_responses_of(number, handle)
        if crash is not None:
            handle(crash)
            return number
        content = arguments.model_dump(mode="json")
        self._write(
            Call(id=number, call=service, arguments=content, orphaned=orphaned, held=access.held())
        )
        return number

    def cancel(self, number: int) -> None:
        """Nobody waits for a call any more: it ends between two of its events.

        Harmless if it has ended.
        """
        with self._changed:
            going_on = number in self._handlers
        if going_on:
            self._write(Cancel(cancel=number))

    def rest(self) -> None:
        """Let go of what calls shared, and get ready for more."""
        self._write(Rest())

    def settle(self, seconds: float) -> bool:
        """Wait until no call is left; False if there still is some after so many seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._handlers and not self._handling, seconds
            )

    def close(self) -> int:
        """End the process, wherever it stands; whoever waits for a call is told of a crash.

        Returns:
            The exit code.
        """
        self._closing = True
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._changed:
            self._changed.wait_for(lambda: not self._handlers, _GRACE_SECONDS)
            if not self._reading:
                self._crash = self._crash or Crash(self._process.returncode, "", True)
                self._close_streams()
        return self._process.returncode

    def _read_responses_of(self, number: int, handle: Handler) -> None:
        """Begin to read if nobody does; the lock is held."""
        if not self._handlers:
            self._printed_before = self._printed.seek(0, os.SEEK_END)
        if not self._reading:
            threading.Thread(target=self._read, name=f"worker {self.pid}", daemon=True).start()
        self._reading = True
        self._handlers[number] = handle

    def _write(self, message: Message) -> None:
        assert self._process.stdin is not None
        # of a process that died, whoever reads its responses tells
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(message.line())
            self._process.stdin.flush()

    def _read(self) -> None:
        """Pass responses on until no call is left, or the process died."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            response = read_response(line)
            if response is None:
                continue
            if isinstance(response, Ended):
                if self._end_call(response):
                    return
                continue
            with self._changed:
                handle = self._handlers.get(response.id)
            if handle is not None:
                handle(response)
        self._collect_crash()

    def _end_call(self, response: Ended) -> bool:
        """Pass a call's last response on; whether it was the last call."""
        with self._changed:
            handle = self._handlers.pop(response.id, None)
            self._handling += 1
            self._healthy &= response.healthy
            self.used_gpu |= response.used_gpu
            last = not self._handlers
            # before the handler, which may give the worker to somebody who sends the next call
            self._reading = not last
            ended = last and not self._healthy
        try:
            if handle is not None:
                handle(response)
        finally:
            with self._changed:
                self._handling -= 1
                self._changed.notify_all()
        if ended:
            self.close()
        return last

    def _collect_crash(self) -> None:
        """Tell all who wait that the process died at work or before."""
        code = self._process.wait()
        self._printed.seek(self._printed_before)
        printed = self._printed.read().decode("utf-8", "replace")[-_PRINTED:]
        with self._changed:
            self._crash = Crash(code, printed, self._closing)
            handlers, self._handlers = list(self._handlers.values()), {}
            self._handling += 1
            self._reading = False
            self._close_streams()
        try:
            for handle in handlers:
                handle(self._crash)
        finally:
            with self._changed:
                self._handling -= 1
                self._changed.notify_all()

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._printed):
            with contextlib.suppress(OSError):  # what a dead process did not read
                if stream is not None:
                    stream.close()


class _Waiting:
    """The worker that waits, if there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._timer: threading.Timer | None = None
        self.closed = False

    def swap(self, worker: Worker | None) -> Worker | None:
        """Put another in its place, which is ended when it has waited long enough."""
        with self._lock:
            if worker is not None and self.closed:
                return worker
            before, self._worker = self._worker, worker
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            if worker is not None:
                self._timer = threading.Timer(_IDLE_SECONDS, self._expire, [worker])
                self._timer.daemon, self._timer.name = True, EXPIRY
                # the program is ending, and the worker with it
                with contextlib.suppress(RuntimeError):
                    self._timer.start()
        return before

    def _expire(self, worker: Worker) -> None:
        with self._lock:
            if self._worker is not worker:
                return
            self._worker = None
        worker.close()


_waiting = _Waiting()


def _folder() -> str:
    """Where a worker starts: as typed paths are meant from the folder at hand, in that; if somebody
    deleted it, in one that lasts, for nothing can be loaded without any."""
    try:
        return os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return sys.prefix


def take() -> Worker:
    """The worker that waits, or a new one."""
    worker = _waiting.swap(None)
    if worker is not None and worker.usable and worker.folder == _folder():
        return worker
    if worker is not None:
        worker.close()
    return Worker()


def give_back(worker: Worker) -> None:
    """Let a worker without work wait for the next, and get ready for it; of several one waits.

    One that used the GPU keeps some of its memory for as long as it lives, so a new one waits in
    its place.
    """
    if not worker.usable or worker.used_gpu:
        worker.close()
        if not worker.used_gpu or _waiting.closed:
            return
        worker = Worker()
    worker.rest()
    before = _waiting.swap(worker)
    if before is not None:
        before.close()


def release(worker: Worker) -> None:
    """Give a worker back whose calls have ended or are cancelled; one that goes on is ended."""
    if worker.settle(_CANCEL_SECONDS):
        give_back(worker)
    else:
        worker.close()


def get_ready() -> None:
    """Have a worker wait for what the user is about to ask for; returns at once."""

    def start() -> None:
        with contextlib.suppress(OSError):  # it would only have saved time
            give_back(take())

    threading.Thread(target=start, name=EXPIRY, daemon=True).start()


def close_waiting() -> None:
    """End the worker that waits."""
    worker = _waiting.swap(None)
    if worker is not None:
        worker.close()


@atexit.register
def _close() -> None:
    _waiting.closed = True
    close_waiting()
