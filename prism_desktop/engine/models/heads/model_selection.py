"""The space of hierarchical Bayes, chosen per study on
validation answers: which axes matter depends on the features.

FaceNet's minor axes carry taste (all axes alike, `power` 1); those of a small tower carry noise
(`power` 0). The evidence cannot tell: the prior has so many parameters of its own that it grows
with the dimensions, whatever they hold.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar

from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import Features

SPACES = ((64, 1.0), (32, 1.0), (32, 0.5), (64, 0.0), (32, 0.0))  # dims, power
ENOUGH = 30  # validation answers that can choose


def fit(
    features: Features,
    answers: Answers | None,
    validation: Answers,
    labelers: int,
    attributes: int,
    *,
    ratings: Ratings | None = None,
    settings: BayesSettings | None = None,
    spaces: tuple[tuple[int, float], ...] = SPACES,
) -> Iterator[Event[BayesHeads]]:
    """`bayes.fit` in the space that validates best.

    Args:
        features, answers, labelers, attributes, ratings: as in `bayes.fit`.
        validation: answers on other images; with fewer than 30 the first space is taken as it is.
        settings: everything but the space.
        spaces: dims and power to choose from; those with more dims than the features have are taken
            once.
    """
    settings, best = settings or BayesSettings(), np.inf
    kept: BayesHeads | None = None
    options = list(dict.fromkeys((min(dims, features.shape[1]), power) for dims, power in spaces))
    options = options if len(validation) >= ENOUGH else options[:1]
    for number, (dims, power) in enumerate(options):
        yield Progress(number, len(options), "Choosing how many axes of the features matter")
        trial = replace(settings, dims=dims, power=power)
        for event in bayes.fit(
            features, answers, labelers, attributes, ratings=ratings, settings=trial
        ):
            if not isinstance(event, Done):
                continue
            loss = validation_nll(event.value, features, validation, rescaled=True)
            if kept is None or loss < best:
                kept, best, chosen = event.value, loss, trial
    assert kept is not None
    yield Notice(
        f"Hierarchical Bayes uses {counted(kept.space.dims, 'axis of the features')}, power "
        f"{chosen.power:g}."
    )
    yield Done(kept)


def validation_nll(
    heads: BayesHeads | LinearHeads,
    features: Features,
    validation: Answers,
    *,
    rescaled: bool = False,
) -> float:
    """Mean over labelers of the mean negative log-likelihood of their decided answers.

    Args:
        heads: what scores the faces.
        features: (images, d) that the answers' images are rows of.
        validation: answers; ties do not count.
        rescaled: with all scores multiplied by the one factor that serves best. Many pairs made of
            few ratings are not as many independent answers, so scores come out too large, the more
            so the more axes there are; a space must be chosen by what it tells apart, not by that.
    """
    decided = select(validation, validation.outcome != 0.5)
    if not len(decided):
        return 0.0
    faces = np.union1d(decided.left, decided.right)
    scores = heads.scores(features[faces]).astype(np.float64)
    left, right = np.searchsorted(faces, decided.left), np.searchsorted(faces, decided.right)
    u, a = decided.labeler, decided.attribute
    margin = scores[u, a, left] - scores[u, a, right]
    margin = np.where(decided.outcome > 0.5, -margin, margin)
    count = np.bincount(u)
    share = 1 / (count[u] * np.count_nonzero(count))

    def loss(log: float) -> float:
        return float(np.logaddexp(0.0, np.exp(log) * margin) @ share)

    return (
        float(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").fun)
        if rescaled
        else loss(0.0)
    )
