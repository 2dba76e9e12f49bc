"""Long fault tests of the store, run by `make soak`."""

import os
import random
import signal
import subprocess
import sys

import pytest

from prism_desktop.engine.study.store import Study
from tests.engine.study.test_durability import LABELER

pytestmark = pytest.mark.soak


def test_that_no_acknowledged_label_is_lost_in_forty_kills(tiny_study: Study) -> None:
    tiny_study.close()
    dice, told = random.Random(0), set()
    for _ in range(40):
        command = [sys.executable, "-c", LABELER, str(tiny_study.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            told |= {child.stdout.readline().strip() for _ in range(dice.randint(1, 60))}
            os.kill(child.pid, signal.SIGKILL)
            told |= {line.strip() for line in child.stdout if len(line) == 33}
        with Study.open(tiny_study.path) as study:
            assert told <= {trial.id for trial in study.trials("L1", "comparison")}
            assert study.check() == []
