"""Comparisons by a real Slurm of one node, which this sets up itself, without its accounting."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.run_events import Compared, ItemEnded, ProgressTold, ToldEvent
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.fixtures.comparing import compared, on_embeddings
from tests.fixtures.study import MakeStudy

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
CONFIGURATION = """
ClusterName=prism
SlurmctldHost=localhost
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort={first}
SlurmdPort={second}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=15
SchedulerParameters=sched_interval=2,batch_sched_delay=1
NodeName=localhost CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=test Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """A cluster of this computer."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    absent = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if absent or os.geteuid() != 0:
        pytest.skip(
            "A Slurm is set up by root alone, with Debian's packages slurmctld, slurmd, "
            f"slurm-client and munge; not found: {', '.join(absent) or 'root'}."
        )
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    first, second = _free_ports()
    told = CONFIGURATION.format(folder=folder, first=first, second=second)
    (folder / "slurm.conf").write_text(told)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    here = {"PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
    before = {name: os.environ.get(name) for name in here}
    os.environ.update(here)
    munge = [f"--{kind}={folder}/munge.{kind}" for kind in ("socket",)]
    munge += [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
    commands = (["munged", "--foreground", "--force", *munge], ["slurmctld", "-D"],
                ["slurmd", "-D", "-N", "localhost"])  # fmt: skip
    with (folder / "log").open("wb") as log:
        daemons = []
        for command in commands:
            daemons.append(subprocess.Popen(command, stdout=log, stderr=log))
            time.sleep(1.0)
        try:
            _until(lambda: "idle" in _printed("sinfo", "-h", "-o", "%T"))
            yield
        finally:
            _printed("scancel", "--me")
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait(60)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            shutil.rmtree(folder)


def _free_ports() -> list[int]:
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("", 0)) as two:
        return [one.getsockname()[1], two.getsockname()[1]]


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _until(done: Callable[[], bool], seconds: float = 300.0) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.1)


def _submitted() -> list[str]:
    """All jobs that this Slurm was ever given and has not forgotten."""
    return _printed("squeue", "--me", "-r", "-h", "-t", "all", "-o", "%i").split()


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """Enough answers that every split has some of each labeler."""
    return make_study(images=42, comparisons=60)


@pytest.mark.usefixtures("slurm")
def test_that_jobs_of_slurm_find_what_this_process_finds(study: Study) -> None:
    plan = on_embeddings(study, "hierarchical-bayes", "retrieval", seeds=2)
    here, _ = compared(plan)
    for run in list_runs(study.path):
        RunFolder(run.path).delete()
    told: list[str] = []
    events = [e for batch in compare(plan, TrainingJobs("slurm", tell=told.append)) for e in batch]
    board = _board(events)
    assert [row.test for row in board.methods] == [row.test for row in here.methods]
    assert board.failed == ()
    assert "Handed" in told[0]
    runs = [RunFolder(run.path) for run in list_runs(study.path)]
    jobs = {TrainingJob.load(run.path / layout.JOB).id for run in runs}  # type: ignore[union-attr]
    assert jobs <= set(_submitted())
    assert not any((study.path / layout.JOBS).iterdir())
    before = _submitted()
    assert _board([e for batch in compare(plan, TrainingJobs("slurm")) for e in batch]) == board
    assert _submitted() == before


@pytest.mark.usefixtures("slurm")
def test_that_what_slurm_refuses_is_a_sentence_and_leaves_no_run(study: Study) -> None:
    plan = on_embeddings(study, "hierarchical-bayes")
    with pytest.raises(InputError, match=r"Slurm did not take the job: .*partition"):
        list(compare(plan, TrainingJobs("slurm", {"partition": "none"})))
    assert list_runs(study.path) == ()


@pytest.mark.usefixtures("slurm")
def test_that_jobs_that_are_left_cancelled_killed_or_timed_out_are_gone_on_with(
    study: Study, tiny_backbone: str
) -> None:
    settings = {
        "backbone": tiny_backbone, "device": "cpu", "epochs": 20_000, "patience": 20_000,
        "batch": 4, "threads": 1, "checkpoint_seconds": 0.1, "baselines": "none",
    }  # fmt: skip
    plan = ComparisonPlan(study.path, ("consensus",), settings, cross_fit=False)

    # left: the job goes on, and is watched again
    first = _Watched(plan)
    first.until_step()
    assert first.run.status().job == first.job
    first.batches.close()
    assert f"scancel {first.job} cancels" in first.jobs.going_on()
    assert _submitted()[-1] == first.job
    before = _submitted()
    again = _Watched(plan)
    again.until_step()
    assert _submitted() == before

    # cancelled
    _printed("scancel", first.job)
    assert again.failure() == f"Slurm job {first.job} was cancelled."
    _interrupted(first.run)

    # its training is killed
    killed = _Watched(plan)
    killed.until_step()
    assert killed.run == first.run
    os.kill(killed.run.status().pid or 0, signal.SIGKILL)
    assert "was ended by signal 9" in killed.failure()
    _interrupted(first.run)

    # all of it is killed
    lost = _Watched(plan)
    lost.until_step()
    worker = psutil.Process(lost.run.status().pid)
    for process in (worker.parent(), worker):
        assert process is not None
        process.kill()
    assert lost.failure() == f"Slurm job {lost.job} ended before its run did."
    _interrupted(first.run)

    # its time is over
    late = _Watched(plan, {"time": 1, "signal_delay_s": 5})
    late.until_step()
    assert late.failure() in {
        f"Slurm job {late.job} neared its time limit.",
        f"Slurm job {late.job} reached its time limit.",
    }
    _interrupted(first.run)

    # told to stop by the run's folder, it keeps and tests the best epoch
    last = _Watched(plan)
    last.until_step()
    supervisor.stop(last.run)
    assert last.failure() == ""
    assert last.run.status().state == "stopped"
    assert last.run.tested


class _Watched:
    """A comparison of one run that is watched while something happens to it."""

    def __init__(self, plan: ComparisonPlan, settings: dict[str, str | int | bool] | None = None):
        self._plan = plan
        self._steps = self._known()
        self.jobs = TrainingJobs("slurm", settings or {})
        self.batches = compare(plan, self.jobs)

    def _known(self) -> int:
        runs = list_runs(self._plan.study)
        return len(RunFolder(runs[0].path).events()[0]) if runs else 0

    @property
    def run(self) -> RunFolder:
        return RunFolder(list_runs(self._plan.study)[0].path)

    @property
    def job(self) -> str:
        found = TrainingJob.load(self.run.path / layout.JOB)
        assert found is not None
        return found.id

    def until_step(self) -> None:
        watching = False  # before that it would submit what something happens to
        for batch in self.batches:
            told = (event.what for event in batch if isinstance(event, ProgressTold))
            watching |= any("at work" in what for what in told)
            if watching and self.run.status().state == "training":
                new = self.run.events()[0][self._steps :]
                if any(event.type in ("step", "epoch") for event in new):
                    return
        raise AssertionError("it ended before it trained")

    def failure(self) -> str:
        found = [event for batch in self.batches for event in batch]
        (end,) = [event for event in found if isinstance(event, ItemEnded)]
        return end.failure


def _interrupted(run: RunFolder) -> None:
    assert run.status().state == "interrupted"
    assert run.status().advice
    assert run.resumable
    assert any((run.path / layout.CHECKPOINTS).iterdir())


def _board(events: list[ToldEvent]) -> Leaderboard:
    assert isinstance(events[-1], Compared)
    found = Leaderboard.load(Path(events[-1].path) / layout.LEADERBOARD)
    assert found is not None
    return found
