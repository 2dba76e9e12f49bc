"""The prior over labelers, learned by EM (Dempster, Laird
and Rubin 1977) with Laplace posteriors as its E-step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.models.heads.laplace import Posterior, Solver
from prism_desktop.engine.models.heads.likelihood import Likelihood
from prism_desktop.engine.models.heads.prior import Prior, factor, isotropic, shrunk
from prism_desktop.engine.models.heads.single_thread import one_thread
from prism_desktop.engine.models.heads.space import Floats


@dataclass(frozen=True, slots=True)
class EmSettings:
    """How the prior is learned."""

    rank: int = 8  # of the covariance beside its diagonal
    # Labelers' worth of belief that tastes differ alike on all axes: so many, more for each
    # labeler, up to a most.
    strength: float = 20.0
    strength_each: float = 0.5
    strength_most: float = 100.0
    spread: float = 4.0  # variance of the prior mean's own prior, in squared logits per axis
    start: float = 0.1  # variance that the EM starts from
    steps: int = 20
    tolerance: float = 1e-5  # relative rise of the evidence that ends the EM


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What the EM ends with."""

    prior: Prior
    posteriors: tuple[Posterior, ...]  # by labeler, under that prior
    likelihood: tuple[Likelihood, ...]  # with the ratings' scales as learned
    log_evidence: float  # of all answers


def learn(
    likelihood: list[Likelihood], dims: int, mean: Floats, settings: EmSettings
) -> Iterator[Event[Learned]]:
    """Alternate posteriors of all labelers and the prior that makes them likely.

    Args:
        likelihood: by labeler; labelers without answers do not count.
        dims: k, dimensions per attribute.
        mean: (D,) where the prior mean starts, the consensus for example.
        settings: rank, shrinkage and steps.
    """
    prior, before = isotropic(mean, settings.start), -np.inf
    told = [
        u
        for u, blocks in enumerate(likelihood)
        if any(len(b.outcome) + len(b.value) for b in blocks)
    ]
    likelihood = list(likelihood)
    posteriors: list[Posterior | None] = [None] * len(likelihood)
    total = 0.0
    for step in range(settings.steps + 1):
        yield Progress(step, settings.steps, "Learning how labelers differ")
        with one_thread():
            solver = Solver.of(prior)
            for u, blocks in enumerate(likelihood):
                last = posteriors[u]
                posteriors[u] = now = solver.posterior(blocks, None if last is None else last.mean)
                parts = now.mean.reshape(len(blocks), dims)
                likelihood[u] = tuple(
                    b.rescaled(part) for b, part in zip(blocks, parts, strict=True)
                )
            total = sum(p.evidence for p in posteriors if p is not None)
            if (
                step == settings.steps
                or not told
                or total - before < settings.tolerance * abs(total)
            ):
                break
            before = total
            prior = _maximise(
                solver, [p for u in told if (p := posteriors[u]) is not None], dims, settings
            )
    done = tuple(p for p in posteriors if p is not None)
    yield Done(Learned(solver.prior, done, tuple(likelihood), total))


def _maximise(
    solver: Solver, posteriors: list[Posterior], dims: int, settings: EmSettings
) -> Prior:
    """The prior under which the posteriors' expected log
    density is highest, with the covariance shrunk."""
    n, attributes = len(posteriors), solver.prior.size // dims
    means = np.stack([p.mean for p in posteriors])
    # The mean's own prior N(0, spread): with covariance S / n of the sample mean.
    spread = settings.spread * np.eye(solver.prior.size)
    mean = spread @ np.linalg.solve(spread + solver.prior.covariance() / n, means.mean(0))
    away = means - mean
    second = away.T @ away / n
    for p in posteriors:
        second += solver.covariance(p.information) / n
    strength = min(settings.strength + settings.strength_each * n, settings.strength_most)
    loadings, diagonal = factor(shrunk(second, n, attributes, strength), settings.rank)
    return Prior(mean, loadings, diagonal)
