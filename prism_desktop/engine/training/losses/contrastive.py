"""The contrastive term: tokens lie to each other as their labelers' answers do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from prism_desktop.engine.models.answers import Answers, Floats
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext


class ContrastiveLoss(LossTerm):
    """lambda times the mean over labelers u < v of (cos(d_u, d_v) - (2 agreement_uv - 1))^2.

    d_u is a labeler's token less the mean token. Labelers who share no answer are left out. Source:
    the PRISM report, future direction 3; the squared form is that of multidimensional scaling by
    angles, not of InfoNCE, because agreement is a number and not a choice of one positive.
    """

    target: Tensor

    def __init__(self, strength: float, agreement: Floats) -> None:
        """`agreement` is (labelers, labelers) in 0 to 1, NaN where nothing is shared."""
        super().__init__()
        self.strength, self.labelers = strength, len(agreement)
        one, two = np.nonzero(np.triu(~np.isnan(agreement), k=1))
        self.pairs = [(int(u), int(v)) for u, v in zip(one, two, strict=True)]
        self.register_buffer(
            "target",
            torch.from_numpy(2 * agreement[one, two].astype(np.float32) - 1),
            persistent=False,
        )

    def forward(self, context: StepContext) -> Tensor:
        """() float32; zero where nobody shares an answer."""
        if not self.pairs:
            return super().forward(context)
        prompts: Any = context.model.get_submodule("prompts")
        tokens = prompts(torch.arange(self.labelers, device=context.difference.device))
        deviation = (tokens - tokens.mean(dim=0)).flatten(1)
        one, two = (list(side) for side in zip(*self.pairs, strict=True))
        cosine = functional.cosine_similarity(deviation[one], deviation[two], dim=1)
        return self.strength * (cosine - self.target).pow(2).mean()


def training_agreement(train: Answers, labelers: int) -> Floats:
    """How often labelers chose alike where training answers
    are shared: (labelers, labelers), NaN where none are."""
    import pandas as pd

    from prism_desktop.engine.analysis.agreement import agreement

    names = np.array(["right", "tie", "left"], dtype=object)
    frame = pd.DataFrame(
        {
            "labeler": train.labeler,
            "attribute": train.attribute,
            "left": train.left,
            "right": train.right,
            "outcome": names[np.rint(2 * train.outcome).astype(np.int64)],
            "source": "labeled",
            "repeat_of": None,
        }
    )
    found = agreement(frame, labelers=range(labelers))  # type: ignore[arg-type]
    return found.matrix.astype(np.float32)
