"""Soft tokens before a text: of a person's own, of their group, or made of what they wrote.

Sources: Li and Liang, ACL 2021; Huber et al. 2025 (E2P); Hebert et al. 2024 (PERSOMA).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.methods.parts.visual_tokens import ITEM
from prism_desktop.engine.methods.writing_parts import EMBEDDED, HIDDEN
from prism_desktop.engine.models.histories import Perceiver

_NOISE = 0.1  # of the vocabulary's own spread, around its mean


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """What the people of a pass wrote before.

    Attributes:
        items: (rows, most, width) float32, the frozen model's features of texts.
        there: (rows, most) float32, 0 where a row has fewer texts.
        profile: (rows, width) float32, of the profile; 0 without one.
    """

    items: Tensor
    there: Tensor
    profile: Tensor

    def mean(self) -> Tensor:
        """(rows, width): the mean text; 0 without any."""
        return averaged(self.items, self.there)

    def of(self, rows: Tensor) -> Written:
        """Of some rows of the pass, (rows,) int64."""
        return Written(self.items[rows], self.there[rows], self.profile[rows])

    def digest(self, row: int) -> str:
        """The same for two rows of which the same is read."""
        read = self.items[row][self.there[row] > 0]
        parts = (read.cpu().numpy().tobytes(), self.profile[row].cpu().numpy().tobytes())
        return hashlib.sha256(b"|".join(parts)).hexdigest()

    def with_profile(self) -> tuple[Tensor, Tensor]:
        """The texts behind the profile, (rows, 1 + most, width), and which of them are there,
        (rows, 1 + most) bool."""
        told = self.profile.abs().sum(1, keepdim=True) > 0
        items = torch.cat([self.profile[:, None], self.items], 1)
        return items, torch.cat([told, self.there > 0], 1)


def averaged(items: Tensor, there: Tensor) -> Tensor:
    """(rows, most, n) -> (rows, n): the mean of those that are there; 0 if none is."""
    total = torch.einsum("rmn,rm->rn", items, there)
    return total / there.sum(1, keepdim=True).clamp(min=1)


def starting_tokens(
    vocabulary: Tensor, sets: int, tokens: int, start: str, generator: torch.Generator
) -> Tensor:
    """Soft tokens to begin with.

    Args:
        vocabulary: (words, width) the model's table.
        sets: how many rows of tokens.
        tokens: of a row.
        start: "random", with the table's spread; "vocabulary", tokens drawn from it, the same in
            each row; "mean", its mean and a tenth of its spread.

    Returns:
        (sets, tokens, width) float32.
    """
    table = vocabulary.float().cpu()
    drawn = torch.randn(sets, tokens, table.shape[1], generator=generator) * table.std(0)
    if start == "random":
        return drawn
    if start == "mean":
        return table.mean(0) + _NOISE * drawn
    chosen = torch.randint(len(table), (tokens,), generator=generator)
    return table[chosen].repeat(sets, 1, 1)


class TablePrefix(nn.Module):
    """Rows of soft tokens: of people, or of groups.

    Attributes:
        table: (sets, tokens, width) float32.
    """

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(start)

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        return self.table[rows]


class DeviatingPrefix(TablePrefix):
    """Rows of soft tokens of groups, and what each person deviates from them.

    Attributes:
        own: (people, tokens, width) float32, zero at the start.
    """

    def __init__(self, start: Tensor, people: int) -> None:
        super().__init__(start)
        self.own = nn.Parameter(torch.zeros(people, *start.shape[1:]))

    def of(self, rows: Tensor, who: Tensor) -> Tensor:
        """Groups and people, (rows,) each -> (rows, tokens, width)."""
        return self.table[rows] + self.own[who]


class MappedPrefix(nn.Module):
    """A vector of each person's own, made into soft tokens by a map that all share.

    Attributes:
        table: (people, numbers) float32.
        map: (tokens * width, numbers) float32.
        base: (tokens, width) float32, at zero vectors.
    """

    def __init__(self, start: Tensor, people: int, generator: torch.Generator) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(people, EMBEDDED, generator=generator) / 10)
        spread = float(start.std()) / EMBEDDED**0.5
        drawn = torch.randn(start.numel(), EMBEDDED, generator=generator)
        self.map = nn.Parameter(drawn * spread)
        self.base = nn.Parameter(start)

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        return self.base + (self.table[rows] @ self.map.T).view(len(rows), *self.base.shape)


class WrittenPrefix(nn.Module):
    """Soft tokens that a network makes of what somebody wrote before.

    Attributes:
        read: (hidden, read) float32, and `read_base`: of one text, or of the mean and the profile.
        map: (tokens * width, hidden) float32, zero at the start.
        base: (tokens, width) float32.
    """

    def __init__(self, start: Tensor, each: bool, generator: torch.Generator) -> None:
        super().__init__()
        self._each = each
        read = start.shape[-1] if each else 2 * start.shape[-1]
        # features have unit norm, so that each of the hidden numbers starts near 1
        self.read = nn.Parameter(torch.randn(HIDDEN, read, generator=generator))
        self.read_base = nn.Parameter(torch.zeros(HIDDEN))
        self.map = nn.Parameter(torch.zeros(start.numel(), HIDDEN))
        self.base = nn.Parameter(start)

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        assert written is not None
        if self._each:
            every = functional.gelu(functional.linear(written.items, self.read, self.read_base))
            hidden = averaged(every, written.there)
        else:
            seen = torch.cat([written.mean(), written.profile], 1)
            hidden = functional.gelu(functional.linear(seen, self.read, self.read_base))
        return self.base + (hidden @ self.map.T).view(len(rows), *self.base.shape)


def fresh_linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer that reads features of unit norm: what it makes of them starts near 1."""
    layer = nn.Linear(inputs, outputs, device="meta")  # its own start would draw from all's stream
    layer.weight = nn.Parameter(torch.randn(outputs, inputs, generator=generator))
    layer.bias = nn.Parameter(torch.zeros(outputs))
    return layer


class AttendedPrefix(nn.Module):
    """Soft tokens from latents that look at what somebody wrote before, and at the profile.

    Source: Hebert et al. 2024; Jaegle et al., ICML 2021 (Perceiver).

    Attributes:
        read: of one text.
        encoder: as many latents as there are tokens.
        map: (width, item) float32, zero at the start.
        base: (tokens, width) float32.
    """

    def __init__(self, start: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        tokens, width = start.shape
        self.read = fresh_linear(width, ITEM, generator)
        self.encoder = Perceiver(ITEM, tokens, generator)
        self.map = nn.Parameter(torch.zeros(width, ITEM))
        self.base = nn.Parameter(start)

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        assert written is not None
        items, there = written.with_profile()
        found: Tensor = self.encoder(self.read(items), there)
        return self.base + found @ self.map.T


class ProjectedTexts(nn.Module):
    """A soft token of each of the texts that were looked up, the nearest first.

    Attributes:
        read: of one text.
        map: (width, hidden) float32, zero at the start.
        base: (tokens, width) float32, where there is no text.
    """

    def __init__(self, start: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.read = fresh_linear(start.shape[1], HIDDEN, generator)
        self.map = nn.Parameter(torch.zeros(start.shape[1], HIDDEN))
        self.base = nn.Parameter(start)

    def forward(self, rows: Tensor, written: Written | None) -> Tensor:
        """(rows,) -> (rows, tokens, width)."""
        assert written is not None
        most = len(self.base)
        found = functional.gelu(self.read(written.items[:, :most])) @ self.map.T
        found = found * written.there[:, :most, None]
        return self.base + functional.pad(found, (0, 0, 0, most - found.shape[1]))
