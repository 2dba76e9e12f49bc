"""Comparisons whose runs are trained by jobs of this computer."""

import os
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.experiments.comparison_jobs import (
    NothingGoesOnError,
    Settle,
    WatchedRun,
    carry_out,
    job_depths,
)
from prism_desktop.engine.experiments.writing_comparison import compare_writing, writing_needs
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.process_identity import birth, this_host
from prism_desktop.engine.runs.run_events import (
    Batch,
    Compared,
    ItemBegun,
    ItemEnded,
    ProgressTold,
)
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.status import State, Status
from prism_desktop.engine.writing.run_making import writing_runs
from prism_desktop.engine.writing.writing_plan import WritingPlan, with_references
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.comparing import on_embeddings
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


class _Jobs(TrainingJobs):
    """Jobs that end at once; what became of their runs is what the test wrote there."""

    def __init__(self, most: int = 1) -> None:
        super().__init__("local", most=most)
        self.submitted: list[list[str]] = []
        self.cancelled = 0
        self.kept: list[bool] = []

    def submit(self, runs: Sequence[RunFolder], *_: object, **__: object) -> None:
        self.submitted.append([run.name for run in runs])

    def cancel(self) -> None:
        self.cancelled += 1

    def settled(self, study: Path, *, keep_logs: bool) -> None:
        self.kept.append(keep_logs)


class _Unsettled(TrainingJobs):
    """As of a command that is killed before its end."""

    def settled(self, study: Path, *, keep_logs: bool) -> None:
        pass


def _watched(
    folder: Path, needs: Mapping[str, str], states: Mapping[str, State]
) -> list[WatchedRun]:
    found = []
    for name, before in needs.items():
        run = RunFolder(folder / "s.prism" / "runs" / name)
        run.path.mkdir(parents=True)
        (run.path / layout.CONFIG).write_text("{}")
        run.set_status(states.get(name, "finished"))

        def begun(number: int, name: str = name) -> ItemBegun:
            return ItemBegun(
                number=number,
                runs=len(needs),
                method=name,
                seed=0,
                fold=0,
                run="",
                state="new",
                time=0.0,
            )

        found.append(WatchedRun(run, "new", name, frozenset(before), begun))
    return found


def _settling(wanted: Sequence[WatchedRun], error: Exception | None = None) -> Settle:
    def settle(place: int) -> Generator[Batch, None, str]:
        yield []
        if error is not None:
            raise error
        state = wanted[place].run.status().state
        return "" if state == "finished" else f"it {state}"

    return settle


def test_that_runs_wait_for_what_they_need_and_ends_are_numbered_in_turn(tmp_path: Path) -> None:
    wanted = _watched(tmp_path, {"a": "", "b": "", "c": "a", "d": "bc"}, {"b": "failed"})
    jobs = _Jobs(most=2)
    events = [
        event
        for batch in carry_out(wanted, jobs, _settling(wanted), baselines=False)
        for event in batch
    ]
    assert jobs.submitted == [["a", "b"], ["c"], ["d"]]
    ended = [(one.number, one.method, one.failure) for one in events if isinstance(one, ItemEnded)]
    assert ended == [(1, "a", ""), (2, "b", "it failed"), (3, "c", ""), (4, "d", "")]
    assert jobs.kept == [True]  # as one failed
    assert jobs.cancelled == 0


def test_that_a_run_that_somebody_else_left_is_trained_once(tmp_path: Path) -> None:
    """As after a kill of whoever trained it, seconds before the same command was called again."""
    wanted = _watched(tmp_path, {"a": "", "b": ""}, {})
    left = wanted[0].run
    busy = Status(state="training", pid=7, host="node1", updated=time.time())
    busy.save(left.path / layout.STATUS)
    jobs = _Jobs(most=2)
    events = carry_out(wanted, jobs, _settling(wanted), baselines=False)
    next(events)
    assert jobs.submitted == [["b"]]  # as somebody is at the other one
    busy.model_copy(update={"updated": time.time() - 600}).save(left.path / layout.STATUS)
    while ["a"] not in jobs.submitted:
        next(events)
    found = [event for batch in events for event in batch if isinstance(event, ItemEnded)]
    assert [one.failure for one in found if one.method == "a"] == ["it interrupted"]
    assert jobs.submitted == [["b"], ["a"]]


