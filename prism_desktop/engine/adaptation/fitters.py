"""Fitters of new labelers on a loaded run that descend gradients: for the MLP decoder, and for
models with a tower."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from prism_desktop.engine.adaptation.head_fitter import FittedLabeler, LabelerFitter, State, alone
from prism_desktop.engine.adaptation.new_labeler_model import (
    OwnParameter,
    Scores,
    fit_parameters,
    new_labeler_model,
    own_tensors,
    score,
    to_start,
)
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.methods import POSTERIOR, method
from prism_desktop.engine.methods.parts.adapter_parts import (
    Adapters,
    EarnedAdapters,
    FrozenAdapter,
    OwnAdapters,
)
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.clustering import earned_ranks, fit_grouping_heads, reliability
from prism_desktop.engine.models.decoder import DecoderModel
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.saved import LoadedRun, load_run
from prism_desktop.engine.models.saved_heads import LoadedHeads, load_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training import conditioning
from prism_desktop.engine.training.factory import Task
from prism_desktop.engine.training.kept_features import Features
from prism_desktop.engine.training.resources import Resources
from prism_desktop.engine.training.scoring import ROWS, Scorer

_KNOWN = "known."
_PROFILE = "profile"  # bytes of the text, among the arrays


class GradientFitter:
    """What the models that descend gradients have in common."""

    changes_encoding = True  # whether fitted parameters change how images are seen

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> FittedLabeler:
        """Fit the new labeler's own parameters, where the
        method has any, on top of one forward pass."""
        answers = alone(answers)
        context, fresh = self._new_context(answers, profile)
        scorer, own = self._build(context, fresh)
        self._fit_heads(scorer, own, answers)
        fit_parameters(scorer, own, answers, changes_encoding=self.changes_encoding)
        return self._fitted(scorer, own, context, fresh)

    def restore(self, state: State) -> FittedLabeler:
        """Put what was fitted back into a model of the same kind."""
        arrays = {
            name.removeprefix(_KNOWN): a for name, a in state.items() if name.startswith(_KNOWN)
        }
        profile = (bytes(arrays.pop(_PROFILE)).decode(),) if _PROFILE in arrays else None
        context = LabelerContext.from_arrays(arrays, profile)
        fresh = next((n.split(".lora_A.")[1].split(".")[0] for n in state if ".lora_A." in n), "")
        scorer, own = self._build(context, fresh)
        with torch.no_grad():
            for name, tensor in own_tensors(scorer.model, own, fresh).items():
                tensor.copy_(torch.from_numpy(np.array(state[name])))
        return self._fitted(scorer, own, context, fresh)

    def posterior(self, answers: Answers | None = None, ratings: Ratings | None = None) -> None:
        """One fit tells nothing of how surely."""
        return

    def _fitted(
        self, scorer: Scorer, own: Mapping[str, OwnParameter], context: LabelerContext, fresh: str
    ) -> FittedLabeler:
        tensors = own_tensors(scorer.model, own, fresh)
        state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
        state |= {f"{_KNOWN}{name}": array for name, array in context.arrays().items()}
        if context.profiles is not None:
            state[f"{_KNOWN}{_PROFILE}"] = np.frombuffer(context.profiles[0].encode(), np.uint8)
        return FittedLabeler(state, lambda images: score(scorer, images))

    def _new_context(self, answers: Answers, profile: str) -> tuple[LabelerContext, str]:
        """What is known of the new labeler alone, and the name of the adapter that is theirs."""
        raise NotImplementedError

    def _build(
        self, context: LabelerContext, fresh: str
    ) -> tuple[Scorer, Mapping[str, OwnParameter]]:
        """A model of the new labeler alone, at the start."""
        raise NotImplementedError

    def _fit_heads(self, scorer: Scorer, own: Mapping[str, OwnParameter], answers: Answers) -> None:
        """Fit the new labeler's heads, where the model has any."""


