"""Simulated judges of replies: do methods that change the language model itself beat heads on its
features?

`python -m tests.bench.text_towers [--epochs N] [METHOD ...]`, on prism-mini-lm; by default four
methods and 4 epochs. Texts, judges, splits, accuracy and intervals are those of
`tests.bench.text_judges`. Trained as a run trains: the settings of each method, early stopping by
validation answers, `prefix-on-unified` on the consensus trained before it. Swapped: a judge's
answers by the model of each other judge. The last column is over `hierarchical-bayes` on the frozen
model's features, answer by answer.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.demo.writers.judges import (
    WrittenReply,
    judged_attributes,
    judged_replies,
    judges,
)
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods import CONSENSUS, POSTERIOR, method
from prism_desktop.engine.methods.recipe import CLOSED_FORM
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.language_tower import PersonalLanguageModel
from prism_desktop.engine.models.saved_heads import HeadCard
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.stimulus_words import REPLIES
from prism_desktop.engine.training.closed_form_start import ClosedFormStart
from prism_desktop.engine.training.factory import start_from
from prism_desktop.engine.training.losses.registry import LossInputs, build_losses
from prism_desktop.engine.training.resources import TokenizedTexts
from prism_desktop.engine.training.scoring import Scorer, score_all
from prism_desktop.engine.training.trainer import Trainer
from tests.bench.text_judges import (
    EACH,
    Floats,
    agree,
    asked_of_judges,
    features_of,
    intervals,
    right_by_heads,
)

METHODS = (CONSENSUS, "lora-visual-prompt", "prefix-on-unified", "per-labeler-lora")
BACKBONE, EPOCHS = "prism-mini-lm", 4


def main() -> int:
    """Print a line for each method, accuracies in per cent."""
    torch.set_num_threads(1)
    args, epochs = sys.argv[1:], EPOCHS
    if args[:1] == ["--epochs"]:
        epochs, args = int(args[1]), args[2:]
    replies = judged_replies(EACH)
    asked, truth = asked_of_judges(replies)
    heads = right_by_heads(features_of(BACKBONE, replies), asked, truth)
    network = load_language_model(parse(BACKBONE), choose_device("cpu"))
    print("| method | accuracy | swapped | over heads | seconds |\n|---|---:|---:|---:|---:|")
    for way in (CONSENSUS, POSTERIOR):
        theirs = "" if way == CONSENSUS else f"{intervals(heads['swapped'], asked['test'])[0]:.1f}"
        print(f"| {way} on features | {_told(heads[way], asked['test'])} | {theirs} | | |")
    shared: PersonalLanguageModel | None = None
    for name in args or METHODS:
        begun = time.process_time()
        trainer = _trainer(name, epochs, network, replies, asked, shared)
        for _ in trainer.run():
            pass
        model = trainer.scorer.model
        assert isinstance(model, PersonalLanguageModel)
        shared = model if name == CONSENSUS else shared
        own, swapped = _right(trainer.scorer, asked["test"])
        with_others = f"{intervals(swapped, asked['test'])[0]:.1f}"
        gain = _told(own - heads[POSTERIOR], asked["test"], "+")
        seconds = time.process_time() - begun
        print(f"| {name} | {_told(own, asked['test'])} | {with_others} | {gain} | {seconds:.0f} |",
              flush=True)  # fmt: skip
    return 0


def _told(right: Floats, test: Answers, sign: str = "") -> str:
    mean, low, high = intervals(right, test)
    return f"{mean:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"


def _trainer(
    name: str,
    epochs: int,
    network: LanguageModel,
    replies: list[WrittenReply],
    asked: Mapping[str, Answers],
    shared: PersonalLanguageModel | None,
) -> Trainer:
    config = TrainConfig.checked({"method": name, "backbone": BACKBONE, "epochs": epochs})
    names = tuple(judged_attributes())
    people = tuple(one.code for one in judges())
    told = [sentences(attribute, REPLIES.templates) for attribute in names]
    model = PersonalLanguageModel(
        network, len(people), method=method(name), tokens=config.tokens, rank=config.rank,
        alpha=config.alpha, temperature=config.temperature, token_std=config.token_std,
        lora_std=config.lora_std, seed=config.seed,
        heads=told if config.start == CLOSED_FORM else None,
    )  # fmt: skip
    if config.start == CONSENSUS:
        assert shared is not None, "name the consensus first"
        start_from(model, shared)
    folder = Path(tempfile.mkdtemp())
    pairs = [(one.prompt.text, one.text) for one in replies]
    scorer = Scorer(model, told, TokenizedTexts.of(pairs, network.reader).behind(config.tokens))
    terms = build_losses(LossInputs(config, asked["train"], len(people), len(names)))
    card = HeadCard(POSTERIOR, BACKBONE, network.sha256, people, names)
    start = ClosedFormStart(card, asked, {}, folder) if config.start == CLOSED_FORM else None
    return Trainer(
        scorer, asked, people, names, config, folder, terms, width=network.width, start=start
    )


def _right(scorer: Scorer, test: Answers) -> tuple[Floats, Floats]:
    """(tested answers,) 1 right, 0 wrong, 0.5 for equal scores: by the judge's own model, and the
    mean by those of the others."""
    people = [one.code for one in judges()]
    told: list[NDArray[np.float32]] = [
        event.scores.T for event in score_all(scorer, people) if isinstance(event, LabelerScores)
    ]
    scores = np.stack(told)  # (judges, attributes, texts)
    others = [
        agree(scores[(test.labeler + step) % len(people), test.attribute], test)
        for step in range(1, len(people))
    ]
    return agree(scores[test.labeler, test.attribute], test), np.mean(others, axis=0)


if __name__ == "__main__":
    sys.exit(main())
