"""A run's model and trainer, made from its folder; and its best weights, put back there."""

from collections.abc import Sequence

import torch

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import Precision
from prism_desktop.engine.methods import method
from prism_desktop.engine.personal.answers import answers
from prism_desktop.engine.personal.model import PersonalClip
from prism_desktop.engine.personal.saved import load_run, save_model
from prism_desktop.engine.personal.text import sentences
from prism_desktop.engine.training.pixels import Pixels
from prism_desktop.engine.training.run import RunFolder
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.terms import build_terms
from prism_desktop.engine.training.terms.registry import Facts
from prism_desktop.engine.training.trainer import Trainer


def build_trainer(
    run: RunFolder, backbone: Backbone, how: Precision, pixels: Pixels, consensus: RunFolder | None
) -> Trainer:
    """The trainer of a run, before its first step.

    Args:
        run: gives settings and data.
        backbone: the frozen network.
        how: precision of the frozen weights.
        pixels: the run's images, in the order of its table of images.
        consensus: the finished consensus run, if there is one.
    """
    config, meta = run.config(), run.meta()
    labelers = tuple(str(labeler["code"]) for labeler in meta["labelers"])
    attributes = tuple(str(attribute["name"]) for attribute in meta["attributes"])
    pairs, images = run.table("pairs"), [str(image) for image in run.table("images")["image"]]
    split = {name: answers(pairs[pairs["split"] == name], labelers, attributes, images) for name in ("train", "val")}
    model = _model(config, backbone, how, len(labelers))
    if consensus is not None and config.start == "consensus" and method(config.method).personal:
        start_from(model, load_run(consensus.path, backbone=backbone).model)
    asked = tuple(sentences(a["name"], a["templates"]) for a in meta["attributes"])
    terms = build_terms(Facts(config, split["train"], len(labelers), len(attributes)))
    for term in terms:
        term.to(model.device)
    scorer = Scorer(model, asked, pixels)
    return Trainer(scorer, split, labelers, attributes, config, run.path, terms, width=backbone.width)


def save_best(run: RunFolder, trainer: Trainer) -> None:
    """Write `adapter/` and `tokens.safetensors`."""
    model = trainer.scorer.model
    assert isinstance(model, PersonalClip)
    templates: dict[str, Sequence[str]] = {a["name"]: a["templates"] for a in run.meta()["attributes"]}
    save_model(model, run.path, method=run.config().method, labelers=trainer.labelers, attributes=templates)


def _model(config: TrainConfig, backbone: Backbone, how: Precision, labelers: int) -> PersonalClip:
    return PersonalClip(
        backbone,
        labelers,
        method=method(config.method),
        tokens=config.tokens,
        rank=config.rank,
        alpha=config.alpha,
        temperature=config.temperature,
        learn_temperature=config.learn_temperature,
        token_std=config.token_std,
        lora_std=config.lora_std,
        experts=config.experts,
        seed=config.seed,
        precision=how,
    )


@torch.no_grad()
def start_from(model: PersonalClip, consensus: PersonalClip) -> None:
    """Start at the consensus model: its adapters, and its token plus the small noise that tokens are drawn as.

    A table of more tokens starts with the consensus's repeated; what the consensus lacks stays as it was drawn.
    """
    own, given = dict(model.named_parameters()), dict(consensus.named_parameters())
    for name, tensor in own.items():
        if name in given and name != "prompts.table":
            tensor.copy_(given[name])
    table = own.get("prompts.table", own.get("prompts.mean"))
    if table is not None:
        mean = given["prompts.table"].mean(dim=1, keepdim=True).expand_as(table)
        table.copy_(mean if not table.requires_grad else mean + table)
