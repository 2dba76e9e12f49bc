"""Random sequences of pause, stop, discard, close and kill at random moments of a run and of the
consensus before it, against a table of what must be on the disk afterwards."""

import json
import os
import random
import signal
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.device import precision
from prism_desktop.engine.processes.settling import settle_run
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.run_events import Paused, Resumed, Stage, Step, TrainingEvent
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.stopping import has_checkpoints, kept, kept_now
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.resources import Resources, open_pixels
from prism_desktop.engine.training.session import train_run
from tests.fixtures.runs import MakeRun, result

ITERATIVE, CLOSED_FORM, BASELINE = "lora-visual-prompt", "hierarchical-bayes", "profile-text"
CONSENSUS_FIRST = f"{ITERATIVE}, after its consensus"
ORDERS = ("pause", "stop", "discard", "close", *(["kill"] if hasattr(os, "fork") else []))
MODEL = ("head.safetensors", "tokens.safetensors", "adapter", "checkpoints", "predictions.parquet")


@dataclass
class Driver:
    """Trains one run in this process, and keeps account of what it told."""

    study: Study
    run: RunFolder
    resources: Resources
    stage: str = "preparing"
    stepped: bool = False
    told: list[TrainingEvent] = field(default_factory=list)

    def train(self, order: str = "", after: int = 10**9) -> str:
        """Train, and give an order after so many events; the stage in which it was given, empty if
        the run had ended before."""
        self.run.tell("run")
        if order == "kill":
            return self._killed(after)
        self.told, self.stage, given = [], "preparing", ""
        with closing(train_run(self.run, Control(self.run), self.resources)) as events:
            for event in events:
                self._hear(event)
                if len(self.told) == after and self.run.status().state in ACTIVE:
                    given = self.stage
                    if order == "close":
                        break
                    promised = kept_now(self.run, "stop").tested if order == "stop" else None
                    self.run.tell(order, tested=promised)  # type: ignore[arg-type]
        self.run.abandon()
        return given

    def _killed(self, after: int) -> str:
        """As `train`, in a process of its own that is killed after so many events."""
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(100)
            try:
                self.told, self.stage = [], "preparing"
                for event in train_run(self.run, Control(self.run), self.resources):
                    self._hear(event)
                    if len(self.told) == after and self.run.status().state in ACTIVE:
                        os.write(told, json.dumps([self.stage, self.stepped]).encode())
                        os.kill(os.getpid(), signal.SIGKILL)
            finally:
                os._exit(0)
        os.close(told)
        said = os.read(heard, 1000)  # nothing if it had come to its end before
        os.close(heard)
        os.waitpid(child, 0)
        settle_run(self.run)
        stage, self.stepped = json.loads(said) if said else ("", self.stepped)
        return stage

    def _hear(self, event: TrainingEvent) -> None:
        self.told.append(event)
        if isinstance(event, Stage):
            self.stage = event.name
        if isinstance(event, Paused):
            self.run.tell("run")
        self.stepped |= isinstance(event, Step)


@pytest.fixture
def drive(tiny_study: Study, make_run: MakeRun, backbone: Backbone) -> Callable[[str], Driver]:
    """A new run of a method, on the shared backbone."""
    tiny_study.update_labeler("L1", profile="Likes faces that smile.")

    def make(method: str) -> Driver:
        run = make_run(
            tiny_study, method=method.split(",")[0], epochs=2, compare=method == CONSENSUS_FIRST,
            checkpoint_seconds=0.01,
        )  # fmt: skip
        pixels = result(open_pixels(run.study, run.table("images"), backbone.image_size))
        device, sha = backbone.device, backbone.sha256
        exact = precision(device)
        return Driver(tiny_study, run, Resources(device, exact, backbone, pixels, None, sha))

    return make


def _check_stopped(driver: Driver, stage: str) -> None:
    """After a stop that was given in a stage."""
    run, steps = driver.run, has_checkpoints(driver.run.config().method, features=False)
    state = run.status().state
    if stage == "evaluating":
        assert (state, run.tested) == ("finished", True)
    elif steps and stage == "training":
        assert (state in ("stopped", "finished"), run.tested) == (True, True)
        assert not run.resumable
    else:
        assert (state, run.tested, run.resumable) == ("stopped", False, True)


def _check_consensus(driver: Driver, order: str, stage: str) -> None:
    """No other run is there but the consensus, which goes with a run discarded before it began."""
    run = driver.run
    beside = [row for row in list_runs(run.study) if row.name != run.name]
    assert len(beside) <= (1 if run.config().compare else 0)
    for row in beside:
        assert row.method == "consensus"
        assert row.state == "finished" or stage in ("preparing", "consensus")
        assert (order, stage) != ("discard", "consensus")
    assert beside or not (run.config().compare and run.tested)


def _check(driver: Driver, order: str, stage: str) -> bool:
    """Whether the run has come to an end of its own."""
    run, state = driver.run, driver.run.status().state
    _check_consensus(driver, order, stage)
    if order == "discard" and stage:
        assert state == "discarded"
        assert not [name for name in MODEL if (run.path / name).exists()]
        return True
    if order == "stop" and stage:
        _check_stopped(driver, stage)
    elif order in ("close", "kill") and stage:
        assert (state, run.tested, run.resumable) == ("interrupted", False, True)
        said = kept(run.config().method, stage, "leave", features=False, stepped=driver.stepped)
        assert said.goes_on <= any((run.path / "checkpoints").glob("step-*"))
    else:
        assert (state, run.tested) == ("finished", True)
        if order == "pause" and stage not in ("", "evaluating"):
            kinds = [type(event) for event in driver.told]
            assert kinds.index(Paused) < len(kinds) - 1 - kinds[::-1].index(Resumed)
    return run.tested


def _obey_orders(drive: Callable[[str], Driver], method: str, seed: int, first: str = "") -> None:
    """Give order after order until the run has ended; `first` is the first, before the end."""
    rng = random.Random(seed)
    straight = drive(method)  # the undisturbed run comes first
    straight.train()
    assert straight.run.status().state == "finished"
    length, predicted = len(straight.told), straight.run.predictions()
    for row in list_runs(straight.study.path):
        RunFolder(row.path).delete()
    driver = drive(method)
    for number in range(12):
        order = first if first and number == 0 else rng.choice(ORDERS)
        stage = driver.train(order, rng.randrange(1, length + 1))
        assert stage or order != first or number
        if _check(driver, order, stage):
            break
    if driver.run.status().state == "finished":
        assert driver.run.predictions().equals(predicted)


@pytest.mark.parametrize(
    "method", [pytest.param(CONSENSUS_FIRST, marks=pytest.mark.soak), CLOSED_FORM, BASELINE]
)
def test_that_orders_at_random_moments_leave_what_was_promised(
    method: str, drive: Callable[[str], Driver]
) -> None:
    _obey_orders(drive, method, 1, first=ORDERS[-1])


def test_that_a_consensus_that_was_left_as_it_began_is_gone_on_with(
    drive: Callable[[str], Driver],
) -> None:
    driver = drive(CONSENSUS_FIRST)
    stages = (driver.train("close", after) for after in range(1, 20))
    assert "consensus" in stages  # at its first event
    driver.train()
    assert driver.run.status().state == "finished"
    _check_consensus(driver, "", "")


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("method", [ITERATIVE, CONSENSUS_FIRST, CLOSED_FORM, BASELINE])
def test_that_many_orders_at_random_moments_leave_what_was_promised(
    method: str, seed: int, drive: Callable[[str], Driver]
) -> None:
    _obey_orders(drive, method, seed)
