"""Terms by the names that methods call them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import method
from prism_desktop.engine.personal.answers import Answers
from prism_desktop.engine.personal.heads.evidence import Ratings
from prism_desktop.engine.training.terms.priors import Balance, Prior, Shrink
from prism_desktop.engine.training.terms.rated import Rated
from prism_desktop.engine.training.terms.term import Term


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a term may want to know when it is built."""

    config: TrainConfig
    train: Answers
    labelers: int
    attributes: int
    ratings: Ratings | None = None  # single ratings of training images


TERMS: Mapping[str, Callable[[Facts], Term]] = {
    "prior": lambda facts: Prior(facts.config.strength, facts.config.token_std),
    "shrink": lambda facts: Shrink(facts.config.strength),
    "balance": lambda facts: Balance(facts.config.strength),
    "rated": lambda facts: Rated(facts.config.strength, facts.ratings) if facts.ratings is not None else Term(),
}


def build_terms(facts: Facts) -> list[Term]:
    """The terms that a run's method asks for."""
    return [TERMS[name](facts) for name in method(facts.config.method).losses]
