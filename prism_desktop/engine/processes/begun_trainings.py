"""The trainings that this process began and that have not ended."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes import pool
from prism_desktop.engine.runs.folder import RunFolder

# that a training which is left has to write a checkpoint and end before its process is killed
END_SECONDS = 5.0
_INSIST_SECONDS = 6.0  # after which a process that did not end itself is ended from here


class BegunTrainings:
    """By their runs' folders: who is at each, and with which calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[Path, tuple[pool.Worker, tuple[int, ...]]] = {}
        self.said: dict[Path, str] = {}  # last words that could not be written to the run

    def add(self, run: Path, worker: pool.Worker) -> None:
        with self._lock:
            self.said.pop(run, None)
            self._calls[run] = worker, ()

    def number(self, run: Path, worker: pool.Worker, number: int) -> None:
        """Keep a call's number, unless all calls for the run have ended by now."""
        with self._lock:
            known, numbers = self._calls.get(run, (None, ()))
            if known is worker:
                self._calls[run] = worker, (*numbers, number)

    def going(self, run: RunFolder) -> bool:
        """Whether anything is still done for a run."""
        with self._lock:
            return absolute(run.path) in self._calls

    def forget(self, run: Path, worker: pool.Worker) -> None:
        with self._lock:
            if self._calls.get(run, (None, ()))[0] is worker:
                del self._calls[run]

    def end(self, runs: Sequence[Path] | None = None) -> None:
        """Cancel these trainings, or all, and end the processes of those that go on."""
        with self._lock:
            ending = [one for run, one in self._calls.items() if runs is None or run in runs]
        for worker, numbers in ending:
            for number in reversed(numbers):  # what comes next must not begin
                worker.cancel(number)
        until = time.monotonic() + END_SECONDS
        for worker, _ in ending:
            if not worker.settle(max(0.0, until - time.monotonic())):
                worker.close()

    def insist(self, run: RunFolder) -> None:
        """End the process of a run that is to be discarded, if it does not hear."""
        path = absolute(run.path)
        with self._lock:
            worker, _ = self._calls.get(path, (None, ()))
        if worker is not None:
            threading.Thread(
                target=self._insist, args=(path, worker), name=pool.EXPIRY, daemon=True
            ).start()

    def _insist(self, run: Path, worker: pool.Worker) -> None:
        if worker.settle(_INSIST_SECONDS):
            return
        with self._lock:
            at_it = self._calls.get(run, (None, ()))[0] is worker
        if at_it:
            worker.close()
