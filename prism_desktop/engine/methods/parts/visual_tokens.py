"""Makers of visual tokens, one of which every model with an image tower has.

Tokens enter every image's sequence; see `models.tokens` for the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.part import (
    TOKEN_RATE,
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
    linear,
)

VECTOR = 64  # numbers of a labeler from which `FactoredTokens` makes tokens
CONTEXT_WIDTH = 128  # of the layer that reads a context
ITEM = 64  # numbers that a past comparison is written in
LOOKS = 2  # layers in which a Perceiver looks at the items

FITTED = "a token is fitted to the answers in seconds"
ONE_PASS = "one forward pass over its answers"  # how networks that read answers take somebody in
RATE = SettingUse(TOKEN_RATE)
# Networks that make tokens learn at the rate of networks, not at that of a table's free numbers.
NETWORK_RATE = SettingUse(TOKEN_RATE, default=1e-3)
SPREAD = SettingUse()
TRUNK: Mapping[str, SettingUse] = {"trunk": SettingUse()}  # of whatever enters an image tower late
GROUPING: Mapping[str, SettingUse] = {  # how labelers are put into groups
    "clustering": SettingUse(),
    "clusters": SettingUse(Range(2, 6, whole=True)),
}
JOINING = "joins groups by what its answers say"
FEW_TOKENS = Choices((1, 2, 4, 5))
# of tokens that are trained alone
_MANY: Mapping[str, SettingUse] = {
    "token_lr": RATE,
    "tokens": SettingUse(Choices((1, 2, 4, 5, 10))),
    "token_std": SPREAD,
    **TRUNK,
}


@dataclass(frozen=True, slots=True)
class VisualTokens(MethodPart):
    """A maker of visual tokens."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "token_lr": RATE,
        "tokens": SettingUse(FEW_TOKENS),
        "token_std": SPREAD,
        **TRUNK,
    }
    needs: ClassVar[frozenset[Need]] = frozenset({"tower"})


@dataclass(frozen=True, slots=True)
class NoTokens(VisualTokens):
    """None, where nobody is to learn from another through a token, or nothing is trained."""

    settings: ClassVar[Mapping[str, SettingUse]] = {}
    needs: ClassVar[frozenset[Need]] = frozenset()


@dataclass(frozen=True, slots=True)
class ConsensusToken(VisualTokens):
    """Tokens that everyone shares, and nobody has any other."""

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"prompts.table": (1, sizes["tokens"], sizes.vision.width)}


@dataclass(frozen=True, slots=True)
class SharedToken(ConsensusToken):
    """Tokens that everyone shares beside what is a labeler's own, whose number matters little."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "token_lr": RATE,
        "tokens": SettingUse(),
        "token_std": SPREAD,
        **TRUNK,
    }


@dataclass(frozen=True, slots=True)
class SharedGroupToken(SharedToken):
    """The same as a table of groups' tokens that has one row, and perhaps each labeler's deviation
    from it."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "token_lr": RATE,
        "tokens": SettingUse(),
        "token_std": SPREAD,
        "delta": SettingUse(),
        **TRUNK,
    }
    own: ClassVar[Own] = {"prompts.deviation": "zero"}

    def shapes(self, sizes: Sizes) -> Shapes:
        token = sizes["tokens"], sizes.vision.width
        table = {"prompts.table": (1, *token)}
        return table | ({"prompts.deviation": (sizes.labelers, *token)} if sizes["delta"] else {})


@dataclass(frozen=True, slots=True)
class FrozenToken(VisualTokens):
    """The consensus model's tokens, which everyone shares and nobody trains."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "tokens": SettingUse(),
        "token_std": SPREAD,
        **TRUNK,
    }


@dataclass(frozen=True, slots=True)
class TokenTable(VisualTokens):
    """Each labeler's own tokens: a row of a table."""

    own: ClassVar[Own] = {"prompts.table": "mean"}
    entering: ClassVar[str] = FITTED
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"prompts.table": (sizes.labelers, sizes["tokens"], sizes.vision.width)}


@dataclass(frozen=True, slots=True)
class EarlyTokens(TokenTable):
    """The same in front of all blocks, where none of the tower stays as it is."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        key: use for key, use in TokenTable.settings.items() if key not in TRUNK
    }


@dataclass(frozen=True, slots=True)
class PrefixTable(TokenTable):
    """Each labeler's own tokens on a consensus that stays as it is, with the tokens that a new
    labeler starts with."""

    settings: ClassVar[Mapping[str, SettingUse]] = _MANY
    own: ClassVar[Own] = {"prompts.table": "learned"}


@dataclass(frozen=True, slots=True)
class MetaPrefixTable(PrefixTable):
    """The same where what a new labeler starts with is learned."""

    entering: ClassVar[str] = "a few steps from the learned starting token"


@dataclass(frozen=True, slots=True)
class HierarchicalTokens(VisualTokens):
    """A common token and each labeler's deviation from it."""

    own: ClassVar[Own] = {"prompts.deviation": "zero"}
    entering: ClassVar[str] = "starts at the common token, then fits its deviation"
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        token = sizes["tokens"], sizes.vision.width
        return {"prompts.mean": (1, *token), "prompts.deviation": (sizes.labelers, *token)}


