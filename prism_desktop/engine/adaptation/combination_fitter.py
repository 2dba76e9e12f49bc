"""Labelers who enter a combination of runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.adaptation.cross_fitting import cross_fitted
from prism_desktop.engine.adaptation.head_fitter import (
    FittedLabeler,
    KnownTaste,
    LabelerFitter,
    Scores,
    State,
    alone,
)
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.combination_file import Member
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.combination import loss


@dataclass(frozen=True, slots=True, eq=False)
class CombinationFitter:
    """Members enter, each in its own way; their weights are the average labeler's.

    A selective run serves a new labeler by the consensus, until the personal member foretells their
    answers better in cross-validation.
    """

    members: tuple[tuple[Member, LabelerFitter], ...]
    selective: bool

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> FittedLabeler:
        """All members."""
        answers = alone(answers)
        weights = self._weights(answers, profile, ratings)
        fitted = [fitter.fit(answers, profile, ratings) for _, fitter in self.members]
        return self._together(fitted, weights)

    def restore(self, state: State) -> FittedLabeler:
        """All members."""
        parts = [
            fitter.restore(
                {
                    k.removeprefix(f"{m.method}/"): a
                    for k, a in state.items()
                    if k.startswith(f"{m.method}/")
                }
            )
            for m, fitter in self.members
        ]
        return self._together(parts, state["weights"])

    def posterior(
        self, answers: Answers | None = None, ratings: Ratings | None = None
    ) -> KnownTaste | None:
        """The first member's that has one."""
        every = (fitter.posterior(answers, ratings) for _, fitter in self.members)
        return next((known for known in every if known is not None), None)

    def _together(self, parts: list[FittedLabeler], weights: npt.NDArray[Any]) -> FittedLabeler:
        state: dict[str, npt.NDArray[Any]] = {"weights": weights}
        for (member, _), part in zip(self.members, parts, strict=True):
            state |= {f"{member.method}/{name}": array for name, array in part.state.items()}

        def scores(images: Ints | None) -> Scores:
            own = [
                np.float32(w) * p.scores(images) for w, p in zip(weights, parts, strict=True) if w
            ]
            return np.asarray(np.sum(own, axis=0), np.float32)

        return FittedLabeler(state, scores)

    def _weights(
        self, answers: Answers, profile: str, ratings: Ratings | None
    ) -> npt.NDArray[np.float64]:
        if not self.selective:
            return np.array([np.mean(member.weight) for member, _ in self.members])
        factors = [member.calibration for member, _ in self.members]
        margins = [
            cross_fitted(fitter, answers, profile, ratings=ratings) for _, fitter in self.members
        ]
        losses = [
            loss(f * m, answers).mean()
            for f, m in zip(factors, margins, strict=True)
            if m is not None
        ]
        personal = len(losses) == len(factors) and losses[1] < losses[0]
        return np.array([0.0, factors[1]] if personal else [factors[0], 0.0])
