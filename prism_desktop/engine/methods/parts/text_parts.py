"""What a labeler reads, and what image tokens look things up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.part import (
    Fact,
    MethodPart,
    Need,
    Owner,
    SettingUse,
    Shapes,
    Sizes,
)
from prism_desktop.engine.methods.parts.visual_tokens import (
    FITTED,
    ITEM,
    NETWORK_RATE,
    ONE_PASS,
    RATE,
    items,
    look,
)


@dataclass(frozen=True, slots=True)
class LearnedWords(MethodPart):
    """A learned word of each labeler's own before the attribute's text."""

    settings: ClassVar[Mapping[str, SettingUse]] = {"token_lr": RATE}

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"tower", "text"})

    @property
    def own(self) -> tuple[str, ...]:
        return ("words.table",)

    @property
    def entering(self) -> str:
        return FITTED

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"words.table": (sizes.labelers, 1, sizes.vision.text_width)}


@dataclass(frozen=True, slots=True)
class ProfileText(MethodPart):
    """The labeler's profile, read before the attribute's text."""

    reads: ClassVar[Fact | None] = "profiles"

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"text", "profiles"})

    @property
    def entering(self) -> str:
        return "reads the profile"


@dataclass(frozen=True, slots=True)
class HistoryMemory(MethodPart):
    """A memory of the labeler's past comparisons that image tokens look things up in."""

    settings: ClassVar[Mapping[str, SettingUse]] = {"token_lr": NETWORK_RATE}
    reads: ClassVar[Fact | None] = "history"

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"tower"})

    @property
    def entering(self) -> str:
        return ONE_PASS

    @property
    def apart(self) -> Owner:
        return "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        return {
            **items("memory.items", sizes),
            "memory.nothing": (1, 1, ITEM),
            **look("memory.look", sizes.vision.width),
            "memory.gamma": (),
        }
