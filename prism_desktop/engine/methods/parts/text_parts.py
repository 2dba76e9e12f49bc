"""What a labeler reads, and what image tokens look things up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.part import (
    Fact,
    MethodPart,
    Need,
    Own,
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
    needs: ClassVar[frozenset[Need]] = frozenset({"tower", "text"})
    own: ClassVar[Own] = {"words.table": "mean"}
    entering: ClassVar[str] = FITTED

    def shapes(self, sizes: Sizes) -> Shapes:
        return {"words.table": (sizes.labelers, 1, sizes.vision.text_width)}


@dataclass(frozen=True, slots=True)
class ProfileText(MethodPart):
    """The labeler's profile, read before the attribute's text."""

    fact: ClassVar[Fact | None] = "profiles"
    needs: ClassVar[frozenset[Need]] = frozenset({"text", "profiles"})
    entering: ClassVar[str] = "reads the profile"


@dataclass(frozen=True, slots=True)
class HistoryMemory(MethodPart):
    """A memory of the labeler's past comparisons that image tokens look things up in."""

    settings: ClassVar[Mapping[str, SettingUse]] = {"token_lr": NETWORK_RATE}
    fact: ClassVar[Fact | None] = "history"
    needs: ClassVar[frozenset[Need]] = frozenset({"tower"})
    entering: ClassVar[str] = ONE_PASS
    apart: ClassVar[Owner] = "labeler"

    def shapes(self, sizes: Sizes) -> Shapes:
        return {
            **items("memory.items", sizes),
            "memory.nothing": (1, 1, ITEM),
            **look("memory.look", sizes.vision.width),
            "memory.gamma": (),
        }
