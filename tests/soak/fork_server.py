"""A process with everything imported, which forks the processes that are to be killed.

A fork costs milliseconds where a new interpreter with torch costs seconds, so that hundreds of
kills are affordable. The fork is a real process: it runs the command line or the store, and its
workers are processes too.
"""

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

from tests.soak import shim

_SPARES = 3  # workers that a command may start
_TRACE = 200  # the descriptor that steps are recorded to
_LOADED = {
    "store": ("prism_desktop.engine.study.store", "prism_desktop.cli.main",
              "prism_desktop.engine.study.importing.import_files",
              "prism_desktop.engine.study.importing.image_folder",
              "prism_desktop.engine.study.exporting"),
    "torch": ("torch", "open_clip", "prism_desktop.cli.main", "prism_desktop.engine.worker",
              "prism_desktop.engine.training.session", "prism_desktop.engine.experiments.search",
              "prism_desktop.engine.experiments.comparison",
              "prism_desktop.engine.adaptation.adapt",
              "prism_desktop.engine.adaptation.predictions", "optuna",
              "prism_desktop.engine.experiments.kshot", "prism_desktop.engine.study.store",
              "prism_desktop.engine.experiments.learning_curve"),
    "window": ("prism_desktop.ui.app", "prism_desktop.ui.window", "PySide6.QtTest",
               "prism_desktop.ui.label.panel", "prism_desktop.engine.study.store"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    code: int  # exit code; negative: the signal
    seconds: float
    steps: int  # of the disk, if it was armed; -1 if the job was killed
    told: tuple[str, ...]  # what the job acknowledged, a line each
    printed: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class ForkServer:
    """Starts jobs in forks of a process that has everything imported.

    Args:
        loaded: what is imported: "store", "torch" or "window".
        scratch: a folder for what jobs say.
    """

    def __init__(self, loaded: str, scratch: Path) -> None:
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)
        with (scratch / f"{loaded}.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, loaded],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=shim.environment() if shim.library() is not None else None,
                start_new_session=True,
            )  # fmt: skip

    def run(
        self,
        job: str,
        *arguments: object,
        root: Path | None = None,
        arm: shim.Arm | None = None,
        trace: Path | None = None,
        kill_after: float | None = None,
        timeout: float = 300,
    ) -> Ending:
        """Do a job of `jobs.py` and wait until it, and all that it started, is gone.

        Args:
            job: a function's name.
            arguments: paths, numbers and texts.
            root: the folder whose steps count.
            arm: what happens at which step.
            trace: where steps are recorded.
            kill_after: kill the job and what it started after so many seconds.
        """
        told, printed = self._scratch / "told", self._scratch / "printed"
        told.write_bytes(b"")
        order = {
            "job": job, "told": str(told), "printed": str(printed), "timeout": timeout,
            "arguments": [str(a) if isinstance(a, Path) else a for a in arguments],
            "root": str(root), "arm": asdict(arm) if arm else None,
            "trace": str(trace) if trace else None, "kill_after": kill_after,
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "The fork server died; its errors lie in its scratch folder."
        found = json.loads(line)
        text = told.read_text("utf-8")
        lines = text[: text.rfind("\n") + 1].splitlines()
        return Ending(
            found["code"], found["seconds"], found["steps"], tuple(lines),
            printed.read_text("utf-8", "replace"),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


class _ForkedWorker:
    """What `subprocess.Popen` is for a worker, which was forked before and waits for work."""

    def __init__(self) -> None:
        (to_read, self._write), (self._read, to_write) = os.pipe(), os.pipe()
        parent = os.getpid()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write), os.close(self._read)
            os.dup2(to_read, 0), os.dup2(to_write, 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # in life the run's log
            os.closerange(3, _TRACE)  # or a sibling would keep this one's input open
            sys.argv[1:] = ["--parent", str(parent)]
            _end(importlib.import_module("prism_desktop.engine.worker").main)
        os.close(to_read), os.close(to_write)
        self.stdin: IO[bytes] = os.fdopen(self._write, "wb")
        self.stdout: IO[bytes] = os.fdopen(self._read, "rb")

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                found, status = os.waitpid(self.pid, os.WNOHANG)
                if found:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(0.005)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkedWorkers:
    """In place of `pool.subprocess`: gives the workers that wait; the rest is the real one's."""

    def __init__(self) -> None:
        self._spares = [_ForkedWorker() for _ in range(_SPARES)]

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, *_: object, **__: object) -> _ForkedWorker:  # noqa: N802
        return self._spares.pop(0)

    def close(self) -> None:
        for spare in self._spares:
            spare.kill()
            spare.wait()


def serve(loaded: str) -> None:
    """Do the orders of standard input, one after another."""
    for name in (*_LOADED[loaded], "tests.soak.jobs"):
        importlib.import_module(name)
    if loaded == "torch":
        importlib.import_module("torch").set_num_threads(1)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans of jobs come here
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_do(json.loads(line))) + "\n")
        answers.flush()


def _do(order: dict[str, Any]) -> dict[str, Any]:
    counted, tell = os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.close(counted)
        _end(lambda: _work(order, tell))
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    os.close(tell)
    limit = order["kill_after"] if order["kill_after"] is not None else order["timeout"]
    code = _wait(child, begun + limit)
    seconds = time.monotonic() - begun
    _wait_for_rest(child)
    steps = os.read(counted, 100)
    os.close(counted)
    return {"code": code, "seconds": seconds, "steps": int(steps or -1)}


def _work(order: dict[str, Any], tell: int) -> None:
    from tests.soak import jobs

    printed = os.open(order["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1), os.dup2(printed, 2)
    jobs.told = os.open(order["told"], os.O_WRONLY | os.O_APPEND)
    if order["arm"]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        trace = os.dup2(os.open(order["trace"], flags), _TRACE) if order["trace"] else -1
        shim.arm(Path(order["root"]), shim.Arm(**order["arm"]), trace)
    try:
        getattr(jobs, order["job"])(*order["arguments"])
    finally:
        if order["arm"]:
            os.write(tell, str(shim.count()).encode())


def _wait(child: int, until: float) -> int:
    """The exit code of a job, which is killed with all that it started when its time is over."""
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.001)


def _wait_for_rest(group: int, seconds: float = 60) -> None:
    """Until every process of a job is gone; those that do not go are killed, and that is told."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-group, os.WNOHANG)[0]:
                pass
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        if time.monotonic() > end:
            print(f"Processes of {group} were left.", file=sys.stderr, flush=True)
            os.killpg(group, signal.SIGKILL)
        time.sleep(0.002)


def _end(work: Callable[[], object]) -> NoReturn:
    """Work, then end without what the parent would do at its end."""
    code = 1
    try:
        work()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("loaded", choices=_LOADED)
    serve(parser.parse_args().loaded)
