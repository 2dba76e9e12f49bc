"""The factory of training routines: what fits a run, made from its folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.device import Precision
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.methods import (
    CONSENSUS,
    POSTERIOR,
    Method,
    ignores_labelers,
    members_of,
    method,
)
from prism_desktop.engine.methods.needed_methods import combines
from prism_desktop.engine.methods.parts.part import AXES
from prism_desktop.engine.methods.parts.scoring_parts import (
    AveragedRuns,
    ChosenRuns,
    CollaborativeScores,
    CosineScores,
    LinearScores,
    MlpScores,
    PosteriorScores,
    RetrievalScores,
    Scoring,
    StackedRuns,
    UntrainedCosine,
    WeighedRuns,
)
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.methods.recipe import CLOSED_FORM
from prism_desktop.engine.models.answers import Answers, answers
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.base import AttributeTexts
from prism_desktop.engine.models.decoder import DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.retrieval import Wanted
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.models.image_blocks import NO_BLOCKS
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.saved import load_run, tower_on
from prism_desktop.engine.models.saved_heads import HeadCard
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.score_files import rows_of
from prism_desktop.engine.training import conditioning
from prism_desktop.engine.training.closed_form import ClosedForm
from prism_desktop.engine.training.closed_form_start import ClosedFormStart
from prism_desktop.engine.training.combination import Combination, Obtain
from prism_desktop.engine.training.losses.registry import LossInputs, build_losses
from prism_desktop.engine.training.offered_blocks import offered_blocks
from prism_desktop.engine.training.resources import Resources
from prism_desktop.engine.training.routine import TrainingRoutine
from prism_desktop.engine.training.schedule import width_scale
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.single_ratings import READ, training_ratings
from prism_desktop.engine.training.team import ALONE, team
from prism_desktop.engine.training.trainer import Trainer
from prism_desktop.engine.training.untrained import Untrained


@dataclass(frozen=True, slots=True, eq=False)
class ToFit:
    """What a routine is made of; see `build`."""

    run: RunFolder
    resources: Resources
    dependencies: Mapping[str, RunFolder]
    obtain: Obtain
    chosen: Method


def build(
    run: RunFolder, resources: Resources, dependencies: Mapping[str, RunFolder], obtain: Obtain
) -> TrainingRoutine:
    """What fits a run, before its first step.

    Args:
        run: gives settings and data.
        resources: gives the backbone and the images.
        dependencies: the finished runs that this one depends on, by method.
        obtain: makes sure that another method's run is there, for combinations that decide on the
            way.
    """
    chosen = method(run.config().method).on(embeddings=run.config().stands_on_features)
    return ROUTINES[type(chosen.scoring)](ToFit(run, resources, dependencies, obtain, chosen))


def _combination(given: ToFit) -> Combination:
    config, task = given.run.config(), Task.of(given.run)
    members = members_of(given.chosen, config.members, embeddings=given.resources.backbone is None)
    rule = next(given.chosen.of(WeighedRuns)).rule
    return Combination(
        given.chosen.name, rule, members, given.obtain, task.labelers, task.attributes, task.images,
        task.answers, given.run.path,
    )  # fmt: skip


def _closed_form(given: ToFit) -> ClosedForm:
    run, resources, config, task = (
        given.run,
        given.resources,
        given.run.config(),
        Task.of(given.run),
    )
    assert resources.features is not None, "the session reads features before"
    card = HeadCard(
        config.method, config.backbone, resources.sha256, task.labelers, task.attributes
    )
    ratings, wanted = head_ratings(run, task), Wanted(**config.retrieval.model_dump())
    read = reads(given.chosen, "blocks")
    offered = offered_blocks(run, resources.statistics) if read else NO_BLOCKS
    return ClosedForm(card, resources.features, task.answers, run.path, ratings, wanted, offered)


def _decoder(given: ToFit) -> Trainer:
    task = Task.of(given.run)
    return build_decoder(given.run, given.resources, task.labelers, task.attributes, task.answers)


def _tower(given: ToFit) -> Trainer | Untrained:
    return build_trainer(given.run, given.resources, given.dependencies.get(CONSENSUS))


ROUTINES: Mapping[type[Scoring], Callable[[ToFit], TrainingRoutine]] = {
    CosineScores: _tower,
    UntrainedCosine: _tower,
    MlpScores: _decoder,
    LinearScores: _closed_form,
    RetrievalScores: _closed_form,
    PosteriorScores: _closed_form,
    CollaborativeScores: _closed_form,
    AveragedRuns: _combination,
    ChosenRuns: _combination,
    StackedRuns: _combination,
}


def wants_features(config: TrainConfig) -> bool:
    """Whether a run needs the frozen backbone's features before it is built."""
    chosen = method(config.method).on(embeddings=config.stands_on_features)
    return not combines(chosen) and (
        chosen.scoring.of_features or conditioning.wants_features(chosen)
    )


