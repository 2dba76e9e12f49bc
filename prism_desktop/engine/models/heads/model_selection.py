"""The settings of hierarchical Bayes, chosen per study on validation answers: which axes of the
features matter, and how much of labelers' apparent differences is believed.

FaceNet's minor axes carry taste (all axes alike, `power` 1); those of a small tower carry noise
(`power` 0). Few labelers seem to differ less than they do, many more. The evidence cannot tell: the
prior has so many parameters of its own that it grows with the dimensions, whatever they hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import POSTERIOR, method_title
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import Features, Floats

SPACES = ((128, 1.0), (64, 1.0), (32, 0.5), (64, 0.0))  # dims, power
SHARES = (0.5, 0.3, 0.8, 1.0)  # see `EmSettings`; the first is tried with every space
STRENGTHS = (100.0, 30.0, 300.0)
ENOUGH = 30  # validation answers that can choose
# Of the logarithm of a calibrating factor, before anything is known: the factors that validation
# answers of seven folds of MEBeauty ask for are 0.05 from 1 on average.
_FACTOR_SPREAD = 0.05


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
            found_loss = validation_nll(heads, features, validation, rescaled=True)
            if kept is None or found_loss < kept.loss:
                kept = Chosen(trial, heads, found_loss)
            if len(validation) < ENOUGH:
                break
        assert kept is not None
        rounds = _next(kept.settings, done, len(found)) if len(validation) >= ENOUGH else []
    assert kept is not None
    chosen = kept.settings
    yield Notice(
        f"{method_title(POSTERIOR)} uses {counted(kept.heads.space.dims, 'axis of the features')}, "
        f"power {chosen.power:g}, and believes {chosen.em.share:.0%} of how much labelers seem to "
        "differ."
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
    """`loss` of the scores that heads give the faces of answers; (images, d) features."""
    faces = np.union1d(validation.left, validation.right)
    shown = replace(
        validation,
        left=np.searchsorted(faces, validation.left),
        right=np.searchsorted(faces, validation.right),
    )
    return loss(heads.scores(features[faces]), shown, rescaled=rescaled)


def loss(scores: npt.NDArray[np.float32], validation: Answers, *, rescaled: bool = False) -> float:
    """Mean negative log-likelihood of decided answers.

    Args:
        scores: (labelers, attributes, images).
        validation: answers; ties do not count.
        rescaled: with all scores multiplied by the one factor that serves best. Many pairs made of
            few ratings are not as many independent answers, so scores come out too large, the more
            so the more axes there are; a space must be chosen by what it tells apart, not by that.
    """
    margin = _margins(scores, validation)
    if not len(margin):
        return 0.0
    factor = _best_factor(margin) if rescaled else 1.0
    return float(np.logaddexp(0.0, -factor * margin).mean())


def calibration(scores: npt.NDArray[np.float32], validation: Answers) -> float:
    """What scores are to be multiplied by so that their differences are logits, as answers say that
    nothing was learned from.

    A Gaussian prior about 1 holds it where answers are few; they count as many as their faces, as
    pairs that share faces do not err independently.
    """
    margin = _margins(scores, validation)
    faces = len(np.union1d(validation.left, validation.right))
    return _best_factor(margin, faces) if len(margin) else 1.0


def _best_factor(margin: Floats, held: float = np.inf) -> float:
    """By which margins are most likely; with so many answers' worth of likelihood beside the
    prior."""

    def objective(log: float) -> float:
        prior = 0.5 * (log / _FACTOR_SPREAD) ** 2 / held
        return float(np.logaddexp(0.0, -np.exp(log) * margin).mean()) + prior

    return float(np.exp(minimize_scalar(objective, bounds=(-3.0, 3.0), method="bounded").x))


def _margins(scores: npt.NDArray[np.float32], validation: Answers) -> Floats:
    """(decided answers,) what the chosen image's score is above the other's."""
    decided = select(validation, validation.outcome != 0.5)
    own = decided.labeler, decided.attribute
    margin = scores[(*own, decided.left)].astype(np.float64) - scores[(*own, decided.right)]
    return np.where(decided.outcome > 0.5, margin, -margin)
