"""What one answer is made of, on the scale behind it: taste that all share, private taste, noise.

    what labeler u sees in face i at one time = shared_i + private_iu + noise

all normal, the three variances summing to 1. A comparison goes by the sign of a difference of two
such values, and a rating is one of them, but for the labelers' levels.
"""

from dataclasses import dataclass
from math import asin, isnan, pi, sin
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.quality.attribute_reliability import KindReliability

# Attractiveness: shared and private taste about alike (Hönekopp 2006); with these, 70 % of repeated
# comparisons are answered the same way.
USUAL_SHARED: Final = 0.3
USUAL_PRIVATE: Final = 0.3
UNTOLD: Final = (
    "Without repeats private taste and noise cannot be told apart; each is taken for half of what "
    "is not shared."
)


@dataclass(frozen=True, slots=True)
class AnswerVariances:
    """Shares of the variance of one answer.

    Attributes:
        shared: what all labelers see alike.
        private: what one labeler sees again and others do not.
        level: of the labelers' levels in ratings, on the same scale; it is none of the three.

    Raises:
        InputError: a share is below 0, or both are more than all.
    """

    shared: float = USUAL_SHARED
    private: float = USUAL_PRIVATE
    level: float = 0.1

    def __post_init__(self) -> None:
        for each in (self.shared, self.private):
            if not 0 <= each <= 1:
                raise InputError(
                    f"A share of variance lies between 0 and 1, and {each:g} does not."
                )
        if not self.level >= 0:
            raise InputError("The variance of labelers' levels is 0 or more.")
        if self.shared + self.private > 1 + 1e-9:
            raise InputError(
                f"Shared and private taste are at most all of an answer, and {self.shared:g} and "
                f"{self.private:g} are more."
            )

    @property
    def noise(self) -> float:
        """What is neither."""
        return max(0.0, 1 - self.shared - self.private)

    @property
    def own(self) -> float:
        """What a labeler's own taste accounts for, shared or not."""
        return min(1.0, self.shared + self.private)

    @property
    def agreement(self) -> float:
        """Share of comparisons that a labeler answers the same way again.

        Two normal values with correlation r have the same sign with probability 1/2 + asin(r) / pi
        (Sheppard 1899).
        """
        return 0.5 + asin(self.own) / pi


def fitted_variances(found: KindReliability) -> tuple[AnswerVariances, str]:
    """The variances behind an attribute's answers of one kind, and what else to know of them.

    Shares of the variance of comparisons are correlations of signs; by Sheppard's formula a
    correlation r of signs comes from one of sin(r pi / 2) behind them.

    Raises:
        InputError: the answers do not tell what is shared.
    """
    shared, private, notice = found.shared.value, found.private.value, ""
    if isnan(shared):
        raise InputError(
            f"The {found.kind}s tell nothing of shared taste yet: it takes two labelers who judged "
            "the same faces, and for comparisons forty of them."
        )
    shared, level = min(max(shared, 0.0), 1.0), 0.0
    if isnan(private):
        private, notice = (1 - shared) / 2, UNTOLD
    own = min(1.0, shared + max(private, 0.0))
    if found.kind == "comparison":
        shared, own = sin(shared * pi / 2), sin(own * pi / 2)
    elif found.icc.value > 0:
        level = max(0.0, shared / found.icc.value - 1)
    return AnswerVariances(shared, own - shared, level), notice