def head_ratings(run: RunFolder, task: "Task") -> Mapping[str, Ratings]:
    """Ratings by the split of their images, for heads that learn from ratings as ratings.

    None where only comparisons are asked for, and where it is not images that are split: pairs made
    of ratings are learned from there.
    """
    if run.config().pairs.use == "comparisons":
        return {}
    ratings, images = run.coded_table("ratings", READ), run.table("images")
    found = {
        split: training_ratings(ratings, images, task.labelers, task.attributes, split)
        for split in task.answers
    }
    return {split: rated for split, rated in found.items() if rated is not None}


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A run's data as numbers.

    Attributes:
        answers: of the splits train, val and test.
    """

    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    images: tuple[str, ...]
    answers: Mapping[str, Answers]

    @classmethod
    def of(cls, run: RunFolder) -> "Task":
        """Read a run's snapshot."""
        meta, pairs = run.meta(), run.coded_table("pairs")
        labelers, attributes = meta.codes, meta.names
        images = tuple(str(image) for image in run.table("images")["image"])
        of = {  # one after the other: each is a copy
            name: answers(pairs[pairs["split"] == name], labelers, attributes, images)
            for name in ("train", "val", "test")
        }
        return cls(labelers, attributes, images, of)


def build_trainer(
    run: RunFolder, resources: Resources, consensus: RunFolder | None
) -> Trainer | Untrained:
    """The trainer of a run that descends gradients, or nothing
    but the model where there is nothing to train."""
    config, meta, task = run.config(), run.meta(), Task.of(run)
    backbone, stimuli = resources.tower()
    attribute_texts = tuple(sentences(a.name, a.templates) for a in meta.attributes)
    model = _model(
        config,
        backbone,
        resources.precision,
        len(task.labelers),
        _labeler_context(run, resources, task, attribute_texts),
        attribute_texts,
    )
    if (
        consensus is not None
        and config.start == "consensus"
        and not ignores_labelers(config.method)
    ):
        start_from(model, load_run(consensus.path, backbone=backbone).model)
    scorer = Scorer(model, attribute_texts, stimuli.behind(model.tokens))
    if method(config.method).fitted == "not at all":
        return Untrained(scorer, task.labelers, task.attributes, task.answers, run.path)
    loss_terms = build_losses(_loss_inputs(run, task, backbone, consensus))
    for loss_term in loss_terms:
        loss_term.to(model.device)
    return Trainer(
        scorer,
        task.answers,
        task.labelers,
        task.attributes,
        config,
        run.path,
        loss_terms,
        width=backbone.width,
        start=_closed_form_start(run, resources, task),
        # a term that depends on a step's answers must see them all
        team=ALONE if any(one.reads_answers for one in loss_terms) else team(),
    )


def _closed_form_start(run: RunFolder, resources: Resources, task: Task) -> ClosedFormStart | None:
    """What fits the heads to start at, where a run starts there."""
    config = run.config()
    if config.start != CLOSED_FORM:
        return None
    card = HeadCard(POSTERIOR, config.backbone, resources.sha256, task.labelers, task.attributes)
    return ClosedFormStart(card, task.answers, head_ratings(run, task), run.path)


def _loss_inputs(
    run: RunFolder, task: Task, backbone: Backbone | LanguageModel, consensus: RunFolder | None
) -> LossInputs:
    """What terms of the loss may want to know."""
    config = run.config()
    scores = None
    if consensus is not None:
        table = consensus.scores(labeler=task.labelers[0])
        if table is not None:
            kinds, faces = (
                rows_of(names, known)
                for names, known in (
                    (task.attributes, table.attributes),
                    (task.images, table.images),
                )
            )
            scores = np.where(
                (kinds < 0)[:, None] | (faces < 0),
                np.float32(np.nan),
                table.array[0][kinds][:, faces],
            )
    return LossInputs(
        config,
        task.answers["train"],
        len(task.labelers),
        len(task.attributes),
        training_ratings(run.table("ratings"), run.table("images"), task.labelers, task.attributes),
        scores,
        backbone.embed_dim,
        config.token_lr * width_scale(config, backbone.width),
    )


