"""Terms by the names that methods call them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import Answers, Floats
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.losses.contrastive import Contrastive, training_agreement
from prism_desktop.engine.training.losses.distillation import Distil
from prism_desktop.engine.training.losses.keep_if_better import KeepIfBetter
from prism_desktop.engine.training.losses.labeler_id import Whose
from prism_desktop.engine.training.losses.loss_term import Term
from prism_desktop.engine.training.losses.meta_learning import Maml, Reptile
from prism_desktop.engine.training.losses.ordinal import Ordinal
from prism_desktop.engine.training.losses.priors import Balance, Prior, Shrink
from prism_desktop.engine.training.losses.rating_likelihood import Rated

_UNRATED = (
    "Single ratings are not learned from: there are none of training images, which only the image "
    "split sets apart."
)
# spread of the entries by which tokens that were learned without a prior differ between labelers
DEVIATION = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a term may want to know when it is built.

    Attributes:
        ratings: single ratings of training images; None where there are none.
        consensus: (attributes, images) float32, the consensus model's scores; None without one.
        features: length of what the model sees of an image.
        rate: learning rate of tokens in this tower.
    """

    config: TrainConfig
    train: Answers
    labelers: int
    attributes: int
    ratings: Ratings | None = None
    consensus: Floats | None = None
    features: int = 0
    rate: float = 0.0


TERMS: Mapping[str, Callable[[Facts], Term]] = {
    "prior": lambda facts: Prior(facts.config.strength, DEVIATION),
    "shrink": lambda facts: Shrink(facts.config.strength),
    "balance": lambda facts: Balance(facts.config.strength),
    "rated": lambda facts: (
        Rated(facts.config.strength, facts.ratings) if facts.ratings is not None else Term(_UNRATED)
    ),
    "contrastive": lambda facts: Contrastive(
        facts.config.strength, training_agreement(facts.train, facts.labelers)
    ),
    "distil": lambda facts: _distil(facts),
    "user-id": lambda facts: Whose(facts.config.strength, facts.features, facts.labelers),
    "ordinal": lambda facts: _ordinal(facts),
    "keep-if-better": lambda facts: KeepIfBetter(),
    "reptile": lambda facts: Reptile(),
    "maml": lambda facts: Maml(facts.rate),
}


def build_terms(facts: Facts) -> list[Term]:
    """The terms that a run's method asks for."""
    return [TERMS[name](facts) for name in method(facts.config.method).losses]


def _distil(facts: Facts) -> Term:
    assert facts.consensus is not None, (
        "a run that learns from the consensus's opinions stands on it"
    )
    return Distil(facts.config.strength, facts.consensus)


def _ordinal(facts: Facts) -> Term:
    """Half as strong as other terms, as strategy 6 has it; nothing without ratings."""
    if facts.ratings is None:
        return Term(_UNRATED)
    return Ordinal(facts.config.strength / 2, facts.ratings, facts.labelers, facts.attributes)
