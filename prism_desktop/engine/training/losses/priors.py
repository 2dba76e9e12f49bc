"""Prior terms: personal parameters are held near common ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext


class PriorLoss(LossTerm):
    """lambda / 2 times the mean over labelers and entries of
    d_u^2 / std^2: a Gaussian prior on tokens' deviations.

    Source: Gelman and Hill, "Data Analysis Using Regression and Multilevel Models", 2007.
    """

    def __init__(self, strength: float, std: float) -> None:
        super().__init__()
        self.factor = strength / (2 * std**2)

    def forward(self, context: StepContext) -> Tensor:
        """() float32."""
        prompts: Any = context.model.get_submodule("prompts")
        deviation: Tensor = prompts.deviation
        return self.factor * deviation.pow(2).mean()


class ShrinkageLoss(LossTerm):
    """lambda times the mean over labelers of |W_u - W|^2 / |W|^2,
    how far a labeler's weights are from the consensus's.

    W_u - W = s B_u A_u, where s is the adapters' scale; the divisor is of the weights that adapters
    change, as the backbone has them. So the distance means the same in every tower, however wide or
    deep, and at every scale.

    Source: Evgeniou and Pontil, "Regularized multi-task learning", KDD 2004. |B A|^2 is tr(A A' B'
    B), so that the full matrix is never made.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength, self.factor = strength, 0.0

    def begin(self, model: PersonalModel) -> None:
        """Measure the weights that adapters change."""
        own: Any = model
        frozen = [
            tensor
            for name, tensor in model.named_parameters()
            if name.endswith(".base_layer.weight")
        ]
        size = sum(float(tensor.float().pow(2).sum()) for tensor in frozen)
        self.factor = self.strength * (own.alpha / own.rank) ** 2 / size

    def forward(self, context: StepContext) -> Tensor:
        """() float32."""
        named = dict(context.model.named_parameters())
        total, owners = torch.zeros((), device=context.difference.device), set()
        for name, down in named.items():
            if ".lora_A.own-" not in name:
                continue
            up = named[name.replace(".lora_A.", ".lora_B.")]
            total = total + torch.trace((down @ down.T) @ (up.T @ up))
            owners.add(name.split(".lora_A.")[1].split(".")[0])
        return self.factor * total / max(1, len(owners))


class LoadBalanceLoss(LossTerm):
    """lambda times the experts' squared coefficient of
    variation of use over labelers, so that all are used.

    Source: Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017, equation 7.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, context: StepContext) -> Tensor:
        """() float32."""
        shares: Any = context.model.get_submodule("shares")
        use: Tensor = shares.gate(
            torch.arange(len(shares.logits), device=context.difference.device)
        ).mean(dim=0)
        return self.strength * (use.var(unbiased=False) / use.mean() ** 2)
