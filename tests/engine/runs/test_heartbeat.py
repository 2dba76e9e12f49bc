"""Who works on a run, where that may be another computer."""

import json
import os
import time

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.heartbeat import beating
from prism_desktop.engine.runs.process_identity import birth, this_host, this_job
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.status import SILENT_SECONDS, State

OWN = {"pid": os.getpid(), "born": birth(os.getpid())}


@pytest.fixture
def run(tmp_path: object) -> RunFolder:
    """A run that nobody began."""
    return RunFolder.create(tmp_path, TrainConfig())  # type: ignore[arg-type]


def stored(run: RunFolder, **said: object) -> None:
    """Write a status as some process wrote it."""
    (run.path / layout.STATUS).write_text(json.dumps({"state": "training", **said}))


@pytest.mark.parametrize(
    ("said", "state"),
    [
        # a number means something on its own computer alone
        ({"pid": 4_000_000, "born": "1", "host": "elsewhere", "updated": 0}, "training"),
        ({**OWN, "host": "elsewhere", "updated": -2 * SILENT_SECONDS}, "interrupted"),
        ({**OWN, "host": "elsewhere", "updated": 2 * SILENT_SECONDS}, "interrupted"),
        ({"pid": None, "host": "elsewhere", "updated": 0}, "interrupted"),
        # here the system is asked, however long ago it was
        ({**OWN, "host": this_host(), "updated": -2 * SILENT_SECONDS}, "training"),
        ({"pid": 4_000_000, "born": "1", "host": this_host(), "updated": 0}, "interrupted"),
        # as earlier versions wrote it
        ({**OWN, "updated": -2 * SILENT_SECONDS}, "training"),
        ({"pid": 4_000_000, "born": "1", "updated": 0}, "interrupted"),
    ],
)
def test_that_a_process_elsewhere_is_there_as_long_as_it_says_so(
    run: RunFolder, said: dict[str, object], state: State
) -> None:
    stored(run, **{**said, "updated": time.time() + float(str(said["updated"]))})
    assert run.status().state == state
    assert run.resumable == (state == "interrupted")


def test_that_a_run_that_trains_elsewhere_is_not_begun_here_and_it_is_said_where(
    run: RunFolder,
) -> None:
    stored(run, **OWN, host="node7", job="12_3", updated=time.time())
    (shown,) = list_runs(run.study)
    assert (shown.state, shown.where) == ("training", " on node7 (Slurm job 12_3)")
    assert not run.status().ours  # though the number is this process's
    with pytest.raises(RunError, match=r"training already on node7 \(Slurm job 12_3\)"):
        supervisor.resume(run)


def test_that_only_the_process_at_work_says_that_it_is_there(run: RunFolder) -> None:
    long_ago = time.time() - 1000
    for said in ({**OWN, "host": "elsewhere"}, {"pid": 1, "host": this_host()}):
        stored(run, **said, updated=long_ago)
        run.beat()
        assert json.loads((run.path / layout.STATUS).read_text())["updated"] == long_ago
    run.set_status("finished")
    before = run.status()
    run.beat()
    assert run.status() == before
    run.set_status("training", pid=os.getpid())
    before = run.status()
    with beating(run, 0.01):
        while run.status().updated == before.updated:
            time.sleep(0.01)
    assert run.status().model_copy(update={"updated": before.updated}) == before


def test_that_the_job_of_a_process_is_what_scancel_takes() -> None:
    assert this_job({}) == ""
    assert this_job({"SLURM_JOB_ID": "15"}) == "15"
    array = {"SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}
    assert this_job(array) == "12_3"