@dataclass(eq=False)
class DecoderFitter(GradientFitter):
    """The MLP decoder: a vector of the new labeler's own."""

    run: RunFolder
    decoder: DecoderModel
    features: Features
    changes_encoding = False

    def _new_context(self, answers: Answers, profile: str) -> tuple[LabelerContext, str]:
        return LabelerContext(), ""

    def _build(
        self, context: LabelerContext, fresh: str
    ) -> tuple[Scorer, Mapping[str, OwnParameter]]:
        vectors, attribute_texts = self.decoder.vectors.detach().cpu(), attribute_texts_of(self.run)
        start = vectors.mean(dim=0, keepdim=True)
        model = DecoderModel.from_arrays(
            {**self.decoder.arrays(), "vectors": start.numpy()}, attribute_texts
        )
        model.requires_grad_(False)
        spread = float(torch.clamp((vectors - start).pow(2).mean().sqrt(), min=1e-3))
        return Scorer(model, attribute_texts, self.features), {
            "vectors": OwnParameter(model.vectors, start, spread)
        }


@dataclass(eq=False)
class TowerFitter(GradientFitter):
    """Models with a tower, of images or of texts.

    Attributes:
        features: of the frozen backbone, where the method reads any.
        grouping_heads: the heads that groups were made from, where there are groups.
        closed_form: the heads that training started at, where it did.
    """

    run: RunFolder
    loaded: LoadedRun
    resources: Resources
    grouping_heads: BayesHeads | None = None
    closed_form: LoadedHeads | None = None
    _ready: tuple[Scorer, Mapping[str, OwnParameter]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.changes_encoding = any(p.apart != "everyone" for p in self.loaded.method.parts)

    def _new_context(self, answers: Answers, profile: str) -> tuple[LabelerContext, str]:
        """What the method reads of the new labeler: the context alone, and the name of an adapter
        of their own, if any."""
        for part in self.loaded.method.of(Adapters):
            if part.owned:
                return WITH_ADAPTER[type(part)](self, answers)
        context, features = self.loaded.model.context, self.resources.features
        if not context.arrays() and context.profiles is None:
            return LabelerContext(), ""
        array = features.array if features is not None else np.zeros((0, 0), np.float32)
        vector = None
        if profile.strip() and context.summary is not None:
            vector = self.loaded.model.text_vectors([(profile,)])[0].cpu().numpy()
        groups = (self.grouping_heads, context) if self.grouping_heads is not None else None
        names = len(self.loaded.attributes)
        new = conditioning.with_new_labeler(
            context, answers, names, array, profile=profile, profile_vector=vector, groups=groups
        )
        return only_last(new), ""

    def _fit_heads(self, scorer: Scorer, own: Mapping[str, OwnParameter], answers: Answers) -> None:
        """The posterior of heads on what is seen with the tokens that the fit starts at."""
        model: Any = scorer.model
        if model.heads is None or self.closed_form is None:
            return
        to_start(own)
        images = np.union1d(answers.left, answers.right)
        features = np.zeros((len(scorer.inputs), self.loaded.backbone.embed_dim), np.float32)
        for part in np.array_split(images, max(1, -(-len(images) // ROWS))):
            for block in scorer.blocks(part, np.zeros(len(part), np.int64)):
                features[part] = block.float().cpu().numpy()
        heads = self.closed_form.heads
        model.heads.take(heads.adapt(features, answers if len(answers) else None))

    def _with_earned(self, answers: Answers) -> tuple[LabelerContext, str]:
        """An adapter of the new labeler's own, of the rank that the answers earn."""
        assert self.resources.features is not None
        size = 1, len(self.loaded.attributes)
        reliable = reliability(self.resources.features.array, answers, *size)
        rank = earned_ranks(reliable, np.array([len(answers)]))
        return LabelerContext(ranks=rank), "own-0" if rank[0] else ""

    def _with_own(self, answers: Answers) -> tuple[LabelerContext, str]:
        """An adapter of the new labeler's own, on the common one.

        Where there is none, on the mean of all others'.
        """
        if self.loaded.method.has(FrozenAdapter):
            return LabelerContext(), "own-0"
        many = len(self.loaded.labelers)
        shares = np.append(np.full(many, 1 / many), 1.0).astype(np.float32)[None]
        return LabelerContext(groups=np.array([many]), shares=shares), f"own-{many}"

    def _build(
        self, context: LabelerContext, fresh: str
    ) -> tuple[Scorer, Mapping[str, OwnParameter]]:
        plain = not context.arrays() and context.profiles is None
        if plain and self._ready is not None:
            return self._ready
        model, own = new_labeler_model(self.loaded, context, fresh, self.run.config().seed)
        stimuli = self.resources.tower()[1].behind(model.tokens)
        made = Scorer(model, attribute_texts_of(self.run), stimuli), own
        self._ready = made if plain else None
        return made

    def _fitted(
        self, scorer: Scorer, own: Mapping[str, OwnParameter], context: LabelerContext, fresh: str
    ) -> FittedLabeler:
        fitted = super()._fitted(scorer, own, context, fresh)
        tensors = own_tensors(scorer.model, own, fresh)

        def scores(images: Ints | None) -> Scores:
            with torch.no_grad():  # somebody else may have entered the same model meanwhile
                for name, tensor in tensors.items():
                    tensor.copy_(torch.from_numpy(fitted.state[name]))
            return score(scorer, images)

        return FittedLabeler(fitted.state, scores)


WITH_ADAPTER: Mapping[
    type[Adapters], Callable[[TowerFitter, Answers], tuple[LabelerContext, str]]
] = {
    EarnedAdapters: TowerFitter._with_earned,
    OwnAdapters: TowerFitter._with_own,
}


def open_tower(
    run: RunFolder, resources: Resources
) -> Generator[Progress | Notice, None, LabelerFitter]:
    """A fitter of a model with a tower; groups need the heads that they were made from,
    which are fitted again, heads of new labelers those that training started at."""
    backbone, _ = resources.tower()
    loaded = load_run(run.path, backbone=backbone)
    grouping_heads = None
    if conditioning.wants_features(loaded.method):
        yield from resources.read_features(run)
    if "groups" in loaded.method.facts:
        assert resources.features is not None
        task = Task.of(run)
        yield from _tell_of_revised_groups(run)
        yield Progress(0, None, "Reading the groups of labelers")
        grouping_heads = fit_grouping_heads(
            resources.features.array,
            task.answers["train"],
            len(task.labelers),
            len(task.attributes),
        )
    started = (run.path / layout.CLOSED_FORM).is_file()
    heads = load_heads(run.path, layout.CLOSED_FORM) if started else None
    return TowerFitter(run, loaded, resources, grouping_heads, heads)


def _tell_of_revised_groups(run: RunFolder) -> Iterator[Notice]:
    """That a run's groups were made with heads of an earlier revision, which are not kept."""
    name, made = POSTERIOR, run.environment()
    if not made.blank and made.revisions.get(name, 1) != method(name).revision:
        yield Notice(
            f"The groups of {run.name} were made by an earlier version of {method(name).title}. "
            "They stay as they are, but how near somebody new is to each is measured by the "
            "present one, so it can differ from what that version said; train again to have both "
            "alike."
        )


def attribute_texts_of(run: RunFolder) -> tuple[tuple[str, ...], ...]:
    """The run's attributes, as sentences."""
    return tuple(sentences(a.name, a.templates) for a in run.meta().attributes)


def only_last(context: LabelerContext) -> LabelerContext:
    """What is known of the last labeler alone; of the images only those in their history."""
    per_labeler = ("groups", "shares", "deltas", "ranks", "summary", "history", "answer")
    found = {
        name: getattr(context, name)[-1:]
        for name in per_labeler
        if getattr(context, name) is not None
    }
    if context.profiles is not None:
        found["profiles"] = context.profiles[-1:]
    if context.features is not None:
        history = found["history"]
        images, place = np.unique(np.maximum(history[:, :, :2], 0), return_inverse=True)
        there = history[:, :, :1] >= 0
        rows = np.concatenate([place.reshape(history[:, :, :2].shape), history[:, :, 2:]], axis=2)
        found |= {"history": np.where(there, rows, -1), "features": context.features[images]}
    return replace(context, **found)
