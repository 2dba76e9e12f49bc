"""What is known of a labeler who enters: the posterior of their heads, how noisily they rate, and
how far they may be from everybody who is known.

The covariance of labelers' deviations was learned from m of them. Where these agree it is next to
nothing, and somebody who sees the opposite would never be learned, as if m labelers had shown that
nobody differs. They cannot show that, so a newcomer's deviations on an attribute are s times as
large as the known labelers', s being 1, 4, 16, 64, ... with the probabilities

    p(1) = (m + 1) / (m + 2),    p(4^j) = 3 4^-j / (m + 2) for j = 1, 2, ...

which add up to 1. The first is Laplace's rule of succession: after m labelers none of whom is
unlike the others, the next one is with probability 1 / (m + 2), which fades as labelers grow. Among
those who are, each s is a quarter as likely as the one before: the tail of a half-Cauchy
distribution of s, which leaves the scale open. So a newcomer's deviations are a mixture of
Gaussians of all widths, much as they would be Student's t if a variance's own posterior were
integrated out; but a t of m degrees of freedom has tails so light that fifty labelers who agree
would outvote hundreds of answers of one who does not.

What s adds on one attribute is independent of what it adds on others: how tastes go together was
learned from how the known labelers differ, and says nothing of a newcomer who is not one of them.

Of these s the most probable is taken, given the newcomer's answers: that probability times the
evidence, which is Laplace's approximation of the integral over the attribute's head,

    log p(answers | head) - (head - m)' P (head - m) / 2 - log det(1 + S I) / 2,

at the mode, with S = s^2 times the attribute's prior covariance, P its inverse and I the
information of the answers. The determinant is what a wide prior costs, so that whoever agrees with
the others, and whoever has said little, stays at s = 1.

Sources: Laplace (1774), for both; Gelman, "Prior distributions for variance parameters in
hierarchical models", Bayesian Analysis 1 (2006); MacKay (1992) for the evidence.
"""

from dataclasses import dataclass

import numpy as np

from prism_desktop.engine.models.heads.laplace import ENOUGH, Posterior, Solver
from prism_desktop.engine.models.heads.likelihood import (
    NOISE,
    NOISE_RATINGS,
    Block,
    Likelihood,
)
from prism_desktop.engine.models.heads.prior import Prior
from prism_desktop.engine.models.heads.space import Floats

_ROUNDS = 4  # of how noisily somebody rates
_NEARLY = 1e-4  # of the objective: what a step gains that need not be taken to compare widths
_STEP, _STEPS = 4.0, 6  # factors between one reach and the next, and how many at most


def settle(
    solver: Solver, blocks: Likelihood, start: Floats | None = None, enough: float = ENOUGH
) -> tuple[Posterior, Likelihood]:
    """A labeler's posterior under a prior, and their answers with the noise that ratings show.

    Args:
        solver: of the prior of all attributes of the blocks.
        blocks: what the labeler said, by attribute.
        start: (D,) heads to start from; the prior mean by default.
        enough: see `Solver.posterior`.
    """
    attributes = len(blocks)
    now = solver.posterior(blocks, start, enough=enough)
    for _ in range(_ROUNDS if any(len(block.value) for block in blocks) else 0):
        heads = now.mean.reshape(attributes, -1)
        k = heads.shape[1]
        parts = now.covariance.reshape(attributes, k, attributes, k)
        blocks = tuple(block.with_noise(heads[a], parts[a, :, a]) for a, block in enumerate(blocks))
        now = solver.posterior(blocks, now.mean, enough=enough)
    return now, blocks


def reach(prior: Prior, blocks: Likelihood, start: Floats | None = None) -> Floats:
    """(attributes,) how many times as large a newcomer's deviations may be as the known labelers'.

    Args:
        prior: learned from these.
        blocks: what the newcomer said, by attribute.
        start: (D,) heads to start from; the prior mean by default.
    """
    found = np.ones(len(blocks))
    heads = (prior.mean if start is None else start).reshape(len(blocks), -1)
    for a, block in enumerate(blocks if len(prior.labelers) else ()):
        if len(block):
            alone = prior.of_attribute(a, len(blocks))
            found[a] = _most_probable(alone, block, int(prior.labelers[a]), heads[a])
    return found


def _most_probable(prior: Prior, block: Block, labelers: int, start: Floats) -> float:
    """The reach on one attribute; wider ones are tried for as long as answers get more likely."""
    solver = Solver.of(prior)
    now, log_unlike = _evidence(solver, block, start), -np.log(labelers + 2)
    best, gain = 1.0, now.log + np.log(labelers + 1) + log_unlike
    for j in range(1, _STEPS + 1 if _gains(solver, now) else 1):
        before = now
        now = _evidence(solver.wider(_STEP ** (2 * j)), now.block, now.found.mean)
        if now.log <= before.log:
            break
        found = now.log + np.log(_STEP - 1) - j * np.log(_STEP) + log_unlike
        if found > gain:
            best, gain = _STEP**j, found
    return best


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """For one width of the prior of an attribute."""

    log: float  # of the probability of what was said
    went: float  # squared distance of the mode from the prior's mean, by the prior's precision
    found: Posterior
    block: Block  # with the noise there


def _evidence(solver: Solver, block: Block, start: Floats) -> _Evidence:
    """At the mode."""
    now, (block,) = settle(solver, (block,), start, _NEARLY)
    away = now.mean - solver.prior.mean
    went = float(away @ solver.precision @ away)
    log = block.log_likelihood(now.mean) - 0.5 * (went + now.log_det - solver.log_det)
    if len(block.value):  # how probable the noise is, as in `Block.with_noise`
        log -= 0.5 * NOISE_RATINGS * (np.log(block.noise) + NOISE / block.noise)
    return _Evidence(log, went, now, block)


def _gains(solver: Solver, now: _Evidence) -> bool:
    """Whether answers get more likely with a wider prior, about: whether the head went farther
    than the number of its weights that answers fix (MacKay)."""
    fixed = solver.prior.size - float(np.sum(now.found.covariance * solver.precision))
    return now.went > fixed
