"""The registry of loss terms: what is made for each declaration of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import method
from prism_desktop.engine.methods.parts.loss_parts import (
    AgreementContrast,
    Distillation,
    KeptIfBetter,
    LabelerGuess,
    LoadBalance,
    Loss,
    MamlSteps,
    OrdinalRatings,
    RatedFaces,
    ReptileSteps,
    Shrinkage,
    TokenPrior,
)
from prism_desktop.engine.models.answers import Answers, Floats
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.training.losses.contrastive import ContrastiveLoss, training_agreement
from prism_desktop.engine.training.losses.distillation import DistillationLoss
from prism_desktop.engine.training.losses.keep_if_better import KeepIfBetter
from prism_desktop.engine.training.losses.labeler_id import LabelerIdLoss
from prism_desktop.engine.training.losses.loss_term import LossTerm
from prism_desktop.engine.training.losses.meta_learning import Maml, Reptile
from prism_desktop.engine.training.losses.ordinal import OrdinalLoss
from prism_desktop.engine.training.losses.priors import LoadBalanceLoss, PriorLoss, ShrinkageLoss
from prism_desktop.engine.training.losses.rating_likelihood import RatingLoss

_UNRATED = (
    "Single ratings are not learned from: there are none of training images, which only the image "
    "split sets apart."
)
# spread of the entries by which tokens that were learned without a prior differ between labelers
DEVIATION = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class LossInputs:
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


LOSSES: Mapping[type[Loss], Callable[[LossInputs], LossTerm]] = {
    TokenPrior: lambda inputs: PriorLoss(inputs.config.strength, DEVIATION),
    Shrinkage: lambda inputs: ShrinkageLoss(inputs.config.strength),
    LoadBalance: lambda inputs: LoadBalanceLoss(inputs.config.strength),
    RatedFaces: lambda inputs: (
        RatingLoss(inputs.config.strength, inputs.ratings)
        if inputs.ratings is not None
        else LossTerm(_UNRATED)
    ),
    AgreementContrast: lambda inputs: ContrastiveLoss(
        inputs.config.strength, training_agreement(inputs.train, inputs.labelers)
    ),
    Distillation: lambda inputs: _distillation(inputs),
    LabelerGuess: lambda inputs: LabelerIdLoss(
        inputs.config.strength, inputs.features, inputs.labelers
    ),
    OrdinalRatings: lambda inputs: _ordinal(inputs),
    KeptIfBetter: lambda inputs: KeepIfBetter(),
    ReptileSteps: lambda inputs: Reptile(),
    MamlSteps: lambda inputs: Maml(inputs.rate),
}


def build_losses(inputs: LossInputs) -> list[LossTerm]:
    """The terms that a run's method asks for."""
    return [LOSSES[type(loss)](inputs) for loss in method(inputs.config.method).of(Loss)]


def _distillation(inputs: LossInputs) -> LossTerm:
    assert inputs.consensus is not None, (
        "a run that learns from the consensus's opinions stands on it"
    )
    return DistillationLoss(inputs.config.strength, inputs.consensus)


def _ordinal(inputs: LossInputs) -> LossTerm:
    """Half as strong as other terms, as strategy 6 has it; nothing without ratings."""
    if inputs.ratings is None:
        return LossTerm(_UNRATED)
    return OrdinalLoss(
        inputs.config.strength / 2, inputs.ratings, inputs.labelers, inputs.attributes
    )
