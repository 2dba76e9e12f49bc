"""Visual tokens that belong to groups of labelers.

Source: Li and Liang, "Prefix-Tuning", ACL 2021, with a prefix per group of people instead of one
per task.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class GroupPrompts(nn.Module):
    """A table with a row per group.

    A labeler gets their groups' rows in shares, and perhaps a deviation of their own.

    Attributes:
        table: (groups, tokens, width) float32.
        deviation: (labelers, tokens, width) float32, zero at the start and held small by weight
            decay; None without.
        shares: (labelers, groups) float32, rows add up to 1; whole for labelers that training saw.
    """

    shares: Tensor

    def __init__(
        self,
        shares: npt.NDArray[np.float32],
        deltas: npt.NDArray[np.int64] | None,
        tokens: int,
        width: int,
        *,
        std: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.register_buffer("shares", torch.from_numpy(shares.copy()), persistent=False)
        self.table = nn.Parameter(
            torch.randn(shares.shape[1], tokens, width, generator=generator) * std
        )
        self.deviation = (
            nn.Parameter(torch.zeros(len(deltas), tokens, width)) if deltas is not None else None
        )

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        own = torch.einsum("rg,gtw->rtw", self.shares[labeler], self.table)
        return own if self.deviation is None else own + self.deviation[labeler]
