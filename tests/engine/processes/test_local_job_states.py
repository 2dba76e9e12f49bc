"""How jobs of this computer stand, whoever kills them, stops watching or watches again: real
processes against a table of which are there."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.job_file import TrainingJob
from prism_desktop.engine.runs.process_identity import this_host
from prism_desktop.engine.runs.status import Status

_MOST = 2  # jobs at a time
_RUNS = ("a", "b", "c")
_ENDS = st.sampled_from(("kill", "terminate"))


class Watchers(RuleBasedStateMachine):
    """Jobs of three runs, and whoever began or watches them."""

    def __init__(self) -> None:
        super().__init__()
        self.study = Path(tempfile.mkdtemp()) / "s.prism"
        self.runs = {name: RunFolder(self.study / "runs" / name) for name in _RUNS}
        for run in self.runs.values():
            run.path.mkdir(parents=True)
            self._stands(run, "interrupted")
        self.there: dict[str, psutil.Process] = {}  # the job of each run that goes on
        self.gone_from: list[TrainingJobs] = []  # those who stopped watching; their jobs go on
        self.watching = TrainingJobs("local", most=_MOST)

    def teardown(self) -> None:
        for process in self.there.values():
            process.kill()
        for jobs in (*self.gone_from, self.watching):
            for kept in jobs._local._kept.values():
                kept.wait()
        shutil.rmtree(self.study.parent)

    def _stands(self, run: RunFolder, state: str) -> None:
        told = {"state": state, "host": this_host(), "pid": 0, "updated": time.time()}
        Status.model_validate(told).save(run.path / layout.STATUS)

    def _seen(self) -> Iterator[str]:
        """The runs whose jobs whoever watches would wait for."""
        return (name for name, run in self.runs.items() if self.watching.known(run) is not None)

    @rule(name=st.sampled_from(_RUNS))
    def begin(self, name: str) -> None:
        """As a comparison does: what is known is waited for, and there must be room."""
        run = self.runs[name]
        if self.watching.known(run) is not None or not self.watching.room():
            return
        assert name not in self.there
        self.watching.submit([run], entry="tests.fixtures.idle_job")
        job = TrainingJob.load(run.path / layout.JOB)
        assert job is not None
        self.there[name] = psutil.Process(int(job.id))

    @precondition(lambda self: self.there)
    @rule(data=st.data(), end=_ENDS, finished=st.booleans())
    def end_one(self, data: st.DataObject, end: str, finished: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.there)))
        process = self.there.pop(name)
        getattr(process, end)()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.005)
        self._stands(self.runs[name], "finished" if finished else "interrupted")

    @rule()
    def another_watches(self) -> None:
        """The command is cut off, and called again."""
        self.gone_from.append(self.watching)
        self.watching = TrainingJobs("local", most=_MOST)
        list(self._seen())

    @rule()
    def cancel(self) -> None:
        """It ends those that it began, and no others."""
        began = [name for name in self.there if self.runs[name].path in self.watching._mine]
        self.watching.cancel()
        for name in began:
            process = self.there.pop(name)
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.005)

    @rule(keep_logs=st.booleans())
    def settle(self, keep_logs: bool) -> None:
        before = {folder: [log.stem for log in folder.glob("*.log")] for folder in self._printed()}
        own = () if keep_logs else tuple(self.watching._folders)
        self.watching.settled(self.study, keep_logs=keep_logs)
        for folder, names in before.items():
            over = all(
                name not in self.there and self.runs[name].status().state == "finished"
                for name in names
            )
            kept = self.watching._folders if keep_logs else ()
            assert folder.exists() == (folder in kept or not (folder in own or over))

    def _printed(self) -> list[Path]:
        return sorted((self.study / layout.JOBS).glob("*"))

    @invariant()
    def those_that_go_on_are_known_and_no_others(self) -> None:
        assert set(self._seen()) == set(self.there)

    @invariant()
    def no_more_go_on_than_may(self) -> None:
        assert len(self.there) <= _MOST
        assert self.watching.room() == _MOST - len(self.there)

    @invariant()
    def whoever_stops_watching_is_told_how_to_end_them(self) -> None:
        told = self.watching.going_on()
        assert bool(told) == bool(self.there)
        assert all(str(process.pid) in told for process in self.there.values())


Watchers.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestWatchers = pytest.mark.skipif(sys.platform == "win32", reason="jobs start on Linux and macOS")(
    Watchers.TestCase
)
