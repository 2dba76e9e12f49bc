"""A memory of a labeler's past comparisons that image tokens
look things up in, through a gate that starts closed.

Source: Alayrac et al., "Flamingo: a Visual Language Model for Few-Shot Learning", NeurIPS 2022,
section 2.2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.histories import CrossAttentionBlock, Episodes, ItemEncoder
from prism_desktop.engine.models.labeler_context import LabelerContext


class GatedMemory(nn.Module):
    """x + tanh(gamma) CrossAttention(x, items), gamma = 0 at
    the start: training begins at the model without it.

    Attributes:
        gamma: () float32.
    """

    SIZE, HEADS = 64, 4

    def __init__(self, context: LabelerContext, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.items = ItemEncoder(context, self.SIZE, generator)
        self.nothing = nn.Parameter(torch.randn(1, 1, self.SIZE, generator=generator))
        self.look = CrossAttentionBlock(width, self.SIZE, self.HEADS, generator)
        self.gamma = nn.Parameter(torch.zeros(()))
        self._episodes = Episodes(context)

    def begin_episode(self, answers: Ints | None) -> None:
        """See `Episodes`."""
        self._episodes.begin(answers)

    def forward(self, tokens: Tensor, labeler: Tensor) -> Tensor:
        """(rows, n, width) and (rows,) int64 -> (rows, n, width), in the tokens' dtype."""
        distinct, row = torch.unique(labeler, return_inverse=True)
        return self.read(tokens, *self._episodes.shown(distinct.tolist()), row)

    def read(
        self, tokens: Tensor, history: Ints, there: npt.NDArray[np.bool_], row: Tensor
    ) -> Tensor:
        """With any labelers' items, (n, items, 3) and (n, items)
        bool; `row` (rows,) says whose each row looks at."""
        items = self.items(history)
        items = torch.cat([self.nothing.expand(len(items), -1, -1), items], dim=1)
        mask = functional.pad(torch.from_numpy(there).to(items.device), (1, 0), value=True)
        found: Tensor = self.look(tokens.float(), items, mask, row)
        return tokens + (self.gamma.tanh() * found).to(tokens.dtype)
