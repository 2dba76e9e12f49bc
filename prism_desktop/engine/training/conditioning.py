"""What a method wants to know of the labelers before its
model is built, from the training answers alone."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import Method
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.clustering import (
    assign,
    earned_ranks,
    fit_tastes,
    group,
    reliability,
    vectors,
)
from prism_desktop.engine.models.contexts import summarise
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.space import Space, fit_space
from prism_desktop.engine.models.histories import gather_history
from prism_desktop.engine.models.labeler_context import Known

Matrix = npt.NDArray[np.float32]
_DIMS = 64  # principal axes of the features that contexts and histories are written in
_POWER = 0.5  # of the axes' deviations that is divided out, as for the MLP decoder


def wants_features(method: Method) -> bool:
    """Whether `know` needs the frozen backbone's features for a method."""
    return (
        _groups(method) or _reads_context(method) or _reads_history(method) or _earns_ranks(method)
    )


def know(
    method: Method,
    config: TrainConfig,
    train: Answers,
    labelers: int,
    attributes: int,
    features: Matrix | None,
    text: Matrix | None,
    profile_vectors: Matrix | None,
    profiles: tuple[str, ...],
) -> Known:
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
    if "profiles" in method.inputs:
        return Known(profiles=profiles)
    if not wants_features(method):
        return Known()
    assert features is not None, f"{method.name} reads features"
    if _groups(method):
        points = vectors(fit_tastes(features, train, labelers, attributes))
        groups = group(points, config.clustering, config.clusters, config.seed)
        shares = np.eye(int(groups.max()) + 1, dtype=np.float32)[groups]
        return Known(
            groups=groups,
            shares=shares,
            deltas=np.ones(labelers, np.int64) if config.delta else None,
        )
    if _earns_ranks(method):
        reliable = reliability(features, train, labelers, attributes)
        return Known(ranks=earned_ranks(reliable, np.bincount(train.labeler, minlength=labelers)))
    space = fit_space(features, _DIMS, _POWER)
    known = Known(centre=space.centre.astype(np.float32), axes=space.axes.astype(np.float32))
    if _reads_context(method):
        context = summarise(space.project(features), train, labelers, attributes, profile_vectors)
        return replace(known, context=context)
    history, answer = gather_history(train, labelers)
    seen = space.project(features).astype(np.float32)
    return replace(
        known, history=history, answer=answer, seen=seen, asked=_standardised(text, attributes)
    )


def welcome(
    known: Known,
    answers: Answers,
    attributes: int,
    features: Matrix,
    *,
    profile: str = "",
    profile_vector: Matrix | None = None,
    groups: tuple[BayesHeads, Known] | None = None,
) -> Known:
    """The same facts with one more labeler, the last, of whom training never heard.

    A model built on the result takes over the trained weights as they are, for those that read
    contexts, histories and profiles, and for groups without deviations: entering is one forward
    pass. Ranks stay, and the newcomer gets none.

    Args:
        known: of the trained model.
        answers: all of the newcomer's, whatever labeler they name.
        attributes: how many the model was trained on.
        features: (images, d) that the answers' images are rows of.
        profile: text, where the method reads it.
        profile_vector: (d,) of the profile; None without.
        groups: for groups of labelers, the heads that they were made from (`fit_tastes` of the
            training answers).
    """
    one = replace(answers, labeler=np.zeros_like(answers.labeler))
    found = known
    if known.profiles is not None:
        found = replace(found, profiles=(*known.profiles, profile))
    if known.shares is not None and known.groups is not None:
        assert groups is not None, "who joins groups needs the heads that they were made from"
        shares = assign(
            vectors(groups[0]), known.groups, vectors(groups[0].adapt(features, one))[0]
        )
        own = None if known.deltas is None else np.append(known.deltas, 0)
        found = replace(
            found,
            shares=np.vstack([known.shares, shares]),
            groups=np.append(known.groups, shares.argmax()),
            deltas=own,
        )
    if known.ranks is not None:
        found = replace(found, ranks=np.append(known.ranks, 0))
    if known.context is not None:
        profiles = None if profile_vector is None else profile_vector[None]
        fresh = summarise(_space(known).project(features), one, 1, attributes, profiles)
        found = replace(
            found, context=np.concatenate([known.context, _widened(fresh, known.context.shape[2])])
        )
    if known.history is not None and known.answer is not None and known.seen is not None:
        found = _with_history(found, one, features)
    return found


def _with_history(known: Known, one: Answers, features: Matrix) -> Known:
    assert known.history is not None
    assert known.answer is not None
    assert known.seen is not None
    fresh, _ = gather_history(one, 1)
    there = fresh[:, :, :1] >= 0
    # rows after the known images
    fresh = np.where(there, fresh + np.array([len(known.seen), len(known.seen), 0]), -1)
    size = max(fresh.shape[1], known.history.shape[1])
    history = np.full((len(known.history) + 1, size, 3), -1, np.int64)
    history[:-1, : known.history.shape[1]], history[-1, : fresh.shape[1]] = known.history, fresh[0]
    answer = np.full(history.shape[:2], -1, np.int64)
    answer[:-1, : known.answer.shape[1]] = known.answer
    seen = np.vstack([known.seen, _space(known).project(features).astype(np.float32)])
    return replace(known, history=history, answer=answer, seen=seen)


def _space(known: Known) -> Space:
    assert known.centre is not None
    assert known.axes is not None
    return Space(known.centre.astype(np.float64), known.axes.astype(np.float64))


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


def _groups(method: Method) -> bool:
    return method.owner == "cluster"


def _reads_context(method: Method) -> bool:
    return method.made == "context"


def _reads_history(method: Method) -> bool:
    return method.made in ("history", "averaged")


def _earns_ranks(method: Method) -> bool:
    return "lora" in method.places and "visual-token" in method.places
