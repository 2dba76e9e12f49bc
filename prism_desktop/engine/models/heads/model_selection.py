"""The settings of hierarchical Bayes, chosen per study on validation answers: which axes of the
features matter, and how much of labelers' apparent differences is believed.

FaceNet's minor axes carry taste (all axes alike, `power` 1); those of a small tower carry noise
(`power` 0). Few labelers seem to differ less than they do, many more. The evidence cannot tell: the
prior has so many parameters of its own that it grows with the dimensions, whatever they hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

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

SPACES = ((128, 1.0), (64, 1.0), (32, 0.5), (64, 0.0))  # dims, power
SHARES = (0.5, 0.3, 0.8, 1.0)  # see `EmSettings`; the first is tried with every space
STRENGTHS = (100.0, 30.0, 300.0)
ENOUGH = 30  # validation answers that can choose


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What validated best."""

    settings: BayesSettings
    heads: BayesHeads  # fitted to the training answers alone
    loss: float  # on validation


def choose(
    features: Features,
    answers: Answers | None,
    validation: Answers,
    labelers: int,
    attributes: int,
    *,
    ratings: Ratings | None = None,
    settings: BayesSettings | None = None,
    spaces: tuple[tuple[int, float], ...] = SPACES,
) -> Iterator[Event[Chosen]]:
    """`bayes.fit` with the settings that validate best: first the space, then the share that is
    believed of labelers' differences, then how strongly they are believed to be alike on all axes.

    Args:
        features, answers, labelers, attributes, ratings: as in `bayes.fit`.
        validation: answers on other images; with fewer than 30 the first of each is taken as it is.
        settings: everything else.
        spaces: dims and power to choose from; those with more dims than the features have are taken
            once.
    """
    settings = settings or BayesSettings()
    em = replace(settings.em, share=SHARES[0], strength=STRENGTHS[0])
    found = list(dict.fromkeys((min(dims, features.shape[1]), power) for dims, power in spaces))
    rounds = [[replace(settings, dims=d, power=p, em=em) for d, p in found]]
    kept: Chosen | None = None
    total = len(found) + len(SHARES) + len(STRENGTHS) - 2
    done = 0
    while rounds:
        for trial in rounds.pop():
            yield Progress(done, total, "Choosing what of the features and labelers matters")
            done += 1
            heads: BayesHeads | None = None
            for event in bayes.fit(
                features, answers, labelers, attributes, ratings=ratings, settings=trial
            ):
                heads = event.value if isinstance(event, Done) else heads
            assert heads is not None
            loss = validation_nll(heads, features, validation, rescaled=True)
            if kept is None or loss < kept.loss:
                kept = Chosen(trial, heads, loss)
            if len(validation) < ENOUGH:
                break
        assert kept is not None
        rounds = _next(kept.settings, done, len(found)) if len(validation) >= ENOUGH else []
    assert kept is not None
    chosen = kept.settings
    yield Notice(
        f"Hierarchical Bayes uses {counted(kept.heads.space.dims, 'axis of the features')}, power "
        f"{chosen.power:g}, and believes {chosen.em.share:.0%} of how much labelers seem to differ."
    )
    yield Done(kept)


def _next(best: BayesSettings, done: int, spaces: int) -> list[list[BayesSettings]]:
    """What is tried after so many trials."""
    if done == spaces:
        return [[replace(best, em=replace(best.em, share=share)) for share in SHARES[1:]]]
    if done == spaces + len(SHARES) - 1:
        return [[replace(best, em=replace(best.em, strength=s)) for s in STRENGTHS[1:]]]
    return []


def validation_nll(
    heads: BayesHeads | LinearHeads,
    features: Features,
    validation: Answers,
    *,
    rescaled: bool = False,
) -> float:
    """Mean negative log-likelihood of decided answers.

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

    def loss(log: float) -> float:
        return float(np.logaddexp(0.0, np.exp(log) * margin).mean())

    return (
        float(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").fun)
        if rescaled
        else loss(0.0)
    )
