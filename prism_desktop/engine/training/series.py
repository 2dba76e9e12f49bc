"""One training process for many runs, one after another: imports, backbone and images are read once."""

from collections.abc import Iterator
from types import TracebackType

from prism_desktop.engine.training import hosts
from prism_desktop.engine.training.run import RunFolder
from prism_desktop.engine.training.supervisor import Batch, watch

_SETTLE_SECONDS = 0.5  # between a run's last word and its process being ready for the next


class Series:
    """Hands runs to a training process; a context that ends what is at work when it ends.

    A run that is cut off, by the end of this context or of either process, is interrupted and may be gone on with.
    """

    def __init__(self) -> None:
        self._host: hosts.Host | None = None

    def __enter__(self) -> "Series":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def train(self, run: RunFolder) -> Iterator[Batch]:
        """Train a run with a snapshot, or go on with it; events as `supervisor.watch` tells them, until it ends."""
        if self._host is None or not self._host.alive:
            self._host = hosts.take(run.log)
        _, offset = run.events()
        self._host.begin(run, "end")
        yield from watch(run, offset)

    def close(self) -> None:
        """End what is at work."""
        host, self._host = self._host, None
        if host is None:
            return
        if host.alive and host.settle(_SETTLE_SECONDS):
            hosts.give_back(host)
        else:
            host.close()
