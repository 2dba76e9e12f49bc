"""Processes for what needs torch: trainings and shorter work, one after another.

Starting one takes seconds, as torch, open_clip and PEFT are imported; so one that has done its work waits some minutes
for the next. Needs no torch itself: the window and the command line import it.
"""

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from prism_desktop.engine.training.failures import death
from prism_desktop.engine.training.log import EventLog
from prism_desktop.engine.training.run import ACTIVE, RunFolder

WAITING = "a process waits for work"  # name of the thread that ends it one day
_IDLE_SECONDS = 600.0  # that a process waits
_GRACE_SECONDS = 5.0  # for a process to end by itself
_STATUS = threading.Lock()  # a dead process's end must not overwrite the status of the next one's start

Message = dict[str, Any]
Orphaned = Literal["stop", "end"]


class Host:
    """A process of this one's, which does not outlive it for long.

    Args:
        log: a file for what it prints before it has work.
    """

    def __init__(self, log: Path) -> None:
        command = [
            sys.executable,
            "-P",  # a module of the user's, in the folder at hand, must not take the place of ours
            "-m",
            "prism_desktop.engine.training.worker",
            "--parent",
            str(os.getpid()),
        ]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},  # idle threads must not spin on the window's cores
                start_new_session=True,  # Ctrl-C is for this process, which tells that one what to do
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._closing = False
        self._free = threading.Event()
        self._free.set()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def begin(self, run: RunFolder, orphaned: Orphaned, ended: Callable[["Host"], object] = lambda host: None) -> None:
        """Have a run with a snapshot trained, or gone on with; its status and events tell the rest.

        Args:
            run: also told of the process's death.
            orphaned: what to do if this process dies: stop the run, keep and test it; or end, so that the run is
                interrupted and may be gone on with.
            ended: called when the run came to its end and the process is ready for the next.
        """
        self.settle()
        self._free.clear()
        run.tell("run")
        with _STATUS:
            run.set_status("preparing", pid=self.pid)
        log = EventLog(run)
        log.write({"type": "stage", "name": "preparing", "process": "started"})
        log.close()
        self._say(run=str(run.path), orphaned=orphaned)
        threading.Thread(target=self._reap, args=(run, ended), name=f"end of {run.name}", daemon=True).start()

    def ask(self, module: str, arguments: Sequence[str], log: Path) -> "queue.SimpleQueue[Message | None]":
        """Have a module's `serve` called; its messages as they come, at last {event: "ended"}, or None if it died.

        Args:
            module: see `speaking`.
            arguments: of `serve`.
            log: a file for what the process prints.
        """
        self.settle()
        self._free.clear()
        heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._say(module=module, arguments=list(arguments), log=str(log))
        threading.Thread(target=self._hear, args=(heard,), name=f"answers of {module}", daemon=True).start()
        return heard

    def settle(self, seconds: float | None = None) -> bool:
        """Wait until no work is left; False if there still is some after so many seconds."""
        return self._free.wait(seconds)

    def forget(self) -> None:
        """Let go of what runs shared: backbone, images and memory."""
        self._say(forget=True)

    def close(self) -> int:
        """End the process, wherever it stands; a run at work is left interrupted, without a word of a failure.

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
        self.settle()
        self._put_away()
        return self._process.returncode

    def _say(self, **message: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # of a process that died, whoever waits for its run tells
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _reap(self, run: RunFolder, ended: Callable[["Host"], object]) -> None:
        """Wait for the end of a run, and say so where the process could not: it died at work or before."""
        assert self._process.stdout is not None
        if self._process.stdout.readline():
            self._free.set()
            ended(self)
            return
        code = self._process.wait()
        with _STATUS:
            status = run.status()
            its_own = status.pid == self.pid and status.state in ACTIVE | {"interrupted"}
            if its_own and not self._closing:
                message, advice = death(code, run)
                run.set_status("interrupted", message=message, advice=advice)
        self._put_away()
        self._free.set()

    def _hear(self, heard: "queue.SimpleQueue[Message | None]") -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            last = message["event"] == "ended"
            if last:
                self._free.set()  # before anybody hears of it
            heard.put(message)
            if last:
                return
        self._process.wait()
        self._free.set()
        heard.put(None)

    def _put_away(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what a dead process did not read
                pipe.close()


class _Waiting:
    """The process that waits for more work, if there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host: Host | None = None
        self._timer: threading.Timer | None = None

    def swap(self, host: Host | None) -> Host | None:
        """Put another in its place, which is ended when it has waited long enough."""
        with self._lock:
            before, self._host = self._host, host
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(_IDLE_SECONDS, self._expire, [host]) if host is not None else None
            if self._timer is not None:
                self._timer.daemon, self._timer.name = True, WAITING
                self._timer.start()
        return before

    def _expire(self, host: Host) -> None:
        with self._lock:
            if self._host is not host:
                return
            self._host = None
        host.close()


_waiting = _Waiting()


def take(log: Path = Path(os.devnull)) -> Host:
    """The process that waits, or a new one, which prints into `log` before it has work."""
    host = _waiting.swap(None)
    if host is not None and host.alive:
        return host
    if host is not None:
        host.close()
    return Host(log)


def give_back(host: Host) -> None:
    """Let a process without work wait for the next, and get ready for it; of several one waits."""
    host.forget()
    before = _waiting.swap(host)
    if before is not None:
        before.close()


def get_ready() -> None:
    """Have a process wait for work that the user is about to ask for; returns at once."""
    give_back(take())


@atexit.register
def close_waiting() -> None:
    """End the process that waits."""
    host = _waiting.swap(None)
    if host is not None:
        host.close()
