"""`study info` of a study of 1,000 labelers: at most 2 s beyond the start of the interpreter.

`python -m tests.bench many_labelers`
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill

LABELERS = 1000
LIMIT = 2.0  # s of a processor
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds on the clock, and of a processor, which do not grow when others use it."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.2f} s ({self.processor:.2f} s of a processor)"


def main() -> int:
    """Measure it part by part; 1 if it takes longer than it may."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "many.prism"
        with Study.create(place, attributes=("attractive", "smart")) as study:
            fill(study, images=60, labelers=LABELERS, comparisons=20, ratings=10)
        # An installed program has been compiled, whatever this one is told.
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)

        def command(*arguments: str) -> Taken:
            whole = [sys.executable, *arguments]
            return _least(
                lambda: subprocess.run(whole, env=env, check=True, stdout=subprocess.DEVNULL)
            )

        interpreter = command("-c", "pass")
        program = command("-m", "prism_desktop", "--version")
        info = command("-m", "prism_desktop", "study", "info", str(place))
        opening = _least(lambda: Study.open(place, read_only=True).close())
        with Study.open(place, read_only=True) as study:
            assert len(study.progress()) == LABELERS
            counting = _least(lambda: (study.progress(), study.info()))
    beyond = info.processor - interpreter.processor
    print(f"study info of {LABELERS} labelers: {info}")
    print(f"  the interpreter alone: {interpreter}; the program's start: {program}")
    print(f"  of it opening: {opening}; counting: {counting}")
    print(f"beyond the interpreter: {beyond:.2f} s of a processor (limit {LIMIT} s)")
    return int(beyond > LIMIT)


def _least(work: Callable[[], object]) -> Taken:
    """The least of some times, the first not among them: it compiles."""
    work()
    found = []
    for _ in range(REPEATS):
        begun, before = time.perf_counter(), sum(os.times()[:4])
        work()
        found.append(Taken(time.perf_counter() - begun, sum(os.times()[:4]) - before))
    return Taken(min(one.clock for one in found), min(one.processor for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
