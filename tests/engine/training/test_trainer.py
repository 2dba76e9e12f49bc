import csv
import itertools
import math
from pathlib import Path

import pytest
import torch

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.training import trainer as trainer_module
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.runs import MakeTrainer


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two states are equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def curves(folder: Path) -> list[list[str]]:
    """metrics.csv without the seconds, which differ."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [row[:2] + row[3:] for row in csv.reader(file)]


def test_that_opposite_tastes_are_learned_and_consensus_cannot(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    settings = {"lora_lr": 5e-3, "token_lr": 0.1, "temperature": 0.05, "epochs": 6, "patience": 6}
    accuracy = {}
    for name in ("lora-visual-prompt", "consensus"):
        trainer = make_trainer(tmp_path / name, pairs=240, method=name, **settings)
        (tmp_path / name).mkdir()
        for _ in trainer.run():
            pass
        tally = trainer.scorer.tally(
            trainer.answers["test"], trainer.loss, Tally(trainer.labelers, trainer.attributes)
        )
        accuracy[name] = tally.macro()["accuracy"]
    assert accuracy["consensus"] == pytest.approx(0.5, abs=0.12)
    assert accuracy["lora-visual-prompt"] > 0.8


@pytest.mark.parametrize(
    ("ties", "at_closed_form", "trunk"),
    [("drop", False, 0), ("davidson", False, 1), ("drop", True, 0)],
)
def test_that_a_training_cut_anywhere_goes_on_to_the_same_bits(
    make_trainer: MakeTrainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ties: str,
    at_closed_form: bool,
    trunk: int,
) -> None:
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)  # so that every step can be the last
    folders = [tmp_path / name for name in ("straight", "cut")]
    for folder in folders:
        folder.mkdir()

    def make(folder: Path) -> Trainer:
        return make_trainer(
            folder,
            checkpoint_seconds=1e-9,
            flips=True,
            ties=ties,
            at_closed_form=at_closed_form,
            trunk=trunk,
        )

    straight = make(folders[0])
    for _ in straight.run():
        pass
    last = None
    for cut in (2, 3, 9):  # steps of a process that is then gone, mid-epoch or after one
        last = make(folders[1])
        found, damaged = last.resume()
        assert (found, damaged) == (last.cursor.step > 0, 0)
        running = last.run()
        for _ in itertools.takewhile(
            lambda _, stop=last.cursor.step + cut, t=last: t.cursor.step < stop, running
        ):
            pass
        running.close()
    last = make(folders[1])
    assert last.resume()[0]
    for _ in last.run():
        pass
    assert last.cursor.step == straight.cursor.step
    assert same(last._weights(), straight._weights())
    assert same(dict(last._best), dict(straight._best))
    assert curves(folders[0]) == curves(folders[1])


def test_that_the_best_epoch_ends_training_after_patience(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(epochs=20, patience=2)
    losses, macro = {1: 0.7, 2: 0.5, 3: 0.6, 4: 0.5, 5: 0.1}, Tally.macro
    monkeypatch.setattr(
        Tally, "macro", lambda self: {**macro(self), "nll": losses[trainer.cursor.epoch]}
    )
    states = {}
    for event in trainer.run():
        if isinstance(event, Epoch):
            states[event.epoch] = (trainer.scorer.model.trainable_state(), event.best)
    assert [best for _, best in states.values()] == [True, True, False, False]
    assert trainer.cursor.best_epoch == 2
    assert same(trainer.scorer.model.trainable_state(), states[2][0])
    assert not same(states[2][0], states[4][0])


def test_that_stopping_within_the_first_epoch_keeps_what_there_is(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_trainer()
    events = []
    for event in trainer.run():
        events.append(event)
        trainer.stopping = True
    assert [type(event) for event in events] == [Step, Epoch]
    assert trainer.cursor.best_epoch == 1
    assert not trainer.cursor.ended
    later = make_trainer()
    assert later.resume()[0]
    assert (later.cursor.epoch, later.cursor.step, later.cursor.best_epoch) == (1, 1, None)
    for _ in later.run():
        pass
    assert [row[0] for row in curves(tmp_path)[1:] if row[2:5] == ["val", "", ""]] == [
        "1",
        "2",
        "3",
    ]


def test_that_max_steps_ends_training_with_a_validation(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(max_steps=2)
    events = list(trainer.run())
    assert trainer.cursor.step == 2
    assert trainer.cursor.ended
    assert isinstance(events[-1], Epoch)
    assert events[-1].val["nll"] is not None


def test_that_steps_tell_pace_and_time_left(make_trainer: MakeTrainer) -> None:
    steps = [event for event in make_trainer().run() if isinstance(event, Step)]
    assert steps[0].eta_seconds is not None
    assert all(
        step.images_per_second > 0 and math.isfinite(step.eta_seconds or math.nan) for step in steps
    )
    assert steps[-1].eta_seconds == pytest.approx(0, abs=5)


def test_that_a_loss_that_is_no_number_ends_training_with_advice(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    with torch.no_grad():
        trainer.scorer.model.prompts.table.fill_(torch.nan)
    with pytest.raises(RunError, match="lower learning rates"):
        list(trainer.run())


def test_that_the_base_gets_no_gradient(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(max_steps=1)
    list(trainer.run())
    trained = {
        name for name, tensor in trainer.scorer.model.named_parameters() if tensor.grad is not None
    }
    assert trained
    assert all("lora_" in name or name == "prompts.table" for name in trained)
