"""Comparisons whose runs are trained by jobs of this computer."""

import pytest

from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.run_events import Compared, ItemBegun, ItemEnded, ProgressTold
from prism_desktop.engine.runs.run_list import list_runs
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
