"""A tower's training that starts where the closed form ends."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.model_card import describe
from prism_desktop.engine.models.saved import LoadedRun, load_run, save_model
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.run_events import Epoch
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.trainer import Trainer
from tests.fixtures.runs import ATTRIBUTES, LABELERS, MakeTrainer


def started(trainer: Trainer) -> list[Epoch]:
    """Fit the closed form, and stop before the first step."""
    trainer.stopping = True
    return [event for event in trainer.run() if isinstance(event, Epoch)]


def scores(trainer: Trainer, labeler: int) -> NDArray[np.float32]:
    """(attributes, images)."""
    everything = np.arange(len(trainer.scorer.inputs))
    rows = trainer.scorer.blocks(everything, np.full(len(everything), labeler))
    return np.concatenate([trainer.scorer.score(block, labeler) for block in rows]).T


def seen(trainer: Trainer) -> NDArray[np.float32]:
    """(images, d) as the first labeler sees them."""
    everything = np.arange(len(trainer.scorer.inputs))
    blocks = trainer.scorer.blocks(everything, np.zeros(len(everything), np.int64))
    return torch.cat(list(blocks)).numpy().copy()


def test_that_before_the_first_step_the_tower_says_what_the_closed_form_says(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_trainer(at_closed_form=True, pairs=240)
    (start,) = started(trainer)
    heads = load_heads(tmp_path, layout.CLOSED_FORM)
    told = heads.scores(seen(trainer))
    for labeler in range(len(LABELERS)):
        apart = scores(trainer, labeler) - told[labeler]
        assert np.ptp(apart, axis=1) == pytest.approx(0, abs=1e-3)
        assert np.ptp(told[labeler], axis=1).min() > 0.1
    assert start.epoch == 0
    assert start.best
    test = trainer.scorer.tally(trainer.answers["test"], trainer.loss, Tally(LABELERS, ATTRIBUTES))
    assert test.macro()["accuracy"] > 0.8  # opposite tastes, without a step


@pytest.mark.parametrize(("later", "kept"), [(0.4995, 0), (0.49, 2)])
def test_that_the_closed_form_stays_unless_an_epoch_gains_more_than_chance_brings(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, later: float, kept: int
) -> None:
    trainer = make_trainer(at_closed_form=True, epochs=3)
    losses, macro = {0: 0.5, 1: 0.6, 2: later, 3: 0.6}, Tally.macro
    monkeypatch.setattr(
        Tally, "macro", lambda self: {**macro(self), "nll": losses[trainer.cursor.epoch]}
    )
    states = {}
    for event in trainer.run():
        if isinstance(event, Epoch):
            states[event.epoch] = trainer.scorer.model.trainable_state()
    assert list(states) == [0, 1, 2, 3]
    assert trainer.cursor.best_epoch == kept
    now = trainer.scorer.model.trainable_state()
    same = [name for name in now if torch.equal(now[name], states[kept][name])]
    assert set(now) - set(same) <= {"heads.table", "heads.later"}  # which learn once more
    assert any(not torch.equal(states[0][name], states[2][name]) for name in same)


def test_that_heads_learn_from_validation_answers_last_and_validation_faces_are_scored_before(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer(at_closed_form=True, pairs=240)
    before: list[NDArray[np.float32]] = []
    trainer.stopping = True
    for event in trainer.run():
        if isinstance(event, Epoch):
            before = [scores(trainer, labeler) for labeler in range(len(LABELERS))]
    after = [scores(trainer, labeler) for labeler in range(len(LABELERS))]
    val = np.arange(len(trainer.scorer.inputs)) % 4 == 2
    told = [event.scores.T for event in trainer.score() if isinstance(event, LabelerScores)]
    for was, now, said in zip(before, after, told, strict=True):
        assert not np.allclose(was, now, atol=1e-3)
        apart = said[:, val] - was[:, val]
        assert np.ptp(apart, axis=1) == pytest.approx(0, abs=1e-3)  # differences are as before
        # in the middle where they are now, among images that are not of validation
        assert said[:, val].mean(axis=1) == pytest.approx(now[:, val].mean(axis=1), abs=1e-3)
        assert np.allclose(said[:, ~val], now[:, ~val], atol=1e-4)


def test_that_a_saved_run_keeps_its_heads_and_reads_other_attributes_as_text(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_trainer(at_closed_form=True)
    started(trainer)
    model = trainer.scorer.model
    assert isinstance(model, PersonalClip)
    templates = dict.fromkeys(ATTRIBUTES, ("{}",))
    save_model(
        model, tmp_path, method="lora-visual-prompt", labelers=LABELERS, attributes=templates
    )
    loaded = load_run(tmp_path, "cpu", model.backbone)
    pixels = trainer.scorer.inputs.take(np.arange(6))
    told = loaded.scores(pixels)
    for labeler in range(len(LABELERS)):
        assert told[labeler] == pytest.approx(scores(trainer, labeler)[:, :6], abs=1e-4)
    mixed = loaded.scores(pixels, attributes=["happy", ATTRIBUTES[1]])
    assert mixed[:, 1] == pytest.approx(told[:, 1], abs=1e-5)
    vector = model.text_vectors([sentences("happy")])[0]
    by_text = seen(trainer)[:6] @ vector.numpy() / float(model.temperature)
    assert mixed[0, 0] == pytest.approx(by_text, abs=1e-4)


def test_that_maps_are_of_what_the_heads_say(make_trainer: MakeTrainer) -> None:
    from PIL import Image

    from prism_desktop.engine.analysis.relevance_rules import explain

    trainer = make_trainer(at_closed_form=True)
    started(trainer)
    model = trainer.scorer.model
    assert isinstance(model, PersonalClip)
    model.requires_grad_(False)
    names = dict.fromkeys(ATTRIBUTES, ("{}",))
    run = LoadedRun(model, describe(model, "lora-visual-prompt", LABELERS, names))
    face = Image.fromarray(trainer.scorer.inputs.take(np.arange(1))[0].transpose(1, 2, 0))
    warm, cold = (explain(run, face, code, "smart", "gradient-attention") for code in LABELERS)
    for row, found in enumerate((warm, cold)):
        assert found.score == pytest.approx(float(scores(trainer, row)[1, 0]), abs=1e-4)
    assert not np.allclose(warm.grid, cold.grid)  # they see alike, and differ in what they want


def test_that_the_source_recipe_starts_at_random_and_words_cannot_start_at_heads() -> None:
    assert TrainConfig.checked({"method": "lora-visual-prompt"}).start == "closed-form"
    assert TrainConfig.checked({"recipe": "source"}).start == "random"
    reptile = TrainConfig.checked({"method": "reptile", "recipe": "source"})
    assert reptile.start == "consensus"
    with pytest.raises(InputError, match="text-token lacks an image tower in which"):
        TrainConfig.checked({"method": "text-token", "start": "closed-form"})
