"""Comparisons whose runs are trained by jobs of this computer."""

import shutil
from pathlib import Path

import pytest

from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.experiments.writing_comparison import compare_writing, job_waves
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.run_events import Compared, ItemBegun, ItemEnded, ProgressTold
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.writing.run_making import writing_runs
from prism_desktop.engine.writing.writing_plan import WritingPlan, with_references
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.comparing import on_embeddings
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


def test_that_jobs_train_what_is_missing_in_the_order_of_what_depends_on_what(
    make_study: MakeStudy,
) -> None:
    study = make_study(images=42, comparisons=60)
    plan = on_embeddings(study, "hierarchical-bayes")
    told: list[str] = []
    events = [e for batch in compare(plan, TrainingJobs("local", tell=told.append)) for e in batch]
    items = [(event.method, event.state) for event in events if isinstance(event, ItemBegun)]
    assert items == [("consensus", "new"), ("hierarchical-bayes", "new")]
    assert [event.failure for event in events if isinstance(event, ItemEnded)] == ["", ""]
    assert len(told) == 2
    said = {event.what for event in events if isinstance(event, ProgressTold)}
    assert "1 job at work, 1 run to come" in said
    runs = {run.method: RunFolder(run.path) for run in list_runs(study.path)}
    jobs = {name: TrainingJob.load(run.path / layout.JOB) for name, run in runs.items()}
    assert all(job is not None and job.id in "".join(told) for job in jobs.values())
    # each was trained by a process of its own, and read against what one of them made
    assert all(run.summary().baselines for run in runs.values())  # type: ignore[union-attr]
    assert not any((study.path / layout.JOBS).iterdir())
    again = TrainingJobs("local", tell=told.append)
    events = [e for batch in compare(plan, again) for e in batch]
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    assert isinstance(events[-1], Compared)
    assert len(told) == 2


def test_that_methods_that_write_wait_for_what_they_stand_on() -> None:
    waves = job_waves(with_references(["auto", "prefix-on-unified", "e2p-1", "unprompted"]))
    assert waves["unprompted"] == waves["consensus"] == waves["retrieval-bm25"] == 0
    assert waves["prefix-on-unified"] == 1
    assert waves["auto"] == 1 + max(one for name, one in waves.items() if name != "auto")


@pytest.mark.soak
def test_that_jobs_train_methods_that_write(
    written_study: Path, tmp_path: Path, tiny_language_model: str
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    plan = WritingPlan(study, ["prefix-on-unified", "ensemble"], options, (*SMALL, "threads=1"))
    told: list[str] = []
    events = [
        e for b in compare_writing(plan, TrainingJobs("local", most=2, tell=told.append)) for e in b
    ]
    ended = [event for event in events if isinstance(event, ItemEnded)]
    assert [event.failure for event in ended] == [""] * 4
    assert ended[-1].method == "ensemble"
    assert len(told) == 3  # a wave each
    assert len(writing_runs(study)) == 4  # none twice
    again = TrainingJobs("local", tell=told.append)
    events = [e for batch in compare_writing(plan, again) for e in batch]
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    assert len(told) == 3
