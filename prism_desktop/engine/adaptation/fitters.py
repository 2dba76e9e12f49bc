"""Loaded runs that new labelers may enter: heads in closed
form, the MLP decoder, and models with an image tower."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from prism_desktop.engine.adaptation.new_labeler_model import (
    Own,
    Scores,
    fit,
    one_labeler,
    own_tensors,
    score,
)
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.clustering import earned_ranks, reliability
from prism_desktop.engine.models.decoder import DecoderModel
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.labeler_context import Known
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.models.saved_heads import KINDS, LoadedHeads
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training import conditioning
from prism_desktop.engine.training.features import Features
from prism_desktop.engine.training.resources import Workshop
from prism_desktop.engine.training.scoring import Scorer

State = Mapping[str, npt.NDArray[Any]]
_KNOWN = "known."
_PROFILE = "profile"  # bytes of the text, among the arrays


@dataclass(frozen=True, slots=True, eq=False)
class Entered:
    """A labeler who entered a run.

    Attributes:
        state: what must be kept to predict again, by name.
        scores: of images by number, all of them for None: (attributes, n) float32; differences are
            logits.
    """

    state: State
    scores: Callable[[Ints | None], Scores]


class Entrance(Protocol):
    """A loaded run that new labelers may enter, one after another."""

    def enter(self, answers: Answers, profile: str = "") -> Entered:
        """Somebody with these answers, whatever labeler they name; none at all gives the start."""

    def restore(self, state: State) -> Entered:
        """Somebody who entered before."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadEntrance:
    """Heads in closed form: their own `adapt`."""

    loaded: LoadedHeads
    features: npt.NDArray[np.float32]

    def enter(self, answers: Answers, profile: str = "") -> Entered:
        """The posterior, or the index, of the answers alone."""
        heads = self.loaded.heads.adapt(self.features, alone(answers) if len(answers) else None)
        known = self.loaded.heads.arrays()
        state = {
            k: a
            for k, a in heads.arrays().items()
            if k not in known or not np.array_equal(a, known[k])
        }
        return Entered(state, lambda images: self._scores(heads, images))

    def restore(self, state: State) -> Entered:
        """Heads whose other arrays are the run's."""
        heads: Any = KINDS[self.loaded.card.method]({**self.loaded.heads.arrays(), **state})
        return Entered(state, lambda images: self._scores(heads, images))

    def _scores(self, heads: Any, images: Ints | None) -> Scores:
        scores: Scores = heads.scores(self.features)[0]
        return scores if images is None else np.ascontiguousarray(scores[:, images])


class ModelEntrance:
    """What the models that descend gradients have in common."""

    sees = True  # whether fitted parameters change how images are seen

    def enter(self, answers: Answers, profile: str = "") -> Entered:
        """Fit the newcomer's own parameters, where the
        method has any, on top of one forward pass."""
        answers = alone(answers)
        known, fresh = self._welcome(answers, profile)
        scorer, own = self._build(known, fresh)
        fit(scorer, own, answers, sees=self.sees)
        return self._entered(scorer, own, known, fresh)

    def restore(self, state: State) -> Entered:
        """Put what was fitted back into a model of the same kind."""
        arrays = {
            name.removeprefix(_KNOWN): a for name, a in state.items() if name.startswith(_KNOWN)
        }
        profile = (bytes(arrays.pop(_PROFILE)).decode(),) if _PROFILE in arrays else None
        known = Known.from_arrays(arrays, profile)
        fresh = next((n.split(".lora_A.")[1].split(".")[0] for n in state if ".lora_A." in n), "")
        scorer, own = self._build(known, fresh)
        with torch.no_grad():
            for name, tensor in own_tensors(scorer.model, own, fresh).items():
                tensor.copy_(torch.from_numpy(np.array(state[name])))
        return self._entered(scorer, own, known, fresh)

    def _entered(self, scorer: Scorer, own: Mapping[str, Own], known: Known, fresh: str) -> Entered:
        tensors = own_tensors(scorer.model, own, fresh)
        state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
        state |= {f"{_KNOWN}{name}": array for name, array in known.arrays().items()}
        if known.profiles is not None:
            state[f"{_KNOWN}{_PROFILE}"] = np.frombuffer(known.profiles[0].encode(), np.uint8)
        return Entered(state, lambda images: score(scorer, images))

    def _welcome(self, answers: Answers, profile: str) -> tuple[Known, str]:
        """What is known of the newcomer alone, and the name of the adapter that is theirs."""
        raise NotImplementedError

    def _build(self, known: Known, fresh: str) -> tuple[Scorer, Mapping[str, Own]]:
        """A model of the newcomer alone, at the start."""
        raise NotImplementedError


