"""One worker for many runs, one after another: imports, backbone and images are read once."""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel

from prism_desktop.engine.events import Progress
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.messages import Ended, Response
from prism_desktop.engine.processes.rpc import receive
from prism_desktop.engine.processes.supervisor import (
    IDLE_SECONDS,
    READ_AGAINST,
    TrainArguments,
    begin_training,
    watch,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Batch, Failed, ItemBegun, ProgressTold

_SETTLE_SECONDS = 10.0  # between a run's last word and its worker being ready for the next


class Series:
    """Hands runs to a worker; a context that ends what is at work when it ends.

    A run that is cut off, by the end of this context or of either process, is interrupted and may
    be gone on with.
    """

    def __init__(self) -> None:
        self._worker: pool.Worker | None = None
        self._call: int | None = None

    def __enter__(self) -> "Series":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def carry_out(self, item: ItemBegun) -> Generator[Batch, None, bool]:
        """Tell that the turn of one of a comparison's runs has come, and train it unless it is
        there.

        Returns:
            Whether it was refused for what it was asked.
        """
        yield [item]
        refused = False
        if item.state != "reused":
            for batch in self.train(RunFolder(Path(item.run))):
                refused |= any(isinstance(event, Failed) and event.refused for event in batch)
                yield batch
        return refused

    def call(self, service: str, arguments: BaseModel, what: str) -> Iterator[Batch]:
        """Have other work done by the worker between two runs, and tell how far it is.

        Raises:
            RunError: one sentence; what could not be done.
        """
        self._call = None  # this cancels itself
        with closing(receive(self._ready(), service, arguments, what)) as events:
            for event in events:
                if isinstance(event, Progress):
                    yield [
                        ProgressTold(
                            done=event.done, total=event.total, what=event.what, time=time.time()
                        )
                    ]

    def train(self, run: RunFolder) -> Iterator[Batch]:
        """Train a run with a snapshot, or go on with it.

        Events as `supervisor.watch` tells them, until it ends.
        """
        _, offset = run.events()
        self._call = begin_training(self._ready(), run, "end", baselines=False)
        yield from watch(run, offset)

    def read_against(self, run: RunFolder) -> Iterator[Batch]:
        """Make what a tested run's results are read against; it is as good without, so that a
        failure only leaves it out."""
        ended = threading.Event()

        def hear(response: Response | pool.Crash) -> None:
            if isinstance(response, Ended | pool.Crash):
                ended.set()

        arguments = TrainArguments(run=absolute(run.path))
        self._call = self._ready().send("baselines", arguments, hear)
        while not ended.wait(IDLE_SECONDS):
            yield [ProgressTold(what=READ_AGAINST, time=time.time())]

    def _ready(self) -> pool.Worker:
        """The worker, when it has done what it was given; another one if it cannot go on."""
        if self._worker is not None and not (
            self._worker.settle(_SETTLE_SECONDS) and self._worker.usable
        ):
            self._worker.close()
            self._worker = None
        if self._worker is None:
            self._worker = pool.take()
        return self._worker

    def close(self) -> None:
        """Cancel what is at work; a worker without work waits for more."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        if self._call is not None:
            worker.cancel(self._call)
        pool.release(worker)
