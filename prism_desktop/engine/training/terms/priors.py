"""Terms that hold personal parameters near common ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prism_desktop.engine.training.terms.term import Moment, Term


class Prior(Term):
    """lambda / 2 times the mean over labelers of |d_u|^2 / std^2: a Gaussian prior on tokens' deviations.

    Source: Gelman and Hill, "Data Analysis Using Regression and Multilevel Models", 2007.
    """

    def __init__(self, strength: float, std: float) -> None:
        super().__init__()
        self.factor = strength / (2 * std**2)

    def forward(self, moment: Moment) -> Tensor:
        """() float32."""
        prompts: Any = moment.model.get_submodule("prompts")
        deviation: Tensor = prompts.deviation
        return self.factor * deviation.pow(2).mean()


class Shrink(Term):
    """lambda times the mean over labelers of |B_u A_u|^2, the distance of a labeler's weights from the consensus.

    Source: Evgeniou and Pontil, "Regularized multi-task learning", KDD 2004. |B A|^2 is tr(A A' B' B), so that the full
    matrix is never made.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, moment: Moment) -> Tensor:
        """() float32."""
        named = dict(moment.model.named_parameters())
        total, owners = torch.zeros((), device=moment.difference.device), set()
        for name, down in named.items():
            if ".lora_A.own-" not in name:
                continue
            up = named[name.replace(".lora_A.", ".lora_B.")]
            total = total + torch.trace((down @ down.T) @ (up.T @ up))
            owners.add(name.split(".lora_A.")[1].split(".")[0])
        return self.strength * total / max(1, len(owners))


class Balance(Term):
    """lambda times the experts' squared coefficient of variation of use over labelers, so that all are used.

    Source: Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017, equation 7.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, moment: Moment) -> Tensor:
        """() float32."""
        shares: Any = moment.model.get_submodule("shares")
        use: Tensor = shares.gate(torch.arange(len(shares.logits), device=moment.difference.device)).mean(dim=0)
        return self.strength * (use.var(unbiased=False) / use.mean() ** 2)
