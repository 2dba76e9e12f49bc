"""One training process for many runs, one after another: imports, backbone and images are read once."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType

from prism_desktop.engine.training.failures import death
from prism_desktop.engine.training.log import EventLog
from prism_desktop.engine.training.run import ACTIVE, RunFolder
from prism_desktop.engine.training.supervisor import Batch, watch

_GRACE_SECONDS = 5.0  # for the process to end by itself


class Series:
    """Hands runs to a training process; a context that ends the process.

    A run that is cut off, by the end of this context or of either process, is interrupted and may be gone on with.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Series":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def train(self, run: RunFolder) -> Iterator[Batch]:
        """Train a run with a snapshot, or go on with it; events as `supervisor.watch` tells them, until it ends."""
        child = self._start(run)
        run.tell("run")
        run.set_status("preparing", pid=child.pid)
        log = EventLog(run)
        log.write({"type": "stage", "name": "preparing", "process": "started"})
        log.close()
        _, offset = run.events()
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a process that died is noticed below
            child.stdin.write(f"{run.path}\n".encode())
            child.stdin.flush()
        for batch in watch(run, offset):
            code = child.poll()
            if code is not None and run.status().state in ACTIVE | {"interrupted"}:
                message, advice = death(code, run)
                run.set_status("interrupted", message=message, advice=advice)
            yield batch

    def close(self) -> None:
        """End the process, wherever it stands."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        child.terminate()
        try:
            child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _start(self, run: RunFolder) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is None:
            return self._child
        command = [
            sys.executable,
            "-P",  # a module of the user's, in the folder at hand, must not take the place of ours
            "-m",
            "prism_desktop.engine.training.worker",
            "--serve",
            "--parent",
            str(os.getpid()),
        ]
        with (run.path / "log.txt").open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},  # idle threads must not spin on the window's cores
                start_new_session=True,  # Ctrl-C is for the parent
            )
        return self._child
