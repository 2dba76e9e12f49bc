"""How much each of several models weighs where the next token's probabilities are mixed.

p(token) = sum over models of weight times p(token | model): a distribution as it stands, for which
only what each model gives the tokens that were written must be known. A mean of log-probabilities
would have to be made one anew over the whole vocabulary at every token.

Weights are those that make validation tokens likeliest, found by EM (Jacobs, Jordan, Nowlan and
Hinton, "Adaptive Mixtures of Local Experts", 1991). A person's own are drawn to everybody's by a
Dirichlet prior, worth as many tokens as cross-validation over prompts likes best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
STRENGTHS: Final = (math.inf, 1_000.0, 300.0, 100.0, 30.0, 10.0)  # tokens that the prior is worth
_LEAST: Final = 0.05  # a smaller weight is none, and its model need not be run
_PARTS: Final = 5  # of the cross-validation, at most
_STEPS: Final = 300
_STILL: Final = 1e-4  # of a weight


@dataclass(frozen=True, slots=True, eq=False)
class ChosenBy:
    """Validation tokens.

    Attributes:
        chance: (tokens, models) what each model gave the token, 0 to 1.
        person: (tokens,) int64, whose it is.
        prompt: (tokens,) int64, what it answers.
        people: how many there are, with tokens or without.
    """

    chance: Floats
    person: Ints
    prompt: Ints
    people: int

    def of(self, chosen: npt.NDArray[np.bool_]) -> ChosenBy:
        """Some of the tokens."""
        return ChosenBy(self.chance[chosen], self.person[chosen], self.prompt[chosen], self.people)

    def nll(self, weights: Floats) -> Floats:
        """(people,) nats per token with (people, models) weights; NaN of whom there is no token."""
        mixed = (self.chance * weights[self.person]).sum(1)
        cost = -np.log(np.maximum(mixed, 1e-300))
        count = np.bincount(self.person, minlength=self.people)
        total = np.bincount(self.person, cost, self.people)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class PersonWeights:
    """Weights of a combination.

    Attributes:
        own: (people, models) of each person, rows add up to 1.
        everybody: (models,).
        strength: tokens that everybody's were worth beside a person's own.
        kept_unified: (people,) bool, whom no mixture helped, so that the first model serves them.
    """

    own: Floats
    everybody: Floats
    strength: float
    kept_unified: npt.NDArray[np.bool_]


def everybodys(tokens: ChosenBy) -> Floats:
    """(models,) weights that are the same for everybody, each person counting the same."""
    models = tokens.chance.shape[1]
    weights = np.full(models, 1 / models)
    count = np.bincount(tokens.person, minlength=tokens.people)
    share = 1 / np.maximum(count, 1)[tokens.person]
    if not len(share):
        return weights
    for _ in range(_STEPS):
        found = share @ _shares(tokens.chance, weights)
        found /= found.sum()
        still = float(np.abs(found - weights).max()) < _STILL
        weights = found
        if still:
            break
    return weights


def drawn_to(tokens: ChosenBy, everybody: Floats, strength: float) -> Floats:
    """(people, models) weights of each person's own, drawn to everybody's; of whom there is no
    token everybody's."""
    weights = np.repeat(everybody[None], tokens.people, axis=0)
    if math.isinf(strength):
        return weights
    count = np.bincount(tokens.person, minlength=tokens.people)[:, None]
    for _ in range(_STEPS):
        shares = _shares(tokens.chance, weights[tokens.person])
        sums = np.stack(
            [np.bincount(tokens.person, one, tokens.people) for one in shares.T], axis=1
        )
        found = (sums + strength * everybody) / (count + strength)
        still = float(np.abs(found - weights).max()) < _STILL
        weights = found
        if still:
            break
    return weights


def personal_weights(tokens: ChosenBy) -> PersonWeights:
    """Weights of each person's own, with what cross-validation over prompts chose.

    The first model is what everybody falls back on: who is foretold no better by a mixture, in
    cross-validation, keeps it alone.
    """
    everybody = everybodys(tokens)
    costs = _crossed(tokens)
    means = [float(np.nanmean(one)) if np.isfinite(one).any() else 0.0 for one in costs]
    best = int(np.argmin(means))  # of equals what is drawn most
    own = pruned(drawn_to(tokens, everybody, STRENGTHS[best]))
    alone = np.zeros_like(own)
    alone[:, 0] = 1.0
    kept = costs[best] >= tokens.nll(alone)
    own[kept] = alone[kept]
    return PersonWeights(own, pruned(everybody[None])[0], STRENGTHS[best], kept)


def pruned(weights: Floats) -> Floats:
    """(people, models): the small weights left out, and the others so that they add up to 1."""
    kept = np.where(weights >= min(_LEAST, 1 / weights.shape[1]), weights, 0.0)
    found: Floats = kept / kept.sum(1, keepdims=True)
    return found


def _shares(chance: Floats, weights: Floats) -> Floats:
    """(tokens, models): how much of each token each model explains."""
    joint = chance * weights
    found: Floats = joint / np.maximum(joint.sum(1, keepdims=True), 1e-300)
    return found


def _crossed(tokens: ChosenBy) -> list[Floats]:
    """Of each strength (people,) nats per token where no token's own prompt helped to weigh for
    it; NaN of whom there is none."""
    _, number = np.unique(tokens.prompt, return_inverse=True)
    part = number % _PARTS
    size = np.bincount(tokens.person, minlength=tokens.people)
    totals = [np.zeros(tokens.people) for _ in STRENGTHS]
    for held in np.unique(part):
        others, here = tokens.of(part != held), tokens.of(part == held)
        everybody = everybodys(others)
        count = np.bincount(here.person, minlength=tokens.people)
        for total, strength in zip(totals, STRENGTHS, strict=True):
            weights = pruned(drawn_to(others, everybody, strength))
            total += np.nan_to_num(here.nll(weights)) * count
    return [np.where(size > 0, one / np.maximum(size, 1), np.nan) for one in totals]


def chance_of(costs: Sequence[Floats]) -> Floats:
    """(tokens, models): what each model gave a text's tokens, as far as all of them read it."""
    least = min(map(len, costs))
    return np.exp(-np.stack([one[:least] for one in costs], axis=1))
