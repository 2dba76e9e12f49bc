"""The labeler-id term: a linear guess of who looked."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext

_SHARPNESS = 16.0  # features have unit norm, so that plain logits would be small


class LabelerIdLoss(LossTerm):
    """lambda times the cross-entropy of a linear guess of the
    labeler from what was seen with that labeler's eyes.

    Source: strategy 6 of the strategies document; Caruana, "Multitask Learning", Machine Learning
    28 (1997).
    """

    reads_answers: ClassVar[bool] = True

    def __init__(self, strength: float, features: int, labelers: int) -> None:
        """`features` is the length of what is seen."""
        super().__init__()
        self.strength = strength
        self.guess = nn.Linear(features, labelers)
        # the same on every machine, and no say in the features at first
        nn.init.zeros_(self.guess.weight)
        nn.init.zeros_(self.guess.bias)

    def forward(self, context: StepContext) -> Tensor:
        """() float32."""
        logits = self.guess(_SHARPNESS * context.features)
        return self.strength * functional.cross_entropy(
            logits, context.scorer.send(context.part.labeler)
        )