@dataclass(frozen=True, slots=True)
class FactoredTokens(VisualTokens):
    """A short vector per labeler and a linear map to tokens that all share."""

    own: ClassVar[Own] = {"prompts.vectors": "mean"}
    entering: ClassVar[str] = "starts at the mean vector, then fits its own"
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        numbers = sizes["tokens"] * sizes.vision.width
        return {
            "prompts.vectors": (sizes.labelers, VECTOR),
            "prompts.map": (VECTOR, numbers),
            "prompts.bias": (numbers,),
        }


@dataclass(frozen=True, slots=True)
class GroupTokens(VisualTokens):
    """Tokens of each group of labelers, and perhaps each labeler's deviation from them."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        **_MANY,
        **GROUPING,
        "delta": SettingUse(),
    }
    fact: ClassVar[Fact | None] = "groups"
    own: ClassVar[Own] = {"prompts.deviation": "zero"}
    entering: ClassVar[str] = JOINING
    apart: ClassVar[Owner] = "group"

    def shapes(self, sizes: Sizes) -> Shapes:
        token = sizes["tokens"], sizes.vision.width
        table = {"prompts.table": (sizes.groups, *token)}
        return table | ({"prompts.deviation": (sizes.labelers, *token)} if sizes["delta"] else {})

    def decided(self, sizes: Sizes) -> bool:
        return groups_are_chosen(sizes)


@dataclass(frozen=True, slots=True)
class ContextTokens(VisualTokens):
    """Tokens that a network makes of a summary of a labeler's answers, or of the profile."""

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "token_lr": NETWORK_RATE,
        "tokens": SettingUse(FEW_TOKENS),
        "token_std": SPREAD,
        **TRUNK,
    }
    fact: ClassVar[Fact | None] = "summary"
    entering: ClassVar[str] = ONE_PASS
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        tokens, width = sizes["tokens"], sizes.vision.width
        inputs = (sizes.attributes + 1) * max(sizes.axes(), sizes.vision.embed_dim)
        return {
            "prompts.first": (CONTEXT_WIDTH, inputs),
            "prompts.bias": (CONTEXT_WIDTH,),
            "prompts.last": (tokens * width, CONTEXT_WIDTH),
            "prompts.common": (1, tokens, width),
        }


@dataclass(frozen=True, slots=True)
class HistoryTokens(VisualTokens):
    """Tokens that a network makes of a labeler's past comparisons.

    Attributes:
        averaged: by a mean over them; else by a Perceiver.
    """

    settings: ClassVar[Mapping[str, SettingUse]] = {
        "token_lr": NETWORK_RATE,
        "tokens": SettingUse(FEW_TOKENS, default=4),
        "token_std": SPREAD,
        **TRUNK,
    }
    fact: ClassVar[Fact | None] = "history"
    averaged: bool = False

    entering: ClassVar[str] = ONE_PASS
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        tokens, width = sizes["tokens"], sizes.vision.width
        encoder = _averager(tokens) if self.averaged else perceiver(tokens)
        return {
            **items("prompts.items", sizes),
            **{f"prompts.encoder.{name}": shape for name, shape in encoder.items()},
            "prompts.common": (1, tokens, width),
            "prompts.last": (width, ITEM),
        }


def groups_are_chosen(sizes: Sizes) -> bool:
    """Whether the answers decide how many groups there are."""
    return sizes["clusters"] is None and sizes.labelers > 2


def items(name: str, sizes: Sizes) -> Shapes:
    """The encoder of past comparisons."""
    axes = sizes.axes()
    return {
        f"{name}.contrast": (ITEM, axes),
        f"{name}.middle": (ITEM, axes),
        f"{name}.attribute": (ITEM, sizes.vision.embed_dim),
        f"{name}.bias": (ITEM,),
    }


def look(name: str, size: int) -> Shapes:
    """Cross-attention of queries of a size to items."""
    return {
        **linear(f"{name}.query", size, ITEM),
        **linear(f"{name}.key", ITEM, ITEM),
        **linear(f"{name}.value", ITEM, ITEM),
        **linear(f"{name}.out", ITEM, size),
    }


def _averager(tokens: int) -> Shapes:
    return {
        **linear("inner", ITEM, ITEM),
        **linear("outer", ITEM, ITEM),
        **linear("spread", ITEM, tokens * ITEM),
    }


def perceiver(tokens: int) -> Shapes:
    """Latents that look at items."""
    found: dict[str, tuple[int, ...]] = {"latents": (1, tokens, ITEM), "nothing": (1, 1, ITEM)}
    for layer in range(LOOKS):
        found |= look(f"looks.{layer}", ITEM)
        found |= linear(f"thinks.{layer}.wide", ITEM, 2 * ITEM)
        found |= linear(f"thinks.{layer}.back", 2 * ITEM, ITEM)
    return found
