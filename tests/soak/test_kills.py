"""Every command that writes is killed at any moment: nothing acknowledged is lost, nothing is there
twice, and the command can be given again and comes to the same; see `killing`.
"""

import sys
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.soak import budget, cases
from tests.soak.conftest import Servers
from tests.soak.killing import Trial, label_and_kill

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk shim is for Linux"),
]
STORE = {case.name: case for case in cases.STORE}


def test_that_labeling_survives_many_kills(servers: Servers, labeled: Path) -> None:
    label_and_kill(servers("store"), labeled, budget.dice("label"), budget.LABELING_KILLS, "label")


def test_that_key_presses_survive_kills_of_the_window(servers: Servers, tmp_path: Path) -> None:
    study = tmp_path / "a.prism"
    with Study.create(study, attributes=("attractive", "smart")) as made:
        fill(made, images=120)  # for more pairs than will be asked for
    label_and_kill(servers("window"), study, budget.dice("window"), budget.WINDOW_KILLS, "window")


@pytest.mark.parametrize("name", STORE)
def test_that_a_command_survives_many_kills(name: str, servers: Servers, tmp_path: Path) -> None:
    trial, dice = Trial(STORE[name], servers("store"), tmp_path), budget.dice(name)
    for _ in range(budget.KILLS):
        trial.kill(dice)
