"""Visual prompt tokens, one set per labeler, and the place where they enter the image tower."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class UserPrompts(nn.Module):
    """What one labeler adds to every image: a few learned tokens.

    Source: Jia et al., "Visual Prompt Tuning", ECCV 2022, shallow variant; one set per labeler, not per task.

    Attributes:
        table: (labelers, tokens, width) float32; the only trained parameter.
    """

    def __init__(self, labelers: int, tokens: int, width: int, *, std: float, generator: torch.Generator) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(labelers, tokens, width, generator=generator) * std)

    def forward(self, tokens: Tensor, labeler: Tensor) -> Tensor:
        """Insert each labeler's tokens between the class token and the patches.

        Args:
            tokens: (batch, 1 + patches, width), positions already added.
            labeler: (batch,) int64, the row of `table` for each image.

        Returns:
            (batch, 1 + tokens + patches, width), in the dtype of `tokens`.

        Raises:
            ValueError: if `tokens` and `table` differ in width.
        """
        if tokens.shape[-1] != self.table.shape[-1]:
            raise ValueError(f"The image tokens are {tokens.shape[-1]} wide, the labelers' {self.table.shape[-1]}.")
        prompts = self.table[labeler].to(tokens.dtype)
        return torch.cat([tokens[:, :1], prompts, tokens[:, 1:]], dim=1)


class TokenInserter(nn.Module):
    """Takes the place of open_clip's `visual.patch_dropout`, which sits after the positions and before `ln_pre`.

    What comes before it does not depend on the labeler, so that an image seen for several labelers is embedded once.
    """

    def __init__(self, prompts: UserPrompts) -> None:
        super().__init__()
        self.prompts = prompts
        self._labeler: Tensor | None = None
        self._image: Tensor | None = None

    @contextlib.contextmanager
    def using(self, labeler: Tensor | None, image: Tensor | None = None) -> Iterator[None]:
        """For the pass inside: `labeler` (rows,) int64 or None for no token, `image` (rows,) int64 or None."""
        self._labeler, self._image = labeler, image
        try:
            yield
        finally:
            self._labeler = self._image = None

    def forward(self, tokens: Tensor) -> Tensor:
        """(images, 1 + patches, width) -> (rows, 1 + tokens + patches, width); unchanged outside `using`."""
        if self._image is not None:
            tokens = tokens[self._image]
        if self._labeler is None:
            return tokens
        inserted: Tensor = self.prompts(tokens, self._labeler)
        return inserted
