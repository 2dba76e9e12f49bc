"""Random sequences of pause, stop, discard and close at random moments of a run, against a table of
what must be on the disk afterwards."""

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.device import precision
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder, list_runs
from prism_desktop.engine.runs.run_events import Paused, Resumed, Stage, Step, TrainingEvent
from prism_desktop.engine.runs.stopping import has_checkpoints, kept, kept_now
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.resources import Resources, open_pixels
from prism_desktop.engine.training.session import train_run
from tests.fixtures.runs import MakeRun, result

ITERATIVE, CLOSED_FORM, BASELINE = "lora-visual-prompt", "hierarchical-bayes", "profile-text"
ORDERS = ("pause", "stop", "discard", "close")
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
        run = make_run(tiny_study, method=method, epochs=2, compare=False, checkpoint_seconds=0.01)
        pixels = result(open_pixels(run.study, run.table("images"), backbone.image_size))
        device, sha = backbone.device, backbone.sha256
        exact = precision(device)
        return Driver(tiny_study, run, Resources(device, exact, backbone, pixels, None, sha))

    return make


def _check_stopped(driver: Driver, stage: str) -> None:
    """After a stop that was given in a stage."""
    run, steps = driver.run, has_checkpoints(driver.run.config().method, "tiny")
    state = run.status().state
    if stage == "evaluating":
        assert (state, run.tested) == ("finished", True)
    elif steps and stage == "training":
        assert (state in ("stopped", "finished"), run.tested) == (True, True)
        assert not run.resumable
    else:
        assert (state, run.tested, run.resumable) == ("stopped", False, True)


def _check(driver: Driver, order: str, stage: str) -> bool:
    """Whether the run has come to an end of its own."""
    run, state = driver.run, driver.run.status().state
    others = {row.name for row in list_runs(run.study)} - {run.name}
    assert not others
    if order == "discard" and stage:
        assert state == "discarded"
        assert not [name for name in MODEL if (run.path / name).exists()]
        return True
    if order == "stop" and stage:
        _check_stopped(driver, stage)
    elif order == "close" and stage:
        assert (state, run.tested, run.resumable) == ("interrupted", False, True)
        said = kept(run.config().method, "tiny", stage, "leave", stepped=driver.stepped)
        assert said.goes_on <= any((run.path / "checkpoints").glob("step-*"))
    else:
        assert (state, run.tested) == ("finished", True)
        if order == "pause" and stage not in ("", "evaluating"):
            kinds = [type(event) for event in driver.told]
            assert kinds.index(Paused) < len(kinds) - 1 - kinds[::-1].index(Resumed)
    return run.tested


def _obey_orders(drive: Callable[[str], Driver], method: str, seed: int) -> None:
    """Give order after order until the run has ended."""
    rng = random.Random(seed)
    straight = drive(method)  # the undisturbed run comes first
    straight.train()
    assert straight.run.status().state == "finished"
    length, predicted = len(straight.told), straight.run.predictions()
    straight.run.delete()
    driver = drive(method)
    for _ in range(12):
        order = rng.choice(ORDERS)
        stage = driver.train(order, rng.randrange(1, length + 1))
        if _check(driver, order, stage):
            break
    if driver.run.status().state == "finished":
        assert driver.run.predictions().equals(predicted)


@pytest.mark.parametrize("method", [ITERATIVE, CLOSED_FORM, BASELINE])
def test_that_orders_at_random_moments_leave_what_was_promised(
    method: str, drive: Callable[[str], Driver]
) -> None:
    _obey_orders(drive, method, 1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("method", [ITERATIVE, CLOSED_FORM, BASELINE])
def test_that_many_orders_at_random_moments_leave_what_was_promised(
    method: str, seed: int, drive: Callable[[str], Driver]
) -> None:
    _obey_orders(drive, method, seed)
