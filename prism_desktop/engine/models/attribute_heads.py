"""Heads on what an adapted tower sees: a direction of each labeler's own for every labeled
attribute, in place of the attribute's text.

They are fitted in closed form to what the tower sees before it is trained, so that training starts
where the closed form ends. Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and
Underperform Out-of-Distribution", ICLR 2022: first the head, then the tower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from prism_desktop.engine.models.base import AttributeTexts

TABLE = "heads.table"  # the name of the directions among a model's parameters
LATER = "heads.later"  # of what is added to them once training has ended


class AffineHeads(Protocol):
    """Heads whose scores are affine in the features."""

    def scores(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(images, d) -> (labelers, attributes, images)."""


class AttributeHeads(nn.Module):
    """Directions in the space of image features.

    Attributes:
        table: (labelers, attributes, embed_dim) float32; not trained by gradients.
        later: what the answers that chose the model will add, once it is chosen; the same shape.
        labeled: the labeled attributes as sentences, in the table's order.
    """

    def __init__(self, labelers: int, labeled: AttributeTexts, embed_dim: int) -> None:
        super().__init__()
        self.labeled = tuple(tuple(sentences) for sentences in labeled)
        table = torch.zeros(labelers, len(self.labeled), embed_dim)
        self.table = nn.Parameter(table, requires_grad=False)
        self.later = nn.Parameter(table.clone(), requires_grad=False)

    @torch.no_grad()
    def take(self, heads: AffineHeads, later: AffineHeads | None = None) -> None:
        """Take over heads that were fitted to features of this space, for all labelers.

        Args:
            heads: what serves from now on.
            later: the same, fitted to more answers, which will serve after `finish`.
        """
        now = directions(heads, self.table.shape[-1])
        then = now if later is None else directions(later, self.table.shape[-1])
        self.table.copy_(torch.from_numpy(now))
        self.later.copy_(torch.from_numpy(then - now))

    @torch.no_grad()
    def finish(self) -> None:
        """Let the later heads serve."""
        self.table.add_(self.later)
        self.later.zero_()

    def forward(self, labeler: Tensor, asked: AttributeTexts, text: Tensor) -> Tensor:
        """Directions of the asked attributes: (rows, attributes, embed_dim).

        Args:
            labeler: (rows,) int64.
            asked: the attributes, as sentences.
            text: (attributes, embed_dim) or (rows, attributes, embed_dim), directions of those that
                nobody labeled.
        """
        places = self._places(asked)
        own = self.table[labeler]
        if places == list(range(len(self.labeled))):
            return own
        others = text if text.ndim == 3 else text.expand(len(labeler), -1, -1)
        columns = [
            others[:, number] if place is None else own[:, place]
            for number, place in enumerate(places)
        ]
        return torch.stack(columns, dim=1)

    def _places(self, asked: Sequence[Sequence[str]]) -> list[int | None]:
        known = {sentences: place for place, sentences in enumerate(self.labeled)}
        return [known.get(tuple(sentences)) for sentences in asked]


def directions(heads: AffineHeads, embed_dim: int) -> npt.NDArray[np.float32]:
    """(labelers, attributes, embed_dim) what each feature adds to a score; the constant, which no
    difference knows, is left out."""
    units = np.eye(embed_dim, dtype=np.float32)
    return heads.scores(units) - heads.scores(np.zeros((1, embed_dim), np.float32))
