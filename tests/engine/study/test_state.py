"""Any sequence of recording, correcting, withdrawing,
restoring and reopening, against a model in plain Python."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study


@dataclass
class Expected:
    """What the log should say of a trial."""

    value: int
    corrects: str | None
    withdrawn: bool = False


class StoreMachine(RuleBasedStateMachine):
    """The study is on disk; the model is a dictionary."""

    trials = Bundle("trials")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model: dict[str, Expected] = {}

    @initialize()
    def begin(self) -> None:
        self.study = Study.create(self.folder / "s.prism", attributes=("smart",))
        self.study.add_labeler("L1")
        self.study.add_images([(self.folder / "a.jpg", "a.jpg", "a" * 64, 8, 8)])

    @rule(target=trials, value=st.integers(1, 4))
    def record(self, value: int) -> str:
        return self._record(value, None)

    @rule(target=trials, value=st.integers(1, 4), old=trials)
    def correct(self, value: int, old: str) -> str:
        if self._corrections(old):
            with pytest.raises(InputError):
                self._record(value, old)
            return old
        return self._record(value, old)

    @rule(trial=trials)
    def withdraw(self, trial: str) -> None:
        if not self.model[trial].withdrawn and self._corrections(trial):
            with pytest.raises(InputError):
                self.study.withdraw(trial)
        else:
            self.study.withdraw(trial)
            self.model[trial].withdrawn = True

    @rule(trial=trials)
    def restore(self, trial: str) -> None:
        expected = self.model[trial]
        if expected.withdrawn and expected.corrects and self._corrections(expected.corrects):
            with pytest.raises(InputError):
                self.study.restore(trial)
        else:
            self.study.restore(trial)
            expected.withdrawn = False

    @rule()
    def reopen(self) -> None:
        self.study.close()
        self.study = Study.open(self.study.path)

    @invariant()
    def log_is_complete_and_right(self) -> None:
        log = {trial.id: trial for trial in self.study.trials(current=False)}
        assert log.keys() == self.model.keys()
        for trial, expected in self.model.items():
            corrections = self._corrections(trial)
            assert log[trial].answers == {"smart": expected.value}
            assert log[trial].status == ("withdrawn" if expected.withdrawn else "answered")
            assert log[trial].superseded_by == (corrections[0] if corrections else None)
        current = [
            t
            for t, expected in self.model.items()
            if not expected.withdrawn and not self._corrections(t)
        ]
        assert [trial.id for trial in self.study.trials()] == current
        assert self.study.progress()[0].ratings == len(current)

    def _record(self, value: int, old: str | None) -> str:
        trial = TrialRecord(
            new_id(), "L1", "sitting", 0, "rating", "a" * 64, answers={"smart": value}
        )
        self.study.record(trial, supersedes=old)
        self.model[trial.id] = Expected(value, old)
        return trial.id

    def _corrections(self, trial: str) -> list[str]:
        return [other for other, e in self.model.items() if e.corrects == trial and not e.withdrawn]

    def teardown(self) -> None:
        if hasattr(self, "study"):
            problems = [problem for problem in self.study.check() if problem.kind != "missing"]
            self.study.close()
            assert problems == []
        shutil.rmtree(self.folder)


StoreMachine.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.generate,),  # a study on disk is too slow to shrink; examples are short anyway
)
test_that_the_log_never_loses_or_changes_an_answer = StoreMachine.TestCase
