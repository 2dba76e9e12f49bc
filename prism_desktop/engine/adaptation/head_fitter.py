"""Labelers who enter a loaded run, and how they enter heads in closed form. Importing this needs no
torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.models.answers import Answers, Ints, choices
from prism_desktop.engine.models.heads.bayes import BayesHeads, upgraded
from prism_desktop.engine.models.heads.collaborative import CollaborativeHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.saved_heads import LoadedHeads, reader

Scores = npt.NDArray[np.float32]
State = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class FittedLabeler:
    """A labeler who entered a run.

    Attributes:
        state: what must be kept to predict again, by name.
        scores: of images by number, all of them for None: (attributes, n) float32; differences are
            logits.
    """

    state: State
    scores: Callable[[Ints | None], Scores]


@dataclass(frozen=True, slots=True, eq=False)
class KnownTaste:
    """What is known of one labeler and how surely, which tells what to ask them next."""

    heads: BayesHeads  # row 0
    features: npt.NDArray[np.float32]  # (images, d) of the run's images


class LabelerFitter(Protocol):
    """A loaded run that new labelers may enter, one after another."""

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> FittedLabeler:
        """Somebody with these answers, whatever labeler they name; none at all gives the start.

        Args:
            answers: choices, and pairs made of ratings.
            profile: a text.
            ratings: what the pairs were made of, for those that learn from ratings as ratings.
        """

    def restore(self, state: State) -> FittedLabeler:
        """Somebody who entered before."""

    def posterior(
        self, answers: Answers | None = None, ratings: Ratings | None = None
    ) -> KnownTaste | None:
        """What is known of somebody with these answers, without any of anybody; None where the run
        cannot tell how surely."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadFitter:
    """Heads in closed form: their own `adapt`."""

    loaded: LoadedHeads
    features: npt.NDArray[np.float32]

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> FittedLabeler:
        """The posterior, or the index, of the answers alone."""
        known, heads = self.loaded.heads, self._entered(answers, ratings)
        context = known.arrays()
        state = {
            k: a
            for k, a in heads.arrays().items()
            if k not in context or not np.array_equal(a, context[k])
        }
        return FittedLabeler(state, lambda images: self._scores(heads, images))

    def posterior(
        self, answers: Answers | None = None, ratings: Ratings | None = None
    ) -> KnownTaste | None:
        """The heads' own."""
        heads = self._entered(answers, ratings)
        heads = heads.base if isinstance(heads, CollaborativeHeads) else heads
        return KnownTaste(heads, self.features) if isinstance(heads, BayesHeads) else None

    def _entered(self, answers: Answers | None, ratings: Ratings | None) -> Any:
        """Heads of the new labeler alone."""
        known: Any = self.loaded.heads
        told = None if answers is None else alone(answers)
        if isinstance(known, BayesHeads | CollaborativeHeads):
            ratings = ratings if known.reads_ratings else None
            told = choices(told) if told is not None and ratings is not None else told
            return known.adapt(self.features, told if told else None, ratings)
        return known.adapt(self.features, told if told else None)

    def restore(self, state: State) -> FittedLabeler:
        """Heads whose other arrays are the run's."""
        arrays = {**self.loaded.heads.arrays(), **upgraded(state)}
        heads: Any = reader(self.loaded.card.method)(arrays)
        return FittedLabeler(state, lambda images: self._scores(heads, images))

    def _scores(self, heads: Any, images: Ints | None) -> Scores:
        if images is None:
            whole: Scores = heads.scores(self.features)[0]
            return whole
        some = self.features[images]
        own = isinstance(heads, CollaborativeHeads)
        scores: Scores = heads.scores(some, images)[0] if own else heads.scores(some)[0]
        return np.ascontiguousarray(scores)


def alone(answers: Answers) -> Answers:
    """The same answers, of labeler 0."""
    return replace(answers, labeler=np.zeros_like(answers.labeler))