@dataclass(eq=False)
class DecoderEntrance(ModelEntrance):
    """The MLP decoder: a vector of the newcomer's own."""

    run: RunFolder
    decoder: DecoderModel
    features: Features
    sees = False

    def _welcome(self, answers: Answers, profile: str) -> tuple[Known, str]:
        return Known(), ""

    def _build(self, known: Known, fresh: str) -> tuple[Scorer, Mapping[str, Own]]:
        vectors, asked = self.decoder.vectors.detach().cpu(), asked_of(self.run)
        start = vectors.mean(dim=0, keepdim=True)
        model = DecoderModel.from_arrays({**self.decoder.arrays(), "vectors": start.numpy()}, asked)
        model.requires_grad_(False)
        spread = float(torch.clamp((vectors - start).pow(2).mean().sqrt(), min=1e-3))
        return Scorer(model, asked, self.features), {"vectors": Own(model.vectors, start, spread)}


@dataclass(eq=False)
class TowerEntrance(ModelEntrance):
    """Models with an image tower.

    Attributes:
        features: of the frozen backbone, where the method reads any.
        tastes: the heads that groups were made from, where there are groups.
    """

    run: RunFolder
    loaded: LoadedRun
    workshop: Workshop
    tastes: BayesHeads | None = None
    _ready: tuple[Scorer, Mapping[str, Own]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.sees = self.loaded.method.places != ("text-token",)

    def _welcome(self, answers: Answers, profile: str) -> tuple[Known, str]:
        chosen, many = self.loaded.method, len(self.loaded.labelers)
        if chosen.owner == "labeler" and "lora" in chosen.places:
            return self._with_adapter(answers, many)
        known, features = self.loaded.model.known, self.workshop.features
        if not known.arrays() and known.profiles is None:
            return Known(), ""
        array = features.array if features is not None else np.zeros((0, 0), np.float32)
        vector = None
        if profile.strip() and known.context is not None:
            vector = self.loaded.model.text_vectors([(profile,)])[0].cpu().numpy()
        groups = (self.tastes, known) if self.tastes is not None else None
        names = len(self.loaded.attributes)
        new = conditioning.welcome(
            known, answers, names, array, profile=profile, profile_vector=vector, groups=groups
        )
        return only_last(new), ""

    def _with_adapter(self, answers: Answers, many: int) -> tuple[Known, str]:
        """An adapter of the newcomer's own, on the common one.

        Where there is none, on the mean of all others'.
        """
        chosen = self.loaded.method
        if "visual-token" in chosen.places:  # the rank must be earned
            assert self.workshop.features is not None
            size = 1, len(self.loaded.attributes)
            reliable = reliability(self.workshop.features.array, answers, *size)
            rank = earned_ranks(reliable, np.array([len(answers)]))
            return Known(ranks=rank), "own-0" if rank[0] else ""
        if chosen.defaults.get("start"):
            return Known(), "own-0"
        shares = np.append(np.full(many, 1 / many), 1.0).astype(np.float32)[None]
        return Known(groups=np.array([many]), shares=shares), f"own-{many}"

    def _build(self, known: Known, fresh: str) -> tuple[Scorer, Mapping[str, Own]]:
        plain = not known.arrays() and known.profiles is None
        if plain and self._ready is not None:
            return self._ready
        model, own = one_labeler(self.loaded, known, fresh, self.run.config().seed)
        made = Scorer(model, asked_of(self.run), self.workshop.tower()[1]), own
        self._ready = made if plain else None
        return made

    def _entered(self, scorer: Scorer, own: Mapping[str, Own], known: Known, fresh: str) -> Entered:
        entered = super()._entered(scorer, own, known, fresh)
        tensors = own_tensors(scorer.model, own, fresh)

        def scores(images: Ints | None) -> Scores:
            with torch.no_grad():  # somebody else may have entered the same model meanwhile
                for name, tensor in tensors.items():
                    tensor.copy_(torch.from_numpy(entered.state[name]))
            return score(scorer, images)

        return Entered(entered.state, scores)


def alone(answers: Answers) -> Answers:
    """The same answers, of labeler 0."""
    return replace(answers, labeler=np.zeros_like(answers.labeler))


def asked_of(run: RunFolder) -> tuple[tuple[str, ...], ...]:
    """The run's attributes, as sentences."""
    return tuple(sentences(str(a["name"]), a["templates"]) for a in run.meta()["attributes"])


def only_last(known: Known) -> Known:
    """What is known of the last labeler alone; of the images only those in their history."""
    per_labeler = ("groups", "shares", "deltas", "ranks", "context", "history", "answer")
    found = {
        name: getattr(known, name)[-1:] for name in per_labeler if getattr(known, name) is not None
    }
    if known.profiles is not None:
        found["profiles"] = known.profiles[-1:]
    if known.seen is not None:
        history = found["history"]
        images, place = np.unique(np.maximum(history[:, :, :2], 0), return_inverse=True)
        there = history[:, :, :1] >= 0
        rows = np.concatenate([place.reshape(history[:, :, :2].shape), history[:, :, 2:]], axis=2)
        found |= {"history": np.where(there, rows, -1), "seen": known.seen[images]}
    return replace(known, **found)
