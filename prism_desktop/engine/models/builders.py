"""The builders of parts: what each declaration of `methods.parts` becomes in a model with a tower,
of images or of texts, and who shares it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.methods import Method
from prism_desktop.engine.methods.parts.adapter_parts import (
    Adapters,
    EarnedAdapters,
    ExpertAdapters,
    FrozenAdapter,
    GroupAdapters,
    OwnAdapters,
    SharedAdapter,
)
from prism_desktop.engine.methods.parts.part import MethodPart
from prism_desktop.engine.methods.parts.text_parts import HistoryMemory, LearnedWords
from prism_desktop.engine.methods.parts.visual_tokens import (
    ConsensusToken,
    ContextTokens,
    EarlyTokens,
    FactoredTokens,
    FrozenToken,
    GroupTokens,
    HierarchicalTokens,
    HistoryTokens,
    MetaPrefixTable,
    NoTokens,
    PrefixTable,
    SharedGroupToken,
    SharedToken,
    TokenTable,
    VisualTokens,
)
from prism_desktop.engine.models.contexts import ContextPrompts
from prism_desktop.engine.models.histories import GatedMemory, HistoryPrompts
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.soft_tokens import SoftWords
from prism_desktop.engine.models.text_tokens import UserWords
from prism_desktop.engine.models.tokens import (
    FactoredPrompts,
    GroupPrompts,
    HierarchicalPrompts,
    UserPrompts,
)

SHARED = "default"  # the adapter that everyone has, and PEFT's own name for it


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where a part is built: everything that a builder may need.

    Attributes:
        context: what is known of the labelers.
        std: of what is drawn for tokens and words.
        generator: from which everything is drawn, on the CPU.
    """

    backbone: Backbone | LanguageModel
    labelers: int
    context: LabelerContext
    tokens: int
    rank: int
    experts: int
    std: float
    generator: torch.Generator

    @property
    def token(self) -> tuple[int, int]:
        """Tokens, and their width."""
        return self.tokens, self.backbone.token_width


def has_tower(method: Method) -> bool:
    """Whether a model with a tower can be built of a method's parts."""
    return method.has(VisualTokens)


def lacks_facts(method: Method, context: LabelerContext) -> bool:
    """Whether a method reads something of the labelers that is not there."""
    held = {"groups": context.shares, "ranks": context.ranks, "summary": context.summary}
    held["history"] = context.history
    return any(held.get(fact, ()) is None for fact in method.facts)


def module(method: Method, kind: type[MethodPart], site: Site) -> Any:
    """The module that a method's part of a kind becomes; None where it has none."""
    part = next(method.of(kind), None)
    return None if part is None else MODULES[type(part)](part, site)


def ranks(method: Method, site: Site) -> dict[str, int]:
    """Rank of each adapter by name: the shared one first, then owned ones.

    Empty where nothing is adapted.
    """
    found: dict[str, int] = {}
    for part in method.of(Adapters):
        found |= ADAPTERS[type(part)](site)
    return found


def shares(
    method: Method, site: Site, adapters: Mapping[str, tuple[int, float]]
) -> nn.Module | None:
    """How much of each adapter a labeler gets; None where everyone gets all of the only one.

    Args:
        adapters: rank and scale of each, in PEFT's order.
    """
    if method.has(ExpertAdapters):
        return SoftShares(site.labelers, adapters, site.generator)
    if not any(part.owned or part.apart == "group" for part in method.of(Adapters)):
        return None
    if site.context.shares is not None:
        return FixedShares(site.context.shares, adapters)
    return FixedShares(np.eye(site.labelers, dtype=np.float32), adapters)


def view_groups(method: Method, context: LabelerContext, labelers: int) -> tuple[int, ...]:
    """For each labeler the first one who sees images alike."""
    apart = {part.apart for part in method.parts}
    if "labeler" in apart or ("group" in apart and context.deltas is not None):
        return tuple(range(labelers))
    if "group" in apart and context.shares is not None:
        _, first, place = np.unique(context.shares, axis=0, return_index=True, return_inverse=True)
        return tuple(int(row) for row in first[place])
    return (0,) * labelers


