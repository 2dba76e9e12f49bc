"""Turned parts: whether some of a labeler's work has the answers the other way round.

A labeler's trials are cut into parts of one session and kind each. Where two parts share faces,
the own consistency between them is as far above zero as within them, and as far below if the
meaning of the answers was turned round in one of the two: by who took "left" for "less", or 1 for
the highest. Which parts are turned is found on one half of the pairs of answers, and tested on the
other, so that nothing is found by looking for it.

Somebody who turned all of their answers cannot be told from somebody of the opposite taste by
what they do themselves; nor can the turned part be told from the other where they are equal.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import Floats, Ints
from prism_desktop.engine.evaluation.quality.own_consistency import NONE, AnswerPairs

PART_TRIALS = 60
_SURE = 3.0  # standard errors below zero


@dataclass(frozen=True, slots=True)
class TurnedParts:
    """What was found of one labeler.

    Attributes:
        between: own consistency between the two groups of parts, where there are two.
        rows: (answers,) whether an answer lies in the smaller group.
        attributes: those whose ratings contradict their comparisons.
    """

    between: Estimate
    rows: np.ndarray
    attributes: tuple[str, ...]

    @property
    def turned(self) -> bool:
        """Whether some of the answers are surely the other way round."""
        return bool(self.attributes) or _surely_below(self.between)


def turned_parts(rows: pd.DataFrame, pairs: AnswerPairs, seed: int = 0) -> TurnedParts:
    """Compare the parts of a labeler's work with each other.

    Args:
        rows: of the answer table, one labeler's.
        pairs: of the same.
        seed: of the halves.
    """
    part = part_of(rows)
    half = np.random.default_rng(seed).random(len(pairs.k)) < 0.5
    across = part[pairs.first] != part[pairs.second]
    sign = np.zeros(len(pairs.k))
    for mine in (half, ~half):
        side = _sides(part, pairs, mine)
        sign[~mine] = (side[pairs.first] * side[pairs.second])[~mine]
    between = pairs.consistency(across & (sign < 0))
    final = _sides(part, pairs, np.ones(len(pairs.k), bool))
    return TurnedParts(between, final < 0, _contradicted(rows, pairs))


def part_of(rows: pd.DataFrame) -> Ints:
    """(answers,) the number of the part that each lies in."""
    group = rows.groupby(["kind", "session"], sort=False)
    # trials of one kind and session, counted in time
    place = group["trial"].transform(lambda trials: pd.factorize(trials)[0]) // PART_TRIALS
    named = rows["kind"].astype(str) + " " + rows["session"].astype(str) + " " + place.astype(str)
    return pd.factorize(named)[0].astype(np.int64)


def _sides(part: Ints, pairs: AnswerPairs, some: np.ndarray) -> Floats:
    """(answers,) 1 for the larger group of parts, -1 for parts that contradict them: the signs
    that make the products of answers in different parts largest."""
    parts = int(part.max(initial=0)) + 1
    one, other = part[pairs.first[some]], part[pairs.second[some]]
    gain = np.zeros((parts, parts))
    np.add.at(gain, (one, other), (pairs.k * pairs.product)[some])
    gain = gain + gain.T
    np.fill_diagonal(gain, 0)
    sign = np.where(np.linalg.eigh(gain)[1][:, -1] < 0, -1.0, 1.0)
    for _ in range(2 * parts):  # single parts that fit better on the other side
        worst = int(np.argmin(sign * (gain @ sign)))
        if sign[worst] * (gain[worst] @ sign) >= 0:
            break
        sign[worst] *= -1
    size = np.bincount(part, minlength=parts)
    return np.asarray(sign * (1 if sign @ size >= 0 else -1))[part]


def _contradicted(rows: pd.DataFrame, pairs: AnswerPairs) -> tuple[str, ...]:
    """The attributes whose ratings and comparisons surely go against each other."""
    compared = (rows["kind"] == "comparison").to_numpy()
    attribute = rows["attribute"].astype(str).to_numpy()[pairs.first]
    mixed = compared[pairs.first] != compared[pairs.second]
    return tuple(
        name
        for name in dict.fromkeys(attribute.tolist())
        if _surely_below(pairs.consistency(mixed & (attribute == name)))
    )


def _surely_below(found: Estimate) -> bool:
    return found is not NONE and found.value + _SURE * found.error < 0
