"""Any sequence of key presses, absences, saves and new sessions against a model in plain Python:
nothing that was given is lost, and undo and redo go key press by key press."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from prism_desktop.engine.study.records import Kind
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label import operations
from prism_desktop.ui.label.trial_queue import Command, TrialQueue

NAMES = ("attractive", "smart", "kind")
Press = dict[str, tuple[str, int | str]]  # attribute -> ("given" or "skipped", what)


class KeyPresses(RuleBasedStateMachine):
    """A queue, the session behind it and the study on the disk."""

    kind: Kind = "rating"
    values: tuple[int | str, ...] = (1, 2, 3, 4)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = 0.0
        self.done: list[list[Press]] = []  # trials that are complete
        self.part: list[Press] = []  # of the present one
        self.undone: list[Press] = []
        self.left = False  # while the present trial was before the labeler
        self.commands: list[Command] = []  # on their way to the disk

    @initialize()
    def begin(self) -> None:
        self.study = Study.create(self.folder / "s.prism", attributes=NAMES)
        self.study.add_labeler("L1")
        for number in range(14):
            image = f"{number + 1:064x}"
            path = self.folder / f"{number}.jpg"
            path.touch()
            self.study.add_images([(path, path.name, image, 8, 8)])
        self._start()

    @rule(value=st.integers(0, 3))
    def answer(self, value: int) -> None:
        given = self.values[value % len(self.values)]
        name = self.queue.attribute
        if self._send(self.queue.answer(given, self._now())) and name is not None:
            self._press({name: ("given", given)})

    @rule(reason=st.sampled_from("ab"), rest=st.booleans())
    def skip(self, reason: str, rest: bool) -> None:
        name, given = self.queue.attribute, {key for press in self.part for key in press}
        names = [each for each in NAMES if each not in given][: None if rest else 1]
        if self._send(self.queue.skip(reason, self._now(), rest=rest)):
            assert name == names[0]
            self._press(dict.fromkeys(names, ("skipped", reason)))

    @rule()
    def undo(self) -> None:
        if self.queue.waiting:
            assert self.queue.undo() is None
        elif self._send(self.queue.undo()):
            if not self.part:
                self.part = self.done.pop()
            self.undone.append(self.part.pop())
        else:
            assert not self.part
            assert not self.done

    @rule()
    def redo(self) -> None:
        if self.queue.waiting:
            assert self.queue.redo(self._now()) is None
        elif self._send(self.queue.redo(self._now())):
            self._press(self.undone.pop(), again=True)
        elif not self.commands:  # what waits for the disk can be brought back only then
            assert not self.undone

    @rule()
    def leave_and_come_back(self) -> None:
        command = self.queue.leave(self._now())
        self._send(command)
        self.queue.go_on(self._now())

    @rule()
    def save(self) -> None:
        while self.commands:
            command = self.commands.pop(0)
            _, snapshot = operations.label(self.session, command)
            self.queue.confirm(command, snapshot)
        self._paint()

    @rule()
    def close_the_window_and_begin_again(self) -> None:
        self.save()
        self.study.close()
        self.study = Study.open(self.study.path)
        self._start()
        self.undone.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.commands:
            return
        stored = [self._said(dict(t.answers), dict(t.skips)) for t in self.study.trials("L1")]
        assert stored == [self._told(trial) for trial in self.done]
        slot = self.queue.current
        assert slot is not None
        assert self._said(slot.answers, slot.skips) == self._told(self.part)
        if self.part:
            kept = self.study.pending("L1", self.kind)
            assert kept is not None
            assert (kept.left, kept.right) == (slot.shown.left, slot.shown.right)
            assert self._said(dict(kept.given.answers), dict(kept.given.skips)) == self._told(
                self.part
            )

    @invariant()
    def times_are_within_their_trials(self) -> None:
        if self.commands:
            return
        for trial in self.study.trials("L1"):
            times = [trial.time(name).seconds for name in (*trial.answers, *trial.skips)]
            assert trial.onset is not None
            assert trial.seconds is not None
            assert trial.seconds >= sum(each or 0.0 for each in times) - 1e-6

    def _start(self) -> None:
        self.session, snapshot = operations.begin_labeling(self.study, "L1", self.kind)
        self.queue = TrialQueue(NAMES, snapshot)
        self.commands.clear()
        self._paint()

    def _send(self, command: Command | None) -> bool:
        if command is not None:
            self.commands.append(command)
        self._paint()
        return command is not None

    def _press(self, press: Press, *, again: bool = False) -> None:
        self.part.append(press)
        if not again:
            self.undone.clear()
        if len({name for each in self.part for name in each}) == len(NAMES):
            self.done.append(self.part)
            self.part = []

    def _paint(self) -> None:
        now = self._now()
        self.queue.faces_painted(1.7e9 + now, 0, now)
        self.queue.question_painted(1.7e9 + now, now)

    def _now(self) -> float:
        self.clock += 0.25
        return self.clock

    def _told(self, trial: list[Press]) -> Press:
        return {name: what for press in trial for name, what in press.items()}

    def _said(self, answers: dict[str, int | str], skips: dict[str, str]) -> Press:
        return {name: ("given", value) for name, value in answers.items()} | {
            name: ("skipped", reason) for name, reason in skips.items()
        }

    def teardown(self) -> None:
        if hasattr(self, "study"):
            problems = self.study.check()
            self.study.close()
            assert {problem.kind for problem in problems} <= {"missing", "changed", "thumbnail"}
        shutil.rmtree(self.folder)


class ComparisonKeyPresses(KeyPresses):
    """The same with two faces."""

    kind: Kind = "comparison"
    values = ("left", "tie", "right")


def _tried(machine: type[KeyPresses], examples: int) -> type[RuleBasedStateMachine.TestCase]:
    """The machine as a test; a study on disk is too slow to shrink what fails."""
    machine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate,),
    )
    return machine.TestCase


test_that_no_key_press_is_lost_while_rating = _tried(KeyPresses, 3)
test_that_no_key_press_is_lost_while_comparing = pytest.mark.soak(_tried(ComparisonKeyPresses, 40))