@torch.inference_mode()
def _labeler_context(
    run: RunFolder, resources: Resources, task: Task, attribute_texts: AttributeTexts
) -> LabelerContext:
    """What the method reads of the labelers, from the training answers and the profiles."""
    config, (backbone, _) = run.config(), resources.tower()
    profiles = tuple(labeler.profile.strip() for labeler in run.meta().labelers)
    features = resources.features.array if resources.features is not None else None
    reader = tower_on(backbone).attribute_reader(backbone)
    words = [*attribute_texts, *((profile or " ",) for profile in profiles)]
    matrix = functional.normalize(torch.stack([*map(reader.mean, words)]), dim=-1).cpu().numpy()
    text, profile_vectors = matrix[: len(attribute_texts)], matrix[len(attribute_texts) :]
    profile_vectors[[not profile for profile in profiles]] = 0.0
    size = len(task.labelers), len(task.attributes)
    train, chosen = task.answers["train"], method(config.method)
    return conditioning.labeler_context(
        chosen, config, train, *size, features, text, profile_vectors, profiles
    )


def _model(
    config: TrainConfig,
    backbone: Backbone | LanguageModel,
    how: Precision,
    labelers: int,
    context: LabelerContext,
    attribute_texts: AttributeTexts,
) -> PersonalTower:
    """The model in its first state; every setting of it is the run's."""
    return tower_on(backbone)(
        backbone,
        labelers,
        method=method(config.method),
        context=context,
        tokens=config.tokens,
        rank=config.rank,
        alpha=config.alpha,
        temperature=config.temperature,
        learn_temperature=config.learn_temperature,
        token_std=config.token_std,
        lora_std=config.lora_std,
        experts=config.experts,
        trunk=config.entered_behind,
        seed=config.seed,
        precision=how,
        heads=attribute_texts if config.start == CLOSED_FORM else None,
    )


@torch.no_grad()
def start_from(model: PersonalTower, consensus: PersonalTower) -> None:
    """Start at the consensus model: its adapters, and its
    token plus the small noise that tokens are drawn as.

    A table of more tokens starts with the consensus's repeated; what the consensus lacks stays as
    it was drawn.
    """
    own, given = dict(model.named_parameters()), dict(consensus.named_parameters())
    for name, tensor in own.items():
        if name in given and name != "prompts.table":
            tensor.copy_(given[name])
    table = own.get("prompts.table", own.get("prompts.mean"))
    if table is not None:
        tokens = given["prompts.table"]
        same = tokens.shape[1] == table.shape[1]
        common = (tokens if same else tokens.mean(dim=1, keepdim=True)).expand(1, *table.shape[1:])
        table.copy_(common if not table.requires_grad else common + table)
        if "prompts.start" in own:
            own["prompts.start"].copy_(common)


# Of the axes' deviations that is divided out: with all of it faint axes, mostly noise, are as loud
# as any other and are learned by heart; with none the loudest drown the rest. Chosen on the demo
# study's validation split.
POWER = 0.5


def build_decoder(
    run: RunFolder,
    resources: Resources,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    answers: Mapping[str, Answers],
) -> Trainer:
    """The trainer of a run whose scorer is an MLP.

    Raises:
        RunError: if the features were not read before.
    """
    if resources.features is None:
        raise RunError("The features of the images were not read before training.")
    config = run.config()
    attribute_texts = tuple(sentences(a.name, a.templates) for a in run.meta().attributes)
    shape = DecoderShape(**config.decoder.model_dump())
    space = fit_space(resources.features.array, AXES, POWER)
    model = DecoderModel(
        space,
        attribute_texts,
        len(labelers),
        shape,
        seed=config.seed,
        device=resources.device.torch,
    )
    ratings = training_ratings(run.table("ratings"), run.table("images"), labelers, attributes)
    loss_terms = build_losses(
        LossInputs(config, answers["train"], len(labelers), len(attributes), ratings)
    )
    for loss_term in loss_terms:
        loss_term.to(model.device)
    return Trainer(
        Scorer(model, attribute_texts, resources.features),
        answers,
        labelers,
        attributes,
        config,
        run.path,
        loss_terms,
    )
