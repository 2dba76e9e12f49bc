"""What a command costs with all processes that it starts: processor time by stage, most memory."""

import contextlib
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

SAMPLED = 0.1  # s between two looks at the processes


@dataclass(frozen=True, slots=True)
class CommandCost:
    """Attributes:
    by_stage: stage -> seconds of a processor.
    clock: seconds.
    peak: bytes that all its processes held at once, at most.
    code: exit code.
    """

    by_stage: dict[str, float]
    clock: float
    peak: float
    code: int

    @property
    def seconds(self) -> float:
        """Of a processor, in all."""
        return sum(self.by_stage.values())


def cost_of(command: Sequence[str], stage: Callable[[], str] = str) -> CommandCost:
    """Run a command and look at its processes until they end; `stage` says what it does now."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    spent: dict[str, float] = defaultdict(float)
    known: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        memory, now = 0.0, stage()
        for one in tree(process.pid):
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                spent[now] += times.user + times.system - known.get(one.pid, 0.0)
                known[one.pid] = times.user + times.system
                memory += one.memory_info().rss
        peak = max(peak, memory)
        time.sleep(SAMPLED)
    return CommandCost(dict(spent), time.perf_counter() - begun, peak, process.returncode)


def tree(root: int) -> list[psutil.Process]:
    """A process and those that it started."""
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
