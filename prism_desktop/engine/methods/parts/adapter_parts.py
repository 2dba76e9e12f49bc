"""Adapters of the tower, and the tower itself where it is trained whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.part import (
    LORA_RATE,
    Choices,
    Fact,
    MethodPart,
    Need,
    Own,
    Owner,
    Range,
    SettingUse,
    Shapes,
    Sizes,
)
from prism_desktop.engine.methods.parts.visual_tokens import (
    GROUPING,
    JOINING,
    RATE,
    TRUNK,
    groups_are_chosen,
)

MOST_RANK = 8  # that answers can earn

_RANK = SettingUse(Choices((2, 4, 8, 16)))
_ADAPTERS: Mapping[str, SettingUse] = {
    "lora_lr": SettingUse(LORA_RATE),
    "rank": _RANK,
    "alpha": SettingUse(),
    "lora_std": SettingUse(),
    **TRUNK,
}


@dataclass(frozen=True, slots=True)
class Adapters(MethodPart):
    """Low-rank adapters on the MLPs of the tower.

    Attributes:
        owned: each belongs to one labeler; a new one's is fitted (`WITH_ADAPTER` in
            `adaptation.fitters`).
    """

    owned: ClassVar[bool] = False

    settings: ClassVar[Mapping[str, SettingUse]] = _ADAPTERS
    needs: ClassVar[frozenset[Need]] = frozenset({"tower"})


@dataclass(frozen=True, slots=True)
class SharedAdapter(Adapters):
    """One that everyone shares."""

    def shapes(self, sizes: Sizes) -> Shapes:
        return _adapters(sizes, 1, sizes["rank"])


@dataclass(frozen=True, slots=True)
class FrozenAdapter(Adapters):
    """The consensus model's, which everyone shares and nobody trains."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "rank": SettingUse(),
        "alpha": SettingUse(),
        "lora_std": SettingUse(),
        **TRUNK,
    }


@dataclass(frozen=True, slots=True)
class OwnAdapters(Adapters):
    """One of each labeler's own."""

    owned: ClassVar[bool] = True
    entering: ClassVar[str] = "adapters are fitted to the answers"
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        return _adapters(sizes, sizes.labelers, sizes["rank"])


@dataclass(frozen=True, slots=True)
class EarnedAdapters(Adapters):
    """One of each labeler's own whose rank is earned by many and consistent answers."""

    fact: ClassVar[Fact | None] = "ranks"
    owned: ClassVar[bool] = True
    entering: ClassVar[str] = "an adapter of the rank that its answers allow is fitted"
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        return _adapters(sizes, sizes.labelers, MOST_RANK)

    def decided(self, sizes: Sizes) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class GroupAdapters(Adapters):
    """One of each group of labelers."""

    settings: ClassVar[Mapping[str, SettingUse]] = {**_ADAPTERS, **GROUPING}
    fact: ClassVar[Fact | None] = "groups"
    entering: ClassVar[str] = JOINING
    apart: ClassVar[Owner] = "group"

    def shapes(self, sizes: Sizes) -> Shapes:
        return _adapters(sizes, sizes.groups, sizes["rank"])

    def decided(self, sizes: Sizes) -> bool:
        return groups_are_chosen(sizes)


@dataclass(frozen=True, slots=True)
class ExpertAdapters(Adapters):
    """A few that everyone shares, mixed for each labeler by a learned gate."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        **_ADAPTERS,
        "token_lr": RATE,
        "experts": SettingUse(Range(2, 8, whole=True)),
    }
    own: ClassVar[Own] = {"shares.logits": "mean"}
    entering: ClassVar[str] = "only its gate is fitted"
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        experts = sizes["experts"]
        gate = {"shares.logits": (sizes.labelers, experts)}
        return gate | dict(_adapters(sizes, experts, sizes["rank"]))


@dataclass(frozen=True, slots=True)
class WholeTower(MethodPart):
    """Everything of the tower is trained."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "lora_lr": SettingUse(Range(1e-5, 1e-3, log=True), default=1e-4)
    }
    needs: ClassVar[frozenset[Need]] = frozenset({"tower"})

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"visual": (sizes.vision.tower,)}


def _adapters(sizes: Sizes, sets: int, rank: int) -> Shapes:
    """All linear maps of the MLPs of blocks behind the trunk, in each set."""
    width, hidden = sizes.vision.width, sizes.vision.hidden
    maps = [("c_fc", width, hidden), ("c_proj", hidden, width)]
    maps += [("gate", width, hidden)] if sizes.vision.gated else []
    found: dict[str, tuple[int, ...]] = {}
    for number in range(sets):
        for block in range(sizes["trunk"], sizes.vision.blocks):
            for layer, inputs, outputs in maps:
                name = f"adapters.{number}.{block}.{layer}"
                found |= {f"{name}.lora_A": (rank, inputs), f"{name}.lora_B": (outputs, rank)}
    return found
