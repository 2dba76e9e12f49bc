"""Every command that loads torch is killed at any moment; see `killing`."""

import sys
from pathlib import Path

import pytest

from tests.soak import budget
from tests.soak.conftest import Servers
from tests.soak.killing import Trial
from tests.soak.torch_cases import with_torch

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk shim is for Linux"),
]
TORCH = (
    "train by gradient", "train a closed form", "resume", "evaluate", "predict", "compare",
    "search", "adapt", "report", "measure shots", "measure a curve",
)  # fmt: skip


@pytest.mark.parametrize("name", TORCH)
def test_that_a_command_with_torch_survives_many_kills(
    name: str, servers: Servers, tmp_path: Path, tiny_backbone: str
) -> None:
    (case,) = [case for case in with_torch(tiny_backbone) if case.name == name]
    trial, dice = Trial(case, servers("torch"), tmp_path), budget.dice(name)
    for _ in range(budget.KILLS):
        trial.kill(dice)
