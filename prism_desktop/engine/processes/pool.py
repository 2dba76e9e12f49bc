"""Processes for what needs torch: trainings and shorter work, one after another.

The other end is `worker.py`.

Starting one takes seconds, as torch, open_clip and PEFT are imported; so one that has done its work
waits some minutes for the next. Needs no torch itself: the window and the command line import it.
"""

import atexit
import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Literal

from prism_desktop.engine.processes.failures import death
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.processes_alive import end_python, start_python
from prism_desktop.engine.runs.run_events import Stage

EXPIRY = "a worker waits"  # name of the thread that ends it one day
_MODULE = "prism_desktop.engine.worker"
_IDLE_SECONDS = 600.0  # that a worker waits
_GRACE_SECONDS = 2.0  # for a worker to end by itself
_EVENTS = {"progress", "notice", "result", "error", "ended"}
# a dead worker's end must not overwrite the status of the next one's start
_status_lock = threading.Lock()

Message = dict[str, Any]
Orphaned = Literal["stop", "end"]


class Worker:
    """A process of this one's, which does not outlive it for long.

    It belongs to one caller at a time.
    """

    def __init__(self) -> None:
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._told = 0  # bytes of it that belong to earlier work
        try:
            self._process = start_python(
                _MODULE,
                "--parent",
                str(os.getpid()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
            )
        except BaseException:
            self._printed.close()
            raise
        self._fit = True
        self._closing = False
        self._free = threading.Event()
        self._free.set()
        self.used_gpu = False

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can be given more work: it is there, and nothing unforeseen happened in it."""
        return self._fit and self._process.poll() is None

    def begin(
        self,
        run: RunFolder,
        orphaned: Orphaned,
        ended: Callable[["Worker"], object] = lambda one: None,
    ) -> None:
        """Have a run with a snapshot trained, or gone on with; its status and events tell the rest.

        Args:
            run: also told of the process's death.
            orphaned: what to do if this process dies: stop the run, keep and test it; or end, so
                that the run is interrupted and may be gone on with.
            ended: called when the run came to its end.
        """
        run.tell("run")
        with _status_lock:
            run.set_status("preparing", pid=self.pid)
        with contextlib.closing(EventLog(run)) as log:
            log.write(Stage(name="preparing", process="started"))
        self._ask(
            {"run": str(run.path.resolve()), "orphaned": orphaned}, lambda: self._follow(run, ended)
        )

    def ask(self, module: str, arguments: Sequence[str]) -> "queue.SimpleQueue[Message | None]":
        """Have a module's `serve` called.

        Its messages as they come, at last {event: "ended"}, or None if it died.

        Args:
            module: see `speaking`.
            arguments: of `serve`.
        """
        heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ask({"module": module, "arguments": list(arguments)}, lambda: self._pass_on(heard))
        return heard

    def rest(self) -> None:
        """Let go of what runs shared, and get ready for more."""
        self._say({"rest": True})

    def settle(self, seconds: float) -> bool:
        """Wait until no work is left; False if there still is some after so many seconds."""
        return self._free.wait(seconds)

    def printed(self) -> str:
        """What the present or last work printed, its end at most."""
        with contextlib.suppress(ValueError):  # it was put away
            self._printed.seek(self._told)
            return self._printed.read().decode("utf-8", "replace")[-8000:]
        return ""

    def close(self) -> int:
        """End the process, wherever it stands.

        A run at work is left interrupted, without a word of a failure.

        Returns:
            The exit code.
        """
        self._closing = True
        end_python(self._process, _GRACE_SECONDS)
        self.settle(_GRACE_SECONDS)
        self._put_away()
        return self._process.returncode

    def _put_away(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._printed):
            with contextlib.suppress(OSError):  # what a dead process did not read
                if pipe is not None:
                    pipe.close()

    def _ask(self, message: Message, follow: Callable[[], None]) -> None:
        self.settle(_GRACE_SECONDS)  # whoever gave it back may be in its last line
        self._told = self._printed.seek(0, os.SEEK_END)
        self._say(message)
        self._free.clear()
        try:
            threading.Thread(target=follow, name=f"worker {self.pid}", daemon=True).start()
        except RuntimeError:
            self._free.set()
            raise

    def _say(self, message: Message) -> None:
        assert self._process.stdin is not None
        # of a process that died, whoever waits for its work tells
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _messages(self) -> Iterator[Message]:
        """Until the end of the work, or the process's."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # what something printed before the worker had the line to itself
            if isinstance(message, dict) and message.get("event") in _EVENTS:
                if message["event"] == "ended":
                    self._fit, self.used_gpu = message["fit"], message["gpu"]
                yield message
                if message["event"] == "ended":
                    return

    def _follow(self, run: RunFolder, ended: Callable[["Worker"], object]) -> None:
        """Wait for the end of a run, and say so where the
        process could not: it died at work or before."""
        try:
            if list(self._messages()):
                ended(self)
                return
            code = self._process.wait()
            with _status_lock:
                if run.status().state == "interrupted" and not self._closing:
                    message, advice = death(code, run)
                    with run.log.open("a", encoding="utf-8") as log:
                        log.write(self.printed())
                    run.set_status("interrupted", message=message, advice=advice)
            self._put_away()
        finally:
            self._free.set()

    def _pass_on(self, heard: "queue.SimpleQueue[Message | None]") -> None:
        last: Message = {}
        try:
            for last in self._messages():
                heard.put(last)
        finally:
            self._free.set()
            if last.get("event") != "ended":
                self._process.wait()
                heard.put(None)


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


def take() -> Worker:
    """The worker that waits, or a new one."""
    worker = _waiting.swap(None)
    if worker is not None and worker.usable:
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