def _none(part: MethodPart, site: Site) -> nn.Module:
    """As they are drawn they would only blur what the backbone sees, or labelers who learn alone
    would learn from each other through them."""
    rows, width = (0,) * site.labelers, site.backbone.token_width
    return UserPrompts(rows, 0, width, std=site.std, generator=site.generator)


def _shared(part: MethodPart, site: Site) -> nn.Module:
    rows = (0,) * site.labelers
    return UserPrompts(rows, *site.token, std=site.std, generator=site.generator)


def _one_group(part: MethodPart, site: Site) -> nn.Module:
    one, deltas = np.ones((site.labelers, 1), np.float32), site.context.deltas
    return GroupPrompts(one, deltas, *site.token, std=site.std, generator=site.generator)


def _table(part: TokenTable, site: Site) -> nn.Module:
    return UserPrompts(
        range(site.labelers),
        *site.token,
        std=site.std,
        generator=site.generator,
        keep_start=isinstance(part, PrefixTable),
    )


def _grouped(part: MethodPart, site: Site) -> nn.Module:
    assert site.context.shares is not None, "groups are found before a model is built"
    return GroupPrompts(
        site.context.shares,
        site.context.deltas,
        *site.token,
        std=site.std,
        generator=site.generator,
    )


def _hierarchical(part: MethodPart, site: Site) -> nn.Module:
    return HierarchicalPrompts(site.labelers, *site.token, std=site.std, generator=site.generator)


def _factored(part: MethodPart, site: Site) -> nn.Module:
    return FactoredPrompts(site.labelers, *site.token, std=site.std, generator=site.generator)


def _of_context(part: MethodPart, site: Site) -> nn.Module:
    assert site.context.summary is not None, "contexts are read before a model is built"
    return ContextPrompts(site.context.summary, *site.token, std=site.std, generator=site.generator)


def _of_history(part: HistoryTokens, site: Site) -> nn.Module:
    return HistoryPrompts(
        site.context, *site.token, averaged=part.averaged, std=site.std, generator=site.generator
    )


def _words(part: MethodPart, site: Site) -> nn.Module:
    drawn: dict[str, Any] = {"std": site.std, "generator": site.generator}
    if isinstance(site.backbone, Backbone):
        return UserWords(site.labelers, site.backbone, **drawn)
    return SoftWords(site.labelers, site.backbone, **drawn)


def _memory(part: MethodPart, site: Site) -> nn.Module:
    return GatedMemory(site.context, site.backbone.token_width, site.generator)


MODULES: Mapping[type[MethodPart], Callable[[Any, Site], nn.Module]] = {
    NoTokens: _none,
    ConsensusToken: _shared,
    SharedToken: _shared,
    SharedGroupToken: _one_group,
    FrozenToken: _shared,
    TokenTable: _table,
    EarlyTokens: _table,
    PrefixTable: _table,
    MetaPrefixTable: _table,
    HierarchicalTokens: _hierarchical,
    FactoredTokens: _factored,
    GroupTokens: _grouped,
    ContextTokens: _of_context,
    HistoryTokens: _of_history,
    LearnedWords: _words,
    HistoryMemory: _memory,
}


def _earned(site: Site) -> dict[str, int]:
    earned = site.context.ranks
    assert earned is not None, "ranks are earned before a model is built"
    return {f"own-{row}": int(each) for row, each in enumerate(earned) if each}


def _owned(site: Site) -> dict[str, int]:
    shares = site.context.shares
    many = site.labelers if shares is None else shares.shape[1]
    return {f"own-{row}": site.rank for row in range(many)}


ADAPTERS: Mapping[type[Adapters], Callable[[Site], dict[str, int]]] = {
    SharedAdapter: lambda site: {SHARED: site.rank},
    FrozenAdapter: lambda site: {SHARED: site.rank},
    OwnAdapters: _owned,
    GroupAdapters: _owned,
    EarnedAdapters: _earned,
    ExpertAdapters: lambda site: {f"expert-{n}": site.rank for n in range(site.experts)},
}


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
