"""The launchers that docs/clusters.md names start one run in two processes; its curve is that of
one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from tests.engine.training.test_team import curve, free_port

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
LAUNCHERS = {
    "accelerate": ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2",
                   "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no",
                   "--main_process_port={port}"],
    "torchrun": ["torch.distributed.run", "--nproc-per-node=2", "--master-port={port}"],
}  # fmt: skip


def _trained(study: Study, before: list[str]) -> Path:
    """The run that a command makes."""
    known = set((study.path / layout.RUNS).glob("*"))
    command = [sys.executable, "-m", *before, "prism_desktop", "train", str(study.path)]
    command += ["--backbone", "prism-mini", "--device", "cpu", "--epochs", "2"]
    for one in ("compare=false", "start=random", "lora_lr=2e-5", "token_lr=1e-4", "threads=1",
        "precision=float32"):  # fmt: skip
        command += ["--set", one]
    done = subprocess.run(
        command, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = set((study.path / layout.RUNS).glob("*")) - known
    assert RunFolder(run).summary() is not None
    return run


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_that_two_processes_of_a_launcher_learn_what_one_does(
    tiny_study: Study, launcher: str
) -> None:
    alone = _trained(tiny_study, [])
    launched = [part.format(port=free_port()) for part in LAUNCHERS[launcher]]
    together = _trained(tiny_study, [*launched, "-m"])
    expected = curve(alone)
    assert len(expected) > 10
    for one, other in zip(expected, curve(together), strict=True):
        assert other == pytest.approx(one, abs=1e-4)
