"""The distillation term: what the consensus model believes, as soft labels."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from prism_desktop.engine.models.answers import Floats
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext


class DistillationLoss(LossTerm):
    """lambda times the cross-entropy of the consensus's
    probabilities and the model's, on the batch's pairs.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, with
    temperature 1.

    Attributes:
        scores: (attributes, images) float32, the consensus's.
    """

    reads_answers: ClassVar[bool] = True

    scores: Tensor

    def __init__(self, strength: float, scores: Floats) -> None:
        super().__init__()
        self.strength = strength
        self.register_buffer("scores", torch.from_numpy(scores.copy()), persistent=False)

    def forward(self, context: StepContext) -> Tensor:
        """() float32."""
        part, send = context.part, context.scorer.send
        left, right = (part.images[part.image[side]] for side in (part.left, part.right))
        attribute = send(part.attribute)
        believed = torch.sigmoid(
            self.scores[attribute, send(left)] - self.scores[attribute, send(right)]
        )
        return self.strength * functional.binary_cross_entropy_with_logits(
            context.difference, believed
        )
