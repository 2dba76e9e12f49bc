"""What a command and all processes that it starts cost: processor time and memory by stage."""

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
    held: stage -> bytes that all its processes held at once, at most; of memory that several of
        them map, such as libraries, each has its share.
    code: exit code.
    """

    by_stage: dict[str, float]
    clock: float
    held: dict[str, float]
    code: int

    @property
    def seconds(self) -> float:
        """Of a processor, in all."""
        return sum(self.by_stage.values())

    @property
    def peak(self) -> float:
        """Bytes that all its processes held at once, at most."""
        return max(self.held.values(), default=0.0)


def cost_of(command: Sequence[str], stage: Callable[[], str] = str) -> CommandCost:
    """Run a command and look at its processes until they end; `stage` says what it does now."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    spent: dict[str, float] = defaultdict(float)
    known: dict[int, float] = {}
    held: dict[str, float] = defaultdict(float)
    while process.poll() is None:
        memory, now = 0.0, stage()
        for one in tree(process.pid):
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                spent[now] += times.user + times.system - known.get(one.pid, 0.0)
                known[one.pid] = times.user + times.system
                memory += held_by(one)
        held[now] = max(held[now], memory)
        time.sleep(SAMPLED)
    return CommandCost(dict(spent), time.perf_counter() - begun, dict(held), process.returncode)


def held_by(process: psutil.Process) -> int:
    """Bytes of memory, those that it shares with others divided among them where the system knows
    that (Linux); else only its own."""
    told = process.memory_full_info()
    return int(getattr(told, "pss", told.uss))


def tree(root: int) -> list[psutil.Process]:
    """A process and those that it started."""
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
