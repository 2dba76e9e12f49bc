"""Jobs: what Slurm is asked and says, and a real job of this computer."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.processes import job_entry, job_states
from prism_desktop.engine.processes import jobs as jobs_module
from prism_desktop.engine.processes.job_states import (
    ENDS,
    GONE,
    UNTOLD,
    JobState,
    SlurmStates,
    read_queue,
)
from prism_desktop.engine.processes.jobs import TrainingJobs, slurm_settings
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import PrintedRuns, TrainingJob
from prism_desktop.engine.runs.process_identity import birth, this_host
from prism_desktop.engine.runs.status import SILENT_SECONDS, Status
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun

QUEUE = """12_0|RUNNING|None
12_1|PENDING|Resources
12_2|OUT_OF_MEMORY|OutOfMemory
13|CANCELLED|None
"""


def job(number: str, submitted: float = 0.0) -> TrainingJob:
    """One that was handed to Slurm."""
    return TrainingJob(executor="slurm", id=number, submitted=submitted)


def test_that_settings_of_slurm_are_those_that_submitit_knows() -> None:
    given = ["partition=gpu", "time=4:00:00", "gpus-per-node=1", "array_parallelism = 3", "mem=8GB"]
    assert slurm_settings(given) == {
        "partition": "gpu",
        "time": "4:00:00",
        "gpus_per_node": 1,
        "array_parallelism": 3,
        "mem": "8GB",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("partiton=gpu", "Did you mean partition?"),
        ("gpu", "key=value"),
        ("partition", "write partition=VALUE"),
        ("setup=rm", "account"),
        ("dependency=afterok:1", "account"),
        ("gpus_per_node=one", "whole number, not one"),
        ("account=", "printable"),
        ("comment=a\nsrun evil", "printable"),
    ],
)
def test_that_other_settings_of_slurm_are_refused_in_a_sentence(given: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as told:
        slurm_settings([given])
    assert "\n" not in str(told.value)


def test_that_a_setting_of_slurm_has_one_value() -> None:
    with pytest.raises(InputError, match="mem= is given twice"):
        slurm_settings(["mem=8GB", "mem=4GB"])


def test_that_jobs_are_refused_at_once_where_they_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="There is no Slurm on this computer"):
        TrainingJobs("slurm").check()
    with pytest.raises(InputError, match="1 or more"):
        TrainingJobs("local", most=0).check()
    with pytest.raises(InputError, match="--executor slurm"):
        TrainingJobs("local", {"mem": "8GB"}).check()


def test_that_states_are_read_from_the_queue_and_then_from_the_accounting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read_queue(QUEUE)["12_1"] == JobState("PENDING", "Resources")
    printed = {
        "squeue": QUEUE,
        "sacct": "JobID|State|NodeList\n11|CANCELLED by 1000|node7\n11.batch|CANCELLED|node7\n",
    }
    monkeypatch.setattr(job_states, "_printed", lambda command: printed[command[0]])
    states = SlurmStates()
    stand = {number: states.state(job(number)) for number in ("12_0", "12_1", "12_2", "13", "11")}
    assert [number for number, state in stand.items() if state.going] == ["12_0", "12_1"]
    assert [number for number, state in stand.items() if state.waits] == ["12_1"]
    assert stand["11"].name == "CANCELLED"
    # Slurm takes a moment to show a job; one that it forgot long ago is over
    assert states.state(job("14", time.time())).waits
    assert not states.state(job("10")).going


def test_that_a_slurm_that_does_not_answer_leaves_jobs_as_they_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_states, "_ASK_SECONDS", -1.0)
    states = SlurmStates()
    for answer in (QUEUE, None):
        monkeypatch.setattr(job_states, "_printed", lambda command, told=answer: told)
        assert states.state(job("12_0")).going


def test_that_a_slurm_that_never_answered_says_nothing_of_jobs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(job_states, "_printed", lambda command: None)
    monkeypatch.setattr(subprocess, "run", lambda command, **how: called.append(command))
    jobs = TrainingJobs("slurm")
    jobs._mine[tmp_path] = job("12", time.time() - 300)
    assert jobs._state(jobs._mine[tmp_path]) == JobState(UNTOLD)
    jobs.cancel()  # they may be going
    assert called == [["scancel", "12"]]


def test_that_on_a_computer_without_slurm_the_runs_folder_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    assert SlurmStates().state(job("12", time.time())) == GONE


@pytest.mark.parametrize(
    ("here", "there", "going"),
    [("alpha", "alpha", True), ("beta", "alpha", False), ("beta", "", True), (None, "alpha", True)],
)
def test_that_the_number_of_a_job_is_that_of_its_cluster(
    here: str | None, there: str, going: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = f"CheckpointType = (null)\nClusterName             = {here}\nGresTypes = gpu\n"
    printed = {"squeue": QUEUE, "scontrol": None if here is None else config}
    monkeypatch.setattr(job_states, "_printed", lambda command: printed[command[0]])
    one = TrainingJob(executor="slurm", id="12_0", cluster=there)
    assert SlurmStates().state(one).going == going


def test_that_a_job_that_slurm_took_is_kept_with_its_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("srun", "sbatch"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    answers = iter([None, "ClusterName = alpha\n"])  # the second time it answers
    monkeypatch.setattr(job_states, "_printed", lambda command: next(answers))
    monkeypatch.setattr(jobs_module, "_submitted", lambda executor, line: "12")
    jobs = TrainingJobs("slurm")
    for name, cluster in (("a", ""), ("b", "alpha")):
        run = RunFolder(tmp_path / "s.prism" / "runs" / name)
        run.path.mkdir(parents=True)
        jobs.submit([run])
        job = TrainingJob.load(run.path / layout.JOB)
        assert job is not None
        assert (job.id, job.cluster) == ("12", cluster)


def test_that_a_state_of_a_later_slurm_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_states, "_printed", lambda command: "12|POWER_UP_NODE|None\n")
    assert SlurmStates().state(job("12")).going


def test_that_jobs_of_an_earlier_call_take_their_room(tmp_path: Path) -> None:
    jobs = TrainingJobs("local", most=2)
    assert jobs.room() == 2
    earlier = TrainingJob(
        executor="local", id=str(os.getpid()), host=this_host(), born=birth(os.getpid())
    )
    run = RunFolder(tmp_path / "s.prism" / "runs" / "a")
    run.path.mkdir(parents=True)
    earlier.save(run.path / layout.JOB)
    assert jobs.known(run) is not None
    assert jobs.room() == 1


def test_that_a_job_that_slurm_begins_anew_waits_until_its_first_one_is_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "s.prism" / "runs" / "a")
    run.path.mkdir(parents=True)
    lost = Status(
        state="training", pid=7, host="node1", job="12_0",
        updated=time.time() - SILENT_SECONDS + 0.3,
    )  # fmt: skip
    lost.save(run.path / layout.STATUS)
    monkeypatch.setattr(job_entry, "_LOOK_SECONDS", 0.05)
    assert job_entry._after_a_requeue(run).state == "training"  # of another job: somebody's own
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")
    assert job_entry._after_a_requeue(run).state == "interrupted"


def test_that_jobs_that_slurm_does_not_end_are_told_with_how_to_end_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def silent(command: list[str], **how: object) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    said: list[str] = []
    jobs = TrainingJobs("slurm", tell=said.append)
    jobs._slurm._queue, jobs._slurm._asked = {"12": JobState("RUNNING")}, time.monotonic()
    jobs._mine[tmp_path] = job("12", time.time() - 10)
    monkeypatch.setattr(subprocess, "run", silent)
    jobs.cancel()
    assert said == ["1 job goes on; scancel 12 cancels, the same command watches again."]


@pytest.mark.parametrize("name", [*ENDS, "FAILED", ""])
def test_that_every_end_of_a_job_is_a_sentence_with_a_way_on(name: str) -> None:
    state = JobState(name)
    assert not state.going
    message, advice = state.sentences(job("12_3"), "jobs/ab/12_3_0_log.err")
    assert message.startswith("Slurm job 12_3 ")
    assert message.endswith(".")
    assert "the same command goes on from its last checkpoint" in advice


def test_that_a_job_goes_on_alone_and_one_that_is_told_to_end_can_be_gone_on_with(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, epochs=400, patience=400, compare=False)
    jobs = TrainingJobs("local")
    jobs.submit([run])
    _until(lambda: any(event.type == "step" for event in run.events()[0]))
    # another process finds it, and would not begin a second one
    other = TrainingJobs("local")
    assert other.known(run) is not None
    found = TrainingJob.load(run.path / layout.JOB)
    assert found is not None
    assert found.id in other.going_on()
    jobs.cancel()
    _until(lambda: not jobs.state(run).going)
    assert run.status().state == "interrupted"
    assert run.status().message == f"The job, process {found.id}, was told to end."
    assert run.resumable
    assert any((run.path / layout.CHECKPOINTS).iterdir())
    assert jobs.going_on() == ""
    assert other.known(run) is None


def _until(done: object, seconds: float = 100.0) -> None:
    limit = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_that_a_job_that_a_stranger_wrote_is_a_number_or_none() -> None:
    for odd in ("1; rm -rf /", "--help", "", "12_"):
        with pytest.raises(ValueError, match="pattern"):
            TrainingJob(executor="slurm", id=odd)


_LOGGED = """
import logging, sys
log = logging.FileHandler(sys.argv[1])
logging.getLogger().addHandler(log)
from prism_desktop.engine.processes.jobs import slurm_settings
slurm_settings(["mem=8GB"])
print("open" if log.stream else "closed", logging.getLogger("submitit").handlers)
"""


def test_that_what_is_open_for_a_log_stays_open_when_jobs_are_asked_for(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _LOGGED, str(tmp_path / "log.txt")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert said.stdout == "open []\n"


_COMMAND = """
import contextlib, sys, time
from pathlib import Path
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs.folder import RunFolder
run, entry, waits = RunFolder(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
run.path.mkdir(parents=True)
jobs = contextlib.kept = TrainingJobs("local")  # which outlives what was imported later
jobs.submit([run], entry=entry)
while waits == "its end" and jobs.state(run).going:
    time.sleep(0.05)
print("begun", flush=True)
time.sleep(600 if waits == "long" else 0)
"""


def _command(run: RunFolder, entry: str, waits: str) -> "subprocess.Popen[str]":
    """A process that starts a job and waits, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, str(run.path), entry, waits],
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _process(run: RunFolder) -> psutil.Process:
    job = TrainingJob.load(run.path / layout.JOB)
    assert job is not None
    return psutil.Process(int(job.id))


