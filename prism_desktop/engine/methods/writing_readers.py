"""Parts of models that write which read what a person wrote before, told without torch.

Each text is the frozen model's features of it; what is made of them is soft tokens, or a memory
that the layers look things up in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.part import linear
from prism_desktop.engine.methods.parts.visual_tokens import ITEM, look, perceiver
from prism_desktop.engine.methods.writing_parts import (
    HIDDEN,
    HistoryReader,
    Rule,
    WriterShapes,
    WriterSizes,
)

MOST_LOOKS = 4  # places between layers where a memory is looked at


@dataclass(frozen=True, slots=True)
class PerceiverPrefix(HistoryReader):
    """Soft tokens from as many latents as there are tokens, which look at the texts and the
    profile."""

    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr", "reads")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        inner = perceiver(sizes.prefix)
        return {
            **linear("prefix.read", sizes.width, ITEM),
            **{f"prefix.encoder.{name}": shape for name, shape in inner.items()},
            "prefix.map": (sizes.width, ITEM),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class LookedUpPrefix(HistoryReader):
    """Soft tokens that a network makes of the texts to the most similar prompts, one of each.

    Attributes:
        rule: which texts are looked up.
    """

    entering: ClassVar[str] = "the person's texts are looked up and read in one forward pass"
    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")
    rule: Rule = "similarity"

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {
            **linear("prefix.read", sizes.width, HIDDEN),
            "prefix.map": (sizes.width, HIDDEN),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class LayerMemory(HistoryReader):
    """A memory of the texts and the profile that tokens look things up in between layers, through
    gates that start closed."""

    settings: ClassVar[tuple[str, ...]] = ("prefix_lr", "reads")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        looks: WriterShapes = {}
        for place in range(sizes.looks):
            looks |= look(f"memory.looks.{place}", sizes.width)
        return {
            **linear("memory.read", sizes.width, ITEM),
            "memory.nothing": (1, 1, ITEM),
            **looks,
            "memory.gamma": (sizes.looks,),
        }
