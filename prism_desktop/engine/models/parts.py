"""From a method's data to the parts of its model: which modules there are, and who shares them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.methods import Method
from prism_desktop.engine.models.contexts import ContextPrompts
from prism_desktop.engine.models.histories import GatedMemory, HistoryPrompts
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.text_tokens import UserWords
from prism_desktop.engine.models.tokens import (
    FactoredPrompts,
    GroupPrompts,
    HierarchicalPrompts,
    UserPrompts,
)

SHARED = "default"  # the adapter that everyone has, and PEFT's own name for it


def parameter_rows(method: Method, context: LabelerContext, labelers: int) -> tuple[int, ...]:
    """The row of a table of personal parameters that each labeler uses."""
    if method.scope == "nobody":
        return (0,) * labelers
    if method.scope == "cluster" and context.groups is not None:
        return tuple(int(group) for group in context.groups)
    return tuple(range(labelers))


def prompts(
    method: Method,
    context: LabelerContext,
    labelers: int,
    tokens: int,
    width: int,
    std: float,
    generator: torch.Generator,
) -> nn.Module:
    """The maker of visual tokens.

    Everyone shares one set where the method has no place for personal ones.

    Where nothing is trained there are no tokens: as they are drawn they would only blur what the
    backbone sees. Nor are there any where labelers learn alone: through a token of everyone's they
    would learn from each other.
    """
    if method.trained == "nothing" or method.learns_alone:
        tokens = 0
    if method.parametrization == "hierarchical":
        return HierarchicalPrompts(labelers, tokens, width, std=std, generator=generator)
    if method.parametrization == "low-rank":
        return FactoredPrompts(labelers, tokens, width, std=std, generator=generator)
    own = "visual-token" in method.injection
    if own and context.summary is not None:
        return ContextPrompts(context.summary, tokens, width, std=std, generator=generator)
    if own and context.history is not None:
        averaged = method.parametrization == "averaged"
        return HistoryPrompts(
            context, tokens, width, averaged=averaged, std=std, generator=generator
        )
    if context.shares is not None:
        shared = context.shares if own else np.ones((labelers, 1), np.float32)
        return GroupPrompts(shared, context.deltas, tokens, width, std=std, generator=generator)
    rows = (
        parameter_rows(method, context, labelers)
        if "visual-token" in method.injection
        else (0,) * labelers
    )
    keep = bool({"keep-if-better", "reptile", "maml"} & set(method.losses))
    return UserPrompts(rows, tokens, width, std=std, generator=generator, keep_start=keep)


def words(
    method: Method, labelers: int, backbone: Backbone, std: float, generator: torch.Generator
) -> UserWords | None:
    """The learned words, where the method has any."""
    if "text-token" not in method.injection or method.trained == "nothing":
        return None
    return UserWords(labelers, backbone, std=std, generator=generator)


def memory(
    method: Method, context: LabelerContext, width: int, generator: torch.Generator
) -> nn.Module | None:
    """The memory that image tokens look things up in, where the method has one."""
    if "memory" not in method.injection or context.history is None:
        return None
    return GatedMemory(context, width, generator)


def ranks(
    method: Method, context: LabelerContext, labelers: int, rank: int, experts: int
) -> dict[str, int]:
    """Rank of each adapter by name: the shared one first, then owned ones.

    Empty where nothing is adapted.
    """
    if method.trained in ("nothing", "all-but-text"):
        return {}
    shared = {SHARED: rank} if method.shares_adapter else {}
    if "lora" not in method.injection:
        return shared
    if method.scope == "experts":
        return shared | {f"expert-{number}": rank for number in range(experts)}
    many = (
        context.shares.shape[1]
        if context.shares is not None
        else max(parameter_rows(method, context, labelers)) + 1
    )
    own = context.ranks if context.ranks is not None else [rank] * many
    return shared | {f"own-{row}": int(each) for row, each in enumerate(own) if each}


def shares(
    method: Method,
    context: LabelerContext,
    labelers: int,
    adapters: Mapping[str, tuple[int, float]],
    generator: torch.Generator,
) -> nn.Module | None:
    """How much of each adapter a labeler gets; None where everyone gets all of the only one.

    Args:
        adapters: rank and scale of each, in PEFT's order.
    """
    if len(adapters) < 2 and "lora" not in method.injection:
        return None
    if method.scope == "experts":
        return SoftShares(labelers, adapters, generator)
    if context.shares is not None:
        return FixedShares(context.shares, adapters)
    return FixedShares(
        np.eye(labelers, dtype=np.float32)[list(parameter_rows(method, context, labelers))],
        adapters,
    )


def keeps_consensus(method: Method) -> bool:
    """Whether the shared adapter, and a token that everyone
    shares, stay as the consensus model left them."""
    return method.trained == "tokens" or ("lora" in method.injection and method.starts_at_consensus)


def view_groups(method: Method, context: LabelerContext, labelers: int) -> tuple[int, ...]:
    """For each labeler the first one who sees images alike."""
    if method.trained == "nothing" or not {"visual-token", "lora", "memory"} & set(
        method.injection
    ):
        return (0,) * labelers
    if context.deltas is not None:
        return tuple(range(labelers))
    if context.shares is not None:
        _, first, place = np.unique(context.shares, axis=0, return_index=True, return_inverse=True)
        return tuple(int(row) for row in first[place])
    rows = parameter_rows(method, context, labelers)
    return tuple(rows.index(row) for row in rows)


class FixedShares(nn.Module):
    """All of the shared adapter, and of owned ones what is one's
    own: all or nothing, or shares of groups' adapters."""

    table: Tensor

    def __init__(
        self, own: npt.NDArray[np.float32], adapters: Mapping[str, tuple[int, float]]
    ) -> None:
        """Args: own: (labelers, owners) float32, how much of `own-n` each
        labeler gets. adapters: rank and scale of each, in PEFT's order.
        """
        super().__init__()
        columns = []
        for name, (rank, scale) in adapters.items():
            has = (
                np.ones(len(own), np.float32)
                if name == SHARED
                else own[:, int(name.removeprefix("own-"))]
            )
            columns.append(torch.from_numpy(has * scale)[:, None].expand(-1, rank))
        self.register_buffer("table", torch.cat(columns, dim=1).float(), persistent=False)

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, sum of ranks) float32, scales included."""
        return self.table[labeler]


class SoftShares(nn.Module):
    """A mixture of experts: each labeler's shares are a softmax of logits of their own.

    Source: Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017, with a dense gate that
    knows the labeler.

    Attributes:
        logits: (labelers, experts) float32.
    """

    _scale: Tensor

    def __init__(
        self, labelers: int, adapters: Mapping[str, tuple[int, float]], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.sizes = [rank for rank, _ in adapters.values()]
        self.logits = nn.Parameter(torch.randn(labelers, len(adapters), generator=generator) * 0.5)
        # Shares start near 1 / experts: together they start as strong as one adapter.
        scale = torch.tensor([scale * len(adapters) ** 0.5 for _, scale in adapters.values()])
        self.register_buffer("_scale", scale, persistent=False)

    def gate(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, experts), rows add up to 1."""
        return self.logits[labeler].softmax(dim=-1)

    def forward(self, labeler: Tensor) -> Tensor:
        """(rows,) int64 -> (rows, sum of ranks) float32, scales included."""
        gate = self.gate(labeler) * self._scale
        return torch.cat(
            [gate[:, [place]].expand(-1, size) for place, size in enumerate(self.sizes)], dim=1
        )
