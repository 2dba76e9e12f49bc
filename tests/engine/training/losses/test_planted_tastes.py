"""Opposite tastes are learned by whatever can hold them,
cut trainings go on alike, and starts come back."""

import itertools
from pathlib import Path

import pytest
import torch

from prism_desktop.engine.events import Notice
from prism_desktop.engine.training import trainer as trainer_module
from prism_desktop.engine.training.losses.registry import LossInputs, build_losses
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.trainer import Trainer
from tests.engine.training.test_trainer import curves, same
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.runs import LABELERS, MakeTrainer

QUICK = {"lora_lr": 5e-3, "token_lr": 0.1, "temperature": 0.05, "schedule": "cosine"}
METHODS = (
    "text-token",
    "hybrid-prompt",
    "hierarchical",
    "contrastive",
    "augmented",
    "multi-task",
    "user-embedding",
    "full-finetune",
    "per-labeler-lora",
    "l2-constrained",
    "moe-lora",
)
ON_CONSENSUS = ("prefix-on-unified", "reptile", "maml-token")
HERE = {"text-token", "multi-task", "reptile"}
# Opposite tastes are as far from a common one as can be, so the prior is told not to expect
# likeness. A whole tower is not trained at the rate of adapters.
OWN = {"hierarchical": {"strength": 0.01, "token_lr": 0.02}, "full-finetune": {"lora_lr": 2e-4}}
LOSSES = (
    "contrastive",
    "augmented",
    "multi-task",
    "prefix-on-unified",
    "reptile",
    "maml-token",
    "hierarchical",
)


def trained(trainer: Trainer) -> list[str]:
    """Train to the end; what the user was told."""
    return [event.text for event in trainer.run() if isinstance(event, Notice)]


def speak_to_tokens(trainer: Trainer, taught: Trainer) -> None:
    """Give a trainer the adapters of another one, as a consensus
    model's: a tower of random weights heeds no token."""
    own = dict(trainer.scorer.model.named_parameters())
    with torch.no_grad():
        for name, tensor in taught.scorer.model.named_parameters():
            if ".lora_" in name:
                own[name].copy_(tensor)


@pytest.mark.parametrize("name", rest_in_soak([*METHODS, *ON_CONSENSUS], HERE))
def test_that_opposite_tastes_are_learned(
    make_full: MakeTrainer, tmp_path: Path, name: str
) -> None:
    trainer = make_full(
        pairs=240, method=name, epochs=10, patience=10, **(QUICK | OWN.get(name, {}))
    )
    if name in ON_CONSENSUS:
        taught = make_full(tmp_path / "taught", pairs=240, epochs=10, patience=10, **QUICK)
        trained(taught)
        speak_to_tokens(trainer, taught)
    trained(trainer)
    tally = trainer.scorer.tally(
        trainer.answers["val"], trainer.loss, Tally(trainer.labelers, trainer.attributes)
    )
    for labeler in LABELERS:
        assert (tally.per_labeler()[labeler]["accuracy"] or 0) > 0.8


@pytest.mark.parametrize("name", rest_in_soak(LOSSES, {"contrastive", "hierarchical"}))
def test_that_a_training_with_terms_cut_anywhere_goes_on_to_the_same_bits(
    make_full: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)

    def make(folder: str) -> Trainer:
        return make_full(tmp_path / folder, method=name, epochs=3, checkpoint_seconds=1e-9, **QUICK)

    straight = make("straight")
    trained(straight)
    for cut in (2, 4, 9):
        last = make("cut")
        last.resume()
        running = last.run()
        for _ in itertools.takewhile(
            lambda _, stop=last.cursor.step + cut, t=last: t.cursor.step < stop, running
        ):
            pass
        running.close()
    last = make("cut")
    assert last.resume()[0]
    trained(last)
    assert last.cursor.step == straight.cursor.step
    assert same(last._weights(), straight._weights())
    assert same(last.scorer.model.kept_state(), straight.scorer.model.kept_state())
    assert curves(tmp_path / "straight") == curves(tmp_path / "cut")


@pytest.mark.parametrize("name", ["multi-task", "mlp-decoder"])
def test_that_a_second_task_without_ratings_says_so(make_trainer: MakeTrainer, name: str) -> None:
    trainer = make_trainer(max_steps=1)
    config = trainer.config.model_copy(update={"method": name})
    features = trainer.scorer.model.backbone.embed_dim
    trainer.loss_terms = build_losses(
        LossInputs(config, trainer.answers["train"], 2, 2, ratings=None, features=features)
    )
    (told,) = trained(trainer)
    assert told.startswith("Single ratings are not learned from")


def test_that_tokens_that_do_not_pay_go_back_to_the_start(
    make_full: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_full(pairs=240, method="prefix-on-unified", epochs=10, patience=10, **QUICK)
    taught = make_full(tmp_path / "taught", pairs=240, epochs=10, patience=10, **QUICK)
    trained(taught)
    speak_to_tokens(trainer, taught)
    assert trained(trainer) == []  # opposite tastes: both gain by their own tokens
    prompts = trainer.scorer.model.get_submodule("prompts")
    learned = prompts.table.detach().clone()
    loss_term, val = trainer.loss_terms[0], trainer.answers["val"]
    with torch.no_grad():
        prompts.table[1] = learned[0]  # the other's taste is worse than none
    assert "1 of 2 labelers" in loss_term.finish(trainer.scorer, val, trainer.loss)
    assert torch.equal(prompts.table[0], learned[0])
    assert torch.equal(prompts.table[1], prompts.start[0])
