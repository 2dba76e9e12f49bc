"""Conditioning on labelers: what a method reads of them before its model is built, from the
training answers alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import Method
from prism_desktop.engine.methods.parts.part import AXES, Fact
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.clustering import (
    assign,
    earned_ranks,
    fit_grouping_heads,
    group,
    reliability,
    vectors,
)
from prism_desktop.engine.models.contexts import summarise
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.space import Space, fit_space
from prism_desktop.engine.models.histories import gather_history
from prism_desktop.engine.models.labeler_context import LabelerContext

Matrix = npt.NDArray[np.float32]
_POWER = 0.5  # of the axes' deviations that is divided out, as for the MLP decoder


def wants_features(method: Method) -> bool:
    """Whether `labeler_context` needs the frozen backbone's features for a method."""
    return bool(method.facts - {"profiles"})


def labeler_context(
    method: Method,
    config: TrainConfig,
    train: Answers,
    labelers: int,
    attributes: int,
    features: Matrix | None,
    text: Matrix | None,
    profile_vectors: Matrix | None,
    profiles: tuple[str, ...],
) -> LabelerContext:
    """Facts about the labelers that a method reads; empty for most methods.

    Args:
        method: how the model will be made.
        config: of the run.
        train: the answers of the training split.
        labelers, attributes: how many.
        features: (images, d) float32, frozen, unit norm; None where `wants_features` is false.
        text: (attributes, d) float32, the text tower's vectors; None where there is no text tower.
        profile_vectors: (labelers, d) float32 of profiles, zero rows where there is none; None
            without a text tower.
        profiles: each labeler's profile text; empty where there is none.
    """
    if not wants_features(method):
        return LabelerContext(profiles=profiles if "profiles" in method.facts else None)
    assert features is not None, f"{method.name} reads features"
    told = _Told(config, train, labelers, attributes, features, text, profile_vectors)
    found = {k: v for fact in sorted(method.facts) for k, v in GATHERED[fact](told).items()}
    return LabelerContext(**found, profiles=profiles if "profiles" in method.facts else None)


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What facts about labelers are gathered from; see `labeler_context`."""

    config: TrainConfig
    train: Answers
    labelers: int
    attributes: int
    features: Matrix
    text: Matrix | None
    profile_vectors: Matrix | None

    def space(self) -> tuple[Space, dict[str, Any]]:
        """What summaries and histories are written in, and how it is kept."""
        space = fit_space(self.features, AXES, _POWER)
        kept = {"centre": space.centre.astype(np.float32), "axes": space.axes.astype(np.float32)}
        return space, kept


def _groups(told: _Told) -> dict[str, Any]:
    heads = fit_grouping_heads(told.features, told.train, told.labelers, told.attributes)
    config = told.config
    groups = group(vectors(heads), config.clustering, config.clusters, config.seed)
    shares = np.eye(int(groups.max()) + 1, dtype=np.float32)[groups]
    deltas = np.ones(len(groups), np.int64) if config.delta else None
    return {"groups": groups, "shares": shares, "deltas": deltas}


def _ranks(told: _Told) -> dict[str, Any]:
    reliable = reliability(told.features, told.train, told.labelers, told.attributes)
    return {
        "ranks": earned_ranks(reliable, np.bincount(told.train.labeler, minlength=told.labelers))
    }


def _summary(told: _Told) -> dict[str, Any]:
    space, kept = told.space()
    seen = space.project(told.features)
    size = told.labelers, told.attributes
    return kept | {"summary": summarise(seen, told.train, *size, told.profile_vectors)}


def _history(told: _Told) -> dict[str, Any]:
    space, kept = told.space()
    history, answer = gather_history(told.train, told.labelers)
    return kept | {
        "history": history,
        "answer": answer,
        "features": space.project(told.features).astype(np.float32),
        "attribute_vectors": _standardised(told.text, told.attributes),
    }


GATHERED: Mapping[Fact, Callable[[_Told], dict[str, Any]]] = {
    "groups": _groups,
    "ranks": _ranks,
    "summary": _summary,
    "history": _history,
    "profiles": lambda told: {},
}


def with_new_labeler(
    context: LabelerContext,
    answers: Answers,
    attributes: int,
    features: Matrix,
    *,
    profile: str = "",
    profile_vector: Matrix | None = None,
    groups: tuple[BayesHeads, LabelerContext] | None = None,
) -> LabelerContext:
    """The same facts with one more labeler, the last, of whom training never heard.

    A model built on the result takes over the trained weights as they are, for those that read
    contexts, histories and profiles, and for groups without deviations: entering is one forward
    pass. Ranks stay, and the new labeler gets none.

    Args:
        context: of the trained model.
        answers: all of the new labeler's, whatever labeler they name.
        attributes: how many the model was trained on.
        features: (images, d) that the answers' images are rows of.
        profile: text, where the method reads it.
        profile_vector: (d,) of the profile; None without.
        groups: for groups of labelers, the heads that they were made from (`fit_grouping_heads` of
            the training answers).
    """
    one = replace(answers, labeler=np.zeros_like(answers.labeler))
    found = context
    if context.profiles is not None:
        found = replace(found, profiles=(*context.profiles, profile))
    if context.shares is not None and context.groups is not None:
        assert groups is not None, "who joins groups needs the heads that they were made from"
        shares = assign(
            vectors(groups[0]), context.groups, vectors(groups[0].adapt(features, one))[0]
        )
        own = None if context.deltas is None else np.append(context.deltas, 0)
        found = replace(
            found,
            shares=np.vstack([context.shares, shares]),
            groups=np.append(context.groups, shares.argmax()),
            deltas=own,
        )
    if context.ranks is not None:
        found = replace(found, ranks=np.append(context.ranks, 0))
    if context.summary is not None:
        profiles = None if profile_vector is None else profile_vector[None]
        fresh = summarise(_space(context).project(features), one, 1, attributes, profiles)
        found = replace(
            found,
            summary=np.concatenate([context.summary, _widened(fresh, context.summary.shape[2])]),
        )
    if context.history is not None and context.answer is not None and context.features is not None:
        found = _with_history(found, one, features)
    return found


def _with_history(context: LabelerContext, one: Answers, features: Matrix) -> LabelerContext:
    assert context.history is not None
    assert context.answer is not None
    assert context.features is not None
    fresh, _ = gather_history(one, 1)
    there = fresh[:, :, :1] >= 0
    # rows after the known images
    fresh = np.where(there, fresh + np.array([len(context.features), len(context.features), 0]), -1)
    size = max(fresh.shape[1], context.history.shape[1])
    history = np.full((len(context.history) + 1, size, 3), -1, np.int64)
    history[:-1, : context.history.shape[1]], history[-1, : fresh.shape[1]] = (
        context.history,
        fresh[0],
    )
    answer = np.full(history.shape[:2], -1, np.int64)
    answer[:-1, : context.answer.shape[1]] = context.answer
    seen = np.vstack([context.features, _space(context).project(features).astype(np.float32)])
    return replace(context, history=history, answer=answer, features=seen)


def _space(context: LabelerContext) -> Space:
    assert context.centre is not None
    assert context.axes is not None
    return Space(context.centre.astype(np.float64), context.axes.astype(np.float64))


def _widened(contexts: Matrix, size: int) -> Matrix:
    return np.pad(contexts, ((0, 0), (0, 0), (0, size - contexts.shape[2])))


def _standardised(text: Matrix | None, attributes: int) -> Matrix:
    """(attributes, d) text vectors about their mean with a mean
    square of 1, so that what tells them apart is heard."""
    if text is None:
        return np.eye(attributes, dtype=np.float32)
    apart = text - text.mean(axis=0)
    size = float(np.sqrt(np.mean(apart**2)))
    return np.asarray(apart / size if size > 0 else apart, np.float32)
