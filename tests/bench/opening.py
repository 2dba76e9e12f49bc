"""Opening a study of a million trials and asking what is in it: seconds of a processor, when it was
never looked through here, and again.

`python -m tests.bench opening`; at most 1 s where nobody touched it since. `--trials` takes fewer.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from prism_desktop.engine.study.database import connect
from prism_desktop.engine.study.store import Study
from tests.fixtures.many_ratings import make_study

TRIALS, IMAGES, LABELERS, LIMIT = 1_000_000, 5_000, 200, 1.0
# What a window does: open it, ask. In a process of its own, as the first time is only once.
OPENER = """
import sys, time
from prism_desktop.engine.study.store import Study
for _ in range(int(sys.argv[2])):
    begun = time.process_time()
    with Study.open(sys.argv[1], read_only=True) as study:
        opened = time.process_time()
        assert not study.info().passed_over
        print(opened - begun, time.process_time() - opened)
"""
# Labelers take turns, which is the order that costs most.
_TRIALS = """WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < :trials)
INSERT INTO trial (id, uid, labeler_id, session_id, place, kind, left_id, onset, seconds, skipped,
withdrawn, source, recorded, checksum) SELECT i, lower(hex(randomblob(16))), 1 + i % :labelers,
1 + i % :labelers, i / :labelers, 'rating', 1 + i * 7919 % :images, 1.7e9 + i, 1.5, 0, 0,
'labeled', 1.7e9 + i, randomblob(8) FROM n"""


def make_large_study(folder: Path, trials: int) -> Path:
    """A study of ratings whose images are rows only; its checksums are none."""
    path = make_study(folder, IMAGES)
    with Study.open(path) as study:
        for number in range(LABELERS):
            study.add_labeler(f"P{number:03d}")
    with closing(connect(path / "study.sqlite3", "rw")) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO session (uid, labeler_id) "
            "SELECT lower(hex(randomblob(16))), id FROM labeler"
        )
        connection.execute(_TRIALS, {"trials": trials, "labelers": LABELERS, "images": IMAGES})
        connection.execute("INSERT INTO answer SELECT id, 1, 1 + id % 4, NULL FROM trial")
        connection.execute("COMMIT")
    return path


def main() -> int:
    """Measure it; 1 if opening again takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        study = make_large_study(Path(folder), trials)
        time.sleep(3)  # a change of a moment ago is not told from one that comes now
        env = {**os.environ, "PRISM_CONFIG": str(Path(folder) / "config")}

        def opened(times: int) -> list[list[float]]:
            command = [sys.executable, "-c", OPENER, str(study), str(times)]
            done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
            return [list(map(float, line.split())) for line in done.stdout.splitlines()]

        first, again = opened(1)[0], min(opened(3), key=sum)
    print(f"{trials:,} trials, seconds of a processor")
    for name, (opening, asking) in (("first", first), ("again", again)):
        print(f"{name}: opening {opening:.2f}, what is in it {asking:.2f}")
    print(f"again, both: {sum(again):.2f} (limit {LIMIT})")
    return int(sum(again) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
