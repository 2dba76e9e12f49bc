"""How Slurm's jobs stand, whatever it answers and when, against a cluster that knows."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from prism_desktop.engine.processes import job_states
from prism_desktop.engine.processes.job_states import OVER, UNTOLD, SlurmStates
from prism_desktop.engine.runs.job_file import TrainingJob

_SHOWN = 10.0  # s from handing a job over until the queue shows it, at most
_FORGOTTEN = 300.0  # s from a job's end until the queue lacks it
_GOING = st.sampled_from(("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "NEW"))
_ENDED = st.sampled_from(sorted(OVER))


@dataclass
class _Known:
    """A job as the cluster knows it."""

    job: TrainingJob
    state: str = "PENDING"
    shown: float = 0.0  # since when
    ended: float | None = None


class Cluster(RuleBasedStateMachine):
    """Jobs that begin and end, and a controller that answers or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1e9
        self.answers = self.accounts = True
        self.jobs: dict[str, _Known] = {}
        self.states = SlurmStates()
        self.patch = pytest.MonkeyPatch()
        clock = SimpleNamespace(time=lambda: self.now, monotonic=lambda: self.now)
        self.patch.setattr(job_states, "time", clock)
        self.patch.setattr(job_states, "_printed", self._printed)

    def teardown(self) -> None:
        self.patch.undo()

    def _printed(self, command: list[str]) -> str | None:
        if command[0] == "squeue":
            if not self.answers:
                return None
            return "".join(
                f"{number}|{one.state}|None\n"
                for number, one in self.jobs.items()
                if one.shown <= self.now
                and (one.ended is None or self.now - one.ended < _FORGOTTEN)
            )
        if not self.accounts:
            return None
        (number,) = (one for one in command if one in self.jobs)
        return f"JobID|State|NodeList\n{number}|{self.jobs[number].state}|node1\n"

    @rule(slow=st.floats(0, _SHOWN))
    def hand_over(self, slow: float) -> None:
        number = str(len(self.jobs) + 1)
        made = TrainingJob(executor="slurm", id=number, submitted=self.now)
        self.jobs[number] = _Known(made, shown=self.now + slow)

    @rule(seconds=st.sampled_from((0.3, 2.0, 40.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(answers=st.booleans(), accounts=st.booleans())
    def change(self, answers: bool, accounts: bool) -> None:
        self.answers, self.accounts = answers, accounts
        self.now += 4  # it is asked seldom

    @precondition(lambda self: any(one.ended is None for one in self.jobs.values()))
    @rule(data=st.data(), going=_GOING)
    def move_on(self, data: st.DataObject, going: str) -> None:
        self._one_that_goes(data).state = going

    @precondition(lambda self: any(one.ended is None for one in self.jobs.values()))
    @rule(data=st.data(), ended=_ENDED)
    def end(self, data: st.DataObject, ended: str) -> None:
        one = self._one_that_goes(data)
        one.state, one.ended = ended, self.now

    def _one_that_goes(self, data: st.DataObject) -> _Known:
        going = [number for number, one in self.jobs.items() if one.ended is None]
        return self.jobs[data.draw(st.sampled_from(going))]

    @invariant()
    def nobody_who_goes_is_called_gone(self) -> None:
        for one in self.jobs.values():
            if one.ended is None:
                assert self.states.state(one.job).going

    @invariant()
    def an_end_is_told_as_soon_as_slurm_answers(self) -> None:
        if not self.answers:
            return
        for one in self.jobs.values():
            if one.ended is not None and self.now - one.ended > 2 * _SHOWN + 20:
                found = self.states.state(one.job)
                assert not found.going
                assert found.name in ("", one.state)
            assert self.states.state(one.job).name != UNTOLD


Cluster.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSlurmStates = Cluster.TestCase