@pytest.mark.skipif(sys.platform == "win32", reason="jobs start on Linux and macOS")
@pytest.mark.parametrize(
    ("entry", "waits"),
    [("this", "its end"), ("tests.fixtures.idle_job", "nothing")],
    ids=["of a job that ended", "of one that goes on"],
)
def test_that_a_command_with_jobs_ends_without_a_word_of_python(
    entry: str, waits: str, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "s.prism" / "runs" / "a")
    with _command(run, entry, waits) as command:
        told, errors = command.communicate(timeout=100)
    if waits != "its end":
        _process(run).terminate()
    assert (told, errors) == ("begun\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGHUP", "SIGSTOP"])
def test_that_what_the_commands_group_is_told_is_not_for_its_jobs(
    name: str, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "s.prism" / "runs" / "a")
    with _command(run, "tests.fixtures.idle_job", "long") as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "begun\n"
        job, watching = _process(run), psutil.Process(command.pid)
        try:
            os.killpg(command.pid, getattr(signal, name))
            _until(lambda: watching.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE))
            stands = job.status()
        finally:
            job.terminate()
            os.killpg(command.pid, signal.SIGKILL)
    assert stands not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)


def _printed(
    study: Path, status: Status | None, job: TrainingJob | None = None, name: str = "a"
) -> Path:
    """What a job of a run printed, as a command left it that was killed."""
    run, folder = RunFolder(study / "runs" / name), study / layout.JOBS / "0123abcd"
    folder.mkdir(parents=True)
    (folder / f"{name}.log").write_text("It trains.")
    PrintedRuns.of([run]).save(folder / layout.PRINTED_RUNS)
    if status is not None:
        run.path.mkdir(parents=True)
        status.save(run.path / layout.STATUS)
        if job is not None:
            job.save(run.path / layout.JOB)
    return folder


