"""`study info` of a study of 1,000 labelers: at most 2 s.

`python -m tests.bench many_labelers`
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill

LABELERS = 1000
LIMIT = 2.0  # s


def main() -> int:
    """Measure it; 1 if it takes longer than it may."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "many.prism"
        with Study.create(place, attributes=("attractive", "smart")) as study:
            fill(study, images=60, labelers=LABELERS, comparisons=20, ratings=10)
        command = [sys.executable, "-m", "prism_desktop", "study", "info", str(place)]
        took, worked = [], os.times()
        for _ in range(3):
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took.append(time.perf_counter() - begun)
        now = os.times()
        used = now.children_user + now.children_system
        used -= worked.children_user + worked.children_system
        with Study.open(place, read_only=True) as study:
            begun = time.perf_counter()
            assert len(study.progress()) == LABELERS
            study.info()
            inside = time.perf_counter() - begun
    print(f"study info of {LABELERS} labelers: {min(took):.2f} s (limit {LIMIT} s); ", end="")
    print(f"{used / 3:.2f} s of a processor, of it counting {inside:.2f} s")
    return int(min(took) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
