"""A million ratings in one CSV (200 raters x 5,000 images) into an empty study, in a process of its
own: seconds and the most memory that it ever had.

Asked: 60 s a million and 1 GB on 2 cores.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prism_desktop.engine.study.store import Study
from tests.fixtures.many_ratings import IMPORTER, make_study, write_ratings

RATERS, IMAGES, SECONDS, GIGABYTES = 200, 5_000, 60.0, 1.0


def main() -> int:
    """Print times and memory; 1 if more was needed than asked, or an answer is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raters", type=int, default=RATERS)
    parser.add_argument("--images", type=int, default=IMAGES)
    asked = parser.parse_args()
    rows = asked.raters * asked.images
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), asked.images)
        table = write_ratings(Path(folder) / "ratings.csv", asked.raters, asked.images)
        print(f"{rows:,} ratings, {table.stat().st_size / 1e6:.0f} MB of CSV")
        begun = time.perf_counter()
        child = subprocess.run(
            [sys.executable, "-c", IMPORTER, str(study), str(table)], text=True, check=False
        )
        seconds = time.perf_counter() - begun
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e9
        with Study.open(study, read_only=True) as opened:
            kept = opened.info().rating_trials
    most = SECONDS * rows / 1e6
    print(
        f"{seconds:.1f} s (asked {most:.0f}), {peak:.2f} GB at most (asked {GIGABYTES:.0f}), "
        f"{kept:,} of {rows:,} ratings there"
    )
    return int(child.returncode != 0 or kept != rows or seconds > most or peak > GIGABYTES)


if __name__ == "__main__":
    sys.exit(main())
