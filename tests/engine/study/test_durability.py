"""What was acknowledged survives whatever happens to the program."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study

# Records one trial after another and says so on standard output, only after the store has returned.
LABELER = """
import sys
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
study = Study.open(sys.argv[1])
images = [image.id for image in study.images()]
for number in range(100_000):
    left, right = images[number % len(images)], images[(number + 1) % len(images)]
    answers = {"attractive": "left", "smart": "tie"}
    trial = TrialRecord(new_id(), "L1", "doomed", number, "comparison", left, right,
                        answers=answers)
    study.record(trial)
    sys.stdout.write(trial.id + "\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows knows no SIGKILL")
def test_that_a_label_acknowledged_before_kill_9_is_there_afterwards(tiny_study: Study) -> None:
    before = len(tiny_study.trials())
    tiny_study.close()
    with subprocess.Popen(
        [sys.executable, "-c", LABELER, str(tiny_study.path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(23)]
        os.kill(child.pid, signal.SIGKILL)
        told += [line.strip() for line in child.stdout if len(line) == 33]
    with Study.open(tiny_study.path) as study:
        kept = {trial.id: trial for trial in study.trials("L1", "comparison")}
        assert set(told) <= kept.keys()
        # One more may have been committed without having been told.
        assert len(study.trials()) in (before + len(told), before + len(told) + 1)
        assert all(kept[trial].answers == {"attractive": "left", "smart": "tie"} for trial in told)
        assert study.check() == []


def test_that_a_half_made_study_can_be_made_again(tmp_path: Path) -> None:
    code = f"""
import os
from prism_desktop.engine.study import opening
create = opening.create
def cut(*given):
    create(*given)
    os._exit(9)
opening.create = cut
from prism_desktop.engine.study.store import Study
Study.create({str(tmp_path / "a.prism")!r})
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert not (tmp_path / "a.prism" / "study.sqlite3").exists()
    with Study.create(tmp_path / "a.prism") as study:
        assert study.check() == []