def test_that_a_job_of_an_earlier_call_is_watched_while_it_trains(tmp_path: Path) -> None:
    wanted = _watched(tmp_path, {"a": "", "b": ""}, {})
    run, me = wanted[0].run, os.getpid()
    TrainingJob(executor="local", id=str(me), host=this_host(), born=birth(me)).save(
        run.path / layout.JOB
    )
    run.set_status("training", pid=me)
    jobs = _Jobs(most=1)
    events = carry_out(wanted, jobs, _settling(wanted), baselines=False)
    next(events)
    assert jobs.submitted == []  # its job takes all the room
    assert str(me) in jobs.going_on()


def test_that_of_what_may_begin_the_first_of_the_list_does(tmp_path: Path) -> None:
    """The slowest stands first; that it needed another one puts it behind none that did not."""
    needs = {"slow": "a", "a": "", "fast": "", "faster": ""}
    jobs = _Jobs(most=1)
    wanted = _watched(tmp_path, needs, {})
    list(carry_out(wanted, jobs, _settling(wanted), baselines=False))
    assert jobs.submitted == [["a"], ["slow"], ["fast"], ["faster"]]


def test_that_two_entries_of_one_run_are_one_job(tmp_path: Path) -> None:
    wanted = _watched(tmp_path, {"a": "", "b": ""}, {})
    wanted[1].run = wanted[0].run
    jobs = _Jobs(most=5)
    list(carry_out(wanted, jobs, _settling(wanted), baselines=False))
    assert jobs.submitted == [["a"]]


def test_that_jobs_end_only_where_nothing_can_go_on(tmp_path: Path) -> None:
    for number, (error, cancelled) in enumerate(
        ((NothingGoesOnError("No GPU here."), 1), (RunError("The disk is full."), 0))
    ):
        wanted = _watched(tmp_path / str(number), {"a": "", "b": "a"}, {})
        jobs = _Jobs()
        with pytest.raises(type(error)):
            list(carry_out(wanted, jobs, _settling(wanted, error), baselines=False))
        assert jobs.cancelled == cancelled
        # what was never begun is taken back with them
        assert [one.run.exists for one in wanted] == [not cancelled] * 2


def test_that_jobs_train_what_is_missing_in_the_order_of_what_depends_on_what(
    make_study: MakeStudy,
) -> None:
    study = make_study(images=42, comparisons=60)
    plan = on_embeddings(study, "hierarchical-bayes")
    told: list[str] = []
    first = _Unsettled("local", tell=told.append)
    events = [e for batch in compare(plan, first) for e in batch]
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
    assert len(list((study.path / layout.JOBS).iterdir())) == 2
    again = TrainingJobs("local", tell=told.append)
    events = [e for batch in compare(plan, again) for e in batch]
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    assert isinstance(events[-1], Compared)
    assert len(told) == 2
    assert not any((study.path / layout.JOBS).iterdir())  # as all did well


def test_that_methods_that_write_wait_for_what_they_stand_on() -> None:
    needs = writing_needs(with_references(["auto", "ensemble", "prefix-on-unified", "unprompted"]))
    assert not any(needs[name] for name in ("unprompted", "consensus", "retrieval-bm25"))
    assert needs["prefix-on-unified"] == {"consensus"}
    assert needs["ensemble"] == {"unprompted", "retrieval-bm25", "consensus", "prefix-on-unified"}
    assert needs["auto"] == {*needs["ensemble"], "ensemble"}
    assert job_depths(needs)["auto"] == 3


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
    assert len(told) >= 3  # who waits for others is told apart
    assert len(writing_runs(study)) == 4  # none twice
    again, started = TrainingJobs("local", tell=told.append), len(told)
    events = [e for batch in compare_writing(plan, again) for e in batch]
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    assert len(told) == started
