"""The interface of loss terms: what one is given, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.training.batches import Batch
from prism_desktop.engine.training.pair_loss import PairLoss

if TYPE_CHECKING:
    from prism_desktop.engine.training.scoring import Scorer


@dataclass(frozen=True, slots=True, eq=False)
class StepContext:
    """One step of training, after the forward pass.

    Attributes:
        features: (rows, features) float32 with gradient, what was seen of the batch's image rows.
        difference: (answers,) float32 with gradient, score of the left image minus score of the
            right one.
    """

    scorer: Scorer
    part: Batch
    features: Tensor
    difference: Tensor

    @property
    def model(self) -> PersonalModel:
        """The model that is trained."""
        return self.scorer.model


class LossTerm(nn.Module):
    """A term of the loss; its own parameters are trained along and saved in checkpoints.

    Attributes:
        reads_answers: whether it depends on the answers of a step, so that it must see them all.
    """

    reads_answers: ClassVar[bool] = False

    def __init__(self, idle: str = "") -> None:
        """`idle` says why this one has nothing to add in this run, for the user."""
        super().__init__()
        self.idle = idle

    def forward(self, context: StepContext) -> Tensor:
        """What is added to the mean loss of the batch's answers, in nats: () float32."""
        return torch.zeros((), device=context.difference.device)

    def begin(self, model: PersonalModel) -> None:
        """Before the first step, and before a checkpoint is read."""

    def stepped(self, model: PersonalModel, step: int, steps: int) -> None:
        """After the optimiser's step number `step` (from 1) of `steps` at most."""

    def finish(self, scorer: Scorer, val: Answers, loss: PairLoss) -> str:
        """After training, when the best epoch's weights are in place.

        Returns what the user should know, or nothing.
        """
        return ""