_HERE = TrainingJob(
    executor="local", id=str(os.getpid()), host=this_host(), born=birth(os.getpid())
)
_THERE = TrainingJob(executor="local", id="7", host="node1", born="7")
_OVER = TrainingJob(executor="local", id=str(os.getpid()), host=this_host(), born="7")


@pytest.mark.parametrize(
    ("state", "host", "job", "kept"),
    [
        ("finished", this_host(), _OVER, False),
        ("finished", "node1", _THERE, False),
        ("finished", this_host(), _HERE, True),  # it has a word to say yet
        ("training", "node1", _THERE, True),
        ("training", this_host(), _HERE, True),
        ("interrupted", this_host(), _OVER, True),
        ("failed", this_host(), _OVER, True),
        ("gone", this_host(), None, False),
    ],
)
@pytest.mark.parametrize("keep_logs", [True, False])
def test_that_what_a_killed_command_left_goes_once_its_runs_are_finished(
    state: str, host: str, job: TrainingJob | None, kept: bool, keep_logs: bool, tmp_path: Path
) -> None:
    study = tmp_path / "s.prism"
    status = Status.model_validate(
        {"state": state, "host": host, "pid": int(job.id), "born": job.born,
         "updated": time.time()}
    ) if job is not None else None  # fmt: skip
    folder = _printed(study, status, job)
    TrainingJobs("local").settled(study, keep_logs=keep_logs)
    assert folder.is_dir() == kept


@pytest.mark.parametrize("record", [None, "{", '{"runs": ["../../a"]}', '{"runs": "runs/a"}'])
def test_that_a_folder_of_which_nobody_knows_whose_it_is_stays(
    record: str | None, tmp_path: Path
) -> None:
    folder = _printed(tmp_path / "s.prism", None)
    if record is None:
        (folder / layout.PRINTED_RUNS).unlink()
    else:
        (folder / layout.PRINTED_RUNS).write_text(record)
    TrainingJobs("local").settled(tmp_path / "s.prism", keep_logs=False)
    assert folder.is_dir()
