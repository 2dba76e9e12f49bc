"""Visual prompt tokens: how each labeler's are made,
and the place where they enter the image tower.

A maker is a module that turns labelers, (rows,) int64, into tokens, (rows, tokens, width).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from prism_desktop.engine.methods.parts.visual_tokens import VECTOR


class UserPrompts(nn.Module):
    """A table: what one labeler adds to every image is a few learned tokens.

    Source: Jia et al., "Visual Prompt Tuning", ECCV 2022, shallow variant; one set per labeler, not
    per task.

    Attributes:
        table: (rows, tokens, width) float32.
        rows: (labelers,) int64, the row that each labeler uses; labelers may share one.
        start: (1, tokens, width) float32, what a new labeler starts with, where the method keeps
            it; set, not trained.
    """

    rows: Tensor

    def __init__(
        self,
        rows: Sequence[int],
        tokens: int,
        width: int,
        *,
        std: float,
        generator: torch.Generator,
        keep_start: bool = False,
    ) -> None:
        """Draw a table row for each distinct value of `rows`.

        `keep_start` adds the start that meta-learning learns.
        """
        super().__init__()
        drawn = torch.randn(max(rows) + 1, tokens, width, generator=generator) * std
        # without tokens there is nothing to train
        self.table = nn.Parameter(drawn, requires_grad=tokens > 0)
        self.register_buffer("rows", torch.tensor(rows), persistent=False)
        mean = self.table.detach().mean(dim=0, keepdim=True)
        self.start = nn.Parameter(mean, requires_grad=False) if keep_start else None

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        return self.table[self.rows[labeler]]


class HierarchicalPrompts(nn.Module):
    """A common token and each labeler's deviation: e_u = mu + d_u. A new labeler starts at mu.

    Source: Gelman and Hill, "Data Analysis Using Regression and Multilevel Models", 2007; the prior
    on d_u is a loss.

    Attributes:
        mean: (1, tokens, width) float32, mu.
        deviation: (labelers, tokens, width) float32, d_u, zero at the start.
    """

    def __init__(
        self, labelers: int, tokens: int, width: int, *, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.randn(1, tokens, width, generator=generator) * std)
        self.deviation = nn.Parameter(torch.zeros(labelers, tokens, width))

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        return self.mean + self.deviation[labeler]


class FactoredPrompts(nn.Module):
    """A short vector per labeler and one linear map to tokens
    that all share, so that labelers can be interpolated.

    Attributes:
        vectors: (labelers, 64) float32.
    """

    SIZE = VECTOR

    def __init__(
        self, labelers: int, tokens: int, width: int, *, std: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.shape = (tokens, width)
        self.vectors = nn.Parameter(torch.randn(labelers, self.SIZE, generator=generator))
        # Tokens start with the spread `std`: a sum over the vector's unit entries.
        self.map = nn.Parameter(
            torch.randn(self.SIZE, tokens * width, generator=generator) * std * self.SIZE**-0.5
        )
        self.bias = nn.Parameter(torch.zeros(tokens * width))

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, tokens, width)."""
        return (self.vectors[labeler] @ self.map + self.bias).view(-1, *self.shape)


class TokenInserter(nn.Module):
    """Takes the place of open_clip's `visual.patch_dropout`,
    which sits after the positions and before `ln_pre`.

    What comes before the tokens does not depend on the labeler, so that an image seen for several
    labelers is embedded once, and passes the tower's trunk once.
    """

    def __init__(
        self, prompts: nn.Module, memory: nn.Module | None = None, behind: nn.Module | None = None
    ) -> None:
        """Args: prompts: a maker of tokens. memory: (tokens, labeler) -> tokens of the same shape,
        looked up before the labeler's own enter; or None. behind: the block in front of which they
        enter, behind a trunk; None for the front of the tower, where this module stands.
        """
        super().__init__()
        self.prompts, self.memory = prompts, memory
        self._late = behind is not None
        if behind is not None:
            behind.register_forward_pre_hook(self._before)
        self._labeler: Tensor | None = None
        self._image: Tensor | None = None
        self._patches: Tensor | None = None

    @contextlib.contextmanager
    def using(
        self, labeler: Tensor | None, image: Tensor | None = None, patches: Tensor | None = None
    ) -> Iterator[None]:
        """For the pass inside: `labeler` (rows,) int64 or None for no token, `image` (rows,) int64
        or None, `patches` (rows, k) int64, the only ones that each row sees, or None for all."""
        self._labeler, self._image, self._patches = labeler, image, patches
        try:
            yield
        finally:
            self._labeler = self._image = self._patches = None

    def forward(self, tokens: Tensor) -> Tensor:
        """(images, 1 + patches, width) -> (rows, 1 + tokens + patches, width).

        With a trunk the images as they are, where rows see all patches; else rows, whose tokens
        enter later. Unchanged outside `using`.

        Raises:
            ValueError: if the image tokens and the labelers' differ in width.
        """
        if self._patches is not None:
            tokens = self._rows(tokens)
            row = torch.arange(len(tokens), device=tokens.device)[:, None]
            tokens = torch.cat([tokens[:, :1], tokens[row, 1 + self._patches]], dim=1)
        elif not self._late:
            tokens = self._rows(tokens)
        return tokens if self._late else self._enter(tokens)

    def _before(self, block: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What the first block behind the trunk gets."""
        tokens = inputs[0] if self._patches is not None else self._rows(inputs[0])
        return self._enter(tokens), *inputs[1:]

    def _rows(self, tokens: Tensor) -> Tensor:
        """(images, n, width) -> (rows, n, width)."""
        return tokens if self._image is None else tokens[self._image]

    def _enter(self, tokens: Tensor) -> Tensor:
        """(rows, 1 + patches, width) -> (rows, 1 + tokens + patches, width)."""
        if self._labeler is None:
            return tokens
        if self.memory is not None:
            tokens = self.memory(tokens, self._labeler)
        own: Tensor = self.prompts(self._labeler)
        if tokens.shape[-1] != own.shape[-1]:
            raise ValueError(
                f"The image tokens are {tokens.shape[-1]} wide, the labelers' {own.shape[-1]}."
            )
        return torch.cat([tokens[:, :1], own.to(tokens.dtype), tokens[:, 1:]], dim=1)


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
        """Draw tokens for each group; deviations of single labelers start at zero, which is their
        group's token."""
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
