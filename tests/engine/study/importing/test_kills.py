"""A process that imports is killed at any moment: the study is as it was, or complete.

Run by `make soak`.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.many_ratings import IMPORTER, make_study, write_ratings

pytestmark = pytest.mark.soak

RATERS, IMAGES, KILLS = 40, 500, 30


def _start(study: Path, table: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", IMPORTER, str(study), str(table)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _there(study: Path) -> tuple[int, int, list[str]]:
    """Ratings, imports, and what the check finds beside the images that were never there."""
    with Study.open(study) as opened:
        problems = [problem.text for problem in opened.check() if problem.kind != "missing"]
        return opened.info().rating_trials, len(opened.imports()), problems


@pytest.mark.parametrize("when", ["any moment", "while it writes"])
def test_that_a_killed_import_leaves_the_study_as_it_was_or_complete(
    when: str, tmp_path: Path
) -> None:
    study = make_study(tmp_path, IMAGES)
    table = write_ratings(tmp_path / "ratings.csv", RATERS, IMAGES)
    seconds, dice = _whole(tmp_path / "whole", table), random.Random(when)
    for number in range(KILLS):
        with _start(study, table) as child:
            assert child.stdout is not None
            if when == "while it writes":
                assert any("riting" in line for line in child.stdout), "no progress told of it"
                time.sleep(dice.uniform(0, 0.3 * seconds))
            else:
                time.sleep(dice.uniform(0, seconds))
            child.kill()
        ratings, imports, problems = _there(study)
        assert (ratings, imports) in ((0, 0), (RATERS * IMAGES, 1))
        assert problems == []
        if ratings:
            study = make_study(tmp_path / f"after-{number}", IMAGES)
    # and nothing of it stands in the way of the next
    assert _import(study, table) == (RATERS * IMAGES, 1, [])


def _import(study: Path, table: Path) -> tuple[int, int, list[str]]:
    with _start(study, table) as child:
        assert child.wait() == 0
    return _there(study)


def _whole(folder: Path, table: Path) -> float:
    """How long an import takes that nobody kills, in s."""
    study = make_study(folder, IMAGES)
    begun = time.perf_counter()
    assert _import(study, table) == (RATERS * IMAGES, 1, [])
    return time.perf_counter() - begun
