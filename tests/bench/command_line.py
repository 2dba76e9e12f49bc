"""What a command costs before and beside its work: processor seconds of `--help`, `--version` and
`study info`, each in a process of its own; medians.

`python -m tests.bench command_line`; at most 0.4 s for `--help`, 1.0 s for `study info`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from prism_desktop.engine.study.store import Study

TIMES = 7
LIMITS = {"--version": 0.4, "--help": 0.4, "study info": 1.0}


def spent(arguments: list[str]) -> float:
    """Processor seconds of a command, user and system."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "prism_desktop", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> int:
    """Print the medians; 1 if one is above its limit."""
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "empty.prism"
        Study.create(study).close()
        commands = {
            "--version": ["--version"],
            "--help": ["--help"],
            "study info": ["study", "info", str(study)],
        }
        for arguments in commands.values():
            spent(arguments)  # what is compiled once
        for name, arguments in commands.items():
            median = statistics.median(spent(arguments) for _ in range(TIMES))
            worst |= median > LIMITS[name]
            print(f"{name}: {median:.2f} s of a processor, at most {LIMITS[name]}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
