"""The prior over labelers, learned by coordinate ascent: what all share, what faces have beyond
their features, how labelers differ, and how noisily each one answers.

Utilities are x_i'(w + d_u) + b_i. Each pass takes the posterior of w (with the lifts b integrated
out), that of b, those of all labelers' w + d_u (Laplace), and then the variances under which these
are likely: one of w for each block of axes, one of b, a covariance of d, a noise for each labeler.

Sources: Dempster, Laird and Rubin 1977; Lindley and Smith, "Bayes estimates for the linear model",
JRSS B 34 (1972).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.heads.laplace import Posterior, Solver
from prism_desktop.engine.models.heads.likelihood import Likelihood
from prism_desktop.engine.models.heads.prior import Prior, isotropic, shrunk
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Floats

_LEAST = 1e-8  # of a variance


@dataclass(frozen=True, slots=True)
class EmSettings:
    """How the prior is learned."""

    # Labelers' worth of belief that tastes differ alike on all axes of a block, and by which share
    # of how much they seem to; see `shrunk`.
    strength: float = 100.0
    share: float = 0.3
    shared: float = 0.5  # variance of a face's shared utility that the EM starts from
    personal: float = 0.1  # the same of labelers' deviations
    lift: float = 0.1  # the same of what faces have beyond their features
    passes: int = 12


@dataclass(frozen=True, slots=True, eq=False)
class Lifts:
    """What faces have beyond their features, by attribute: Gaussians."""

    mean: Floats  # (attributes, images)
    variance: Floats  # (attributes, images) that is left
    prior: Floats  # (attributes,) variance among faces


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What the EM ends with."""

    prior: Prior
    posteriors: tuple[Posterior, ...]  # by labeler, under that prior
    likelihood: tuple[Likelihood, ...]  # with lifts and noise as learned
    lifts: Lifts


def learn(
    likelihood: list[Likelihood], x: Floats, block: Ints, settings: EmSettings
) -> Iterator[Event[Learned]]:
    """Alternate posteriors and the variances that make them likely.

    Args:
        likelihood: by labeler; labelers without answers do not count.
        x: (images, k) that its blocks speak of.
        block: (k,) which block each axis belongs to.
        settings: see `EmSettings`.
    """
    attributes, (images, k) = len(likelihood[0]), x.shape
    told = [u for u, blocks in enumerate(likelihood) if any(len(b) for b in blocks)]
    with one_thread():
        likelihood = [tuple(one.multiplied() for one in blocks) for blocks in likelihood]
    length = max(float(np.mean(np.sum(x**2, axis=1))), 1e-12)
    prior = isotropic(np.zeros(attributes * k), settings.personal / length)
    scale = np.full((attributes, int(block.max()) + 1), settings.shared / length)
    lifts = Lifts(
        np.zeros((attributes, images)),
        np.zeros((attributes, images)),
        np.full(attributes, settings.lift),
    )
    heads = np.zeros((len(likelihood), attributes, k))
    posteriors: list[Posterior] = []
    for step in range(settings.passes):
        yield Progress(step, settings.passes, "Learning how labelers differ")
        if not told:
            break
        with one_thread():
            deviations = heads - prior.mean.reshape(attributes, k)
            shared, lifts, scale = share(likelihood, told, heads, prior, lifts, x, block, scale)
            prior = Prior(shared, prior.covariance)
            heads = deviations + shared.reshape(attributes, k)
            likelihood = [
                tuple(b.lifted(lifts.mean[a]) for a, b in enumerate(blocks))
                for blocks in likelihood
            ]
            solver = Solver.of(prior)
            second, aways = np.zeros((prior.size, prior.size)), list[Floats]()
            for u in told:
                now = solver.posterior(likelihood[u], heads[u].reshape(-1))
                away, covariance = now.mean - shared, now.covariance
                second += covariance
                aways.append(away)
                heads[u] = now.mean.reshape(attributes, k)
                parts = covariance.reshape(attributes, k, attributes, k)
                likelihood[u] = tuple(
                    b.with_noise(heads[u, a], parts[a, :, a], lifts.variance[a])
                    for a, b in enumerate(likelihood[u])
                )
            second += np.transpose(aways) @ np.stack(aways)
            covariance = shrunk(
                second / len(told), len(told), block, attributes, settings.strength, settings.share
            )
            prior = Prior(shared, covariance + _LEAST * np.eye(prior.size) / length)
    with one_thread():
        solver, some = Solver.of(prior), set(told)
        posteriors = [
            solver.posterior(blocks, heads[u].reshape(-1) if u in some else None)
            for u, blocks in enumerate(likelihood)
        ]
    several = np.array(
        [sum(len(blocks[a]) > 0 for blocks in likelihood) for a in range(attributes)]
    )
    prior = replace(prior, labelers=several)
    yield Done(Learned(prior, tuple(posteriors), tuple(likelihood), lifts))


def share(
    likelihood: list[Likelihood],
    told: list[int],
    heads: Floats,
    prior: Prior,
    lifts: Lifts,
    x: Floats,
    block: Ints,
    scale: Floats,
) -> tuple[Floats, Lifts, Floats]:
    """What all labelers share, given how each differs: (D,) the consensus head, the lifts, and
    (attributes, blocks) variances of the head's axes.

    Every answer becomes an observation of the utility that all share of an image, exactly for
    ratings, by one Newton step for choices.
    """
    attributes, (images, k) = len(lifts.prior), x.shape
    mean, variance, spread = lifts.mean.copy(), lifts.variance.copy(), lifts.prior.copy()
    shared, scale = prior.mean.reshape(attributes, k).copy(), scale.copy()
    for a in range(attributes):
        slope, bend = np.zeros(images), np.zeros(images)
        for u in told:
            one = likelihood[u][a]
            if not len(one):
                continue
            terms = one.lifted(mean[a]).face_terms(heads[u, a])
            slope += np.bincount(terms.image, terms.slope, minlength=images)
            bend += np.bincount(terms.image, terms.curvature, minlength=images)
        seen = bend > 0
        said = x[seen] @ shared[a] + mean[a, seen] + slope[seen] / bend[seen]
        weight = 1 / (spread[a] + 1 / bend[seen])
        weighed = x[seen] * weight[:, None]
        covariance = np.linalg.inv(weighed.T @ x[seen] + np.diag(1 / scale[a][block]))
        shared[a] = covariance @ (weighed.T @ said)
        squares = shared[a] ** 2 + np.diag(covariance)
        scale[a] = np.maximum(np.bincount(block, squares) / np.bincount(block), _LEAST)
        precision = bend + 1 / spread[a]
        mean[a], variance[a] = 0.0, 1 / precision
        mean[a, seen] = bend[seen] * (said - x[seen] @ shared[a]) / precision[seen]
        if seen.any():
            spread[a] = max(float(np.mean(mean[a, seen] ** 2 + 1 / precision[seen])), 1e-4)
    return shared.reshape(-1), Lifts(mean, variance, spread), scale
