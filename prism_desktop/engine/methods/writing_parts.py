"""What models that write like a person are made of, told without torch.

The parts of writing change a language model in one of three ways: adapters of its MLP projections,
soft tokens before everything else, or text in its context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

ActsBy = Literal["nothing", "person", "history", "text"]  # each includes those before it
Rule = Literal["recency", "similarity", "bm25"]
WriterShapes = dict[str, tuple[int, ...]]
EMBEDDED = 64  # numbers of a person's embedding
HIDDEN = 128  # of the networks that make soft tokens
ENTERS_BY_TEXTS = "is fitted to the person's first texts"
ENTERS_AT_ONCE = "one forward pass over the person's texts"


@dataclass(frozen=True, slots=True)
class WriterSizes:
    """What shapes depend on.

    Attributes:
        people: who are known.
        groups: of them, where a method groups people.
        width: of the language model.
        prefix: soft tokens.
        rank: of adapters.
        projections: numbers in and out of each projection that adapters change.
    """

    people: int
    groups: int
    width: int
    prefix: int
    rank: int
    projections: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class WriterPart:
    """A piece of a model that writes.

    Attributes:
        entering: how somebody new enters, in words; empty where the part asks nothing of them.
        own: whether its numbers belong to one person each.
        acts_by: what its effect on a token follows from, beside the tokens up to it: nothing (for
            everybody the same), the person, what is read of their texts in this pass, or the whole
            text. Beginnings are read once for rows that begin alike in this.
        settings: that it reads.
    """

    entering: ClassVar[str] = ""
    own: ClassVar[bool] = False
    acts_by: ClassVar[ActsBy] = "text"
    settings: ClassVar[tuple[str, ...]] = ()

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        """What it trains, by name."""
        return {}


def _adapters(name: str, sets: int, sizes: WriterSizes) -> WriterShapes:
    found: WriterShapes = {}
    for place, (wide_in, wide_out) in enumerate(sizes.projections):
        found[f"{name}.down.{place}"] = (sets, sizes.rank, wide_in)
        found[f"{name}.up.{place}"] = (sets, wide_out, sizes.rank)
    return found


@dataclass(frozen=True, slots=True)
class UnifiedAdapter(WriterPart):
    """Adapters that everybody shares."""

    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("rank", "alpha", "lora_lr")
    frozen: bool = False  # taken from the unified run as they are

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {} if self.frozen else _adapters("unified", 1, sizes)


@dataclass(frozen=True, slots=True)
class PersonAdapters(WriterPart):
    """Adapters of each person's own."""

    entering: ClassVar[str] = ENTERS_BY_TEXTS
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    settings: ClassVar[tuple[str, ...]] = ("rank", "alpha", "lora_lr")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return _adapters("own", sizes.people, sizes)


@dataclass(frozen=True, slots=True)
class PersonPrefix(WriterPart):
    """Soft tokens of each person's own, kept where validation improves."""

    entering: ClassVar[str] = ENTERS_BY_TEXTS
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {"prefix.table": (sizes.people, sizes.prefix, sizes.width)}


@dataclass(frozen=True, slots=True)
class GroupPrefix(WriterPart):
    """Soft tokens of groups of people whose texts are alike."""

    entering: ClassVar[str] = "joins the group whose texts are nearest"
    acts_by: ClassVar[ActsBy] = "person"
    settings: ClassVar[tuple[str, ...]] = (
        "prefix", "prefix_start", "prefix_lr", "clusters", "clustering",
    )  # fmt: skip

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {"prefix.table": (sizes.groups, sizes.prefix, sizes.width)}


@dataclass(frozen=True, slots=True)
class EmbeddedPrefix(WriterPart):
    """Soft tokens from a vector of each person's own, by a map that everybody shares."""

    entering: ClassVar[str] = ENTERS_BY_TEXTS
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {
            "prefix.table": (sizes.people, EMBEDDED),
            "prefix.map": (sizes.prefix * sizes.width, EMBEDDED),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class HistoryPrefix(WriterPart):
    """Soft tokens that a network makes of what a person wrote before.

    Attributes:
        each: whether it reads every text by itself and then averages, as PERSOMA does; else the
            average of the texts beside the profile, as E2P does.
    """

    entering: ClassVar[str] = ENTERS_AT_ONCE
    acts_by: ClassVar[ActsBy] = "history"
    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")
    each: bool = False

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        read = sizes.width if self.each else 2 * sizes.width
        return {
            "prefix.read": (HIDDEN, read),
            "prefix.read_base": (HIDDEN,),
            "prefix.map": (sizes.prefix * sizes.width, HIDDEN),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class ProfileInContext(WriterPart):
    """The person's profile, read before the prompt."""

    acts_by: ClassVar[ActsBy] = "nothing"
    entering: ClassVar[str] = "the profile is read"


@dataclass(frozen=True, slots=True)
class ExamplesInContext(WriterPart):
    """Some of the person's own texts, read before the prompt; how many, validation chooses.

    Attributes:
        rule: which: the latest, or those whose prompts are nearest to the prompt.
    """

    entering: ClassVar[str] = "the person's texts are looked up"
    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("examples",)
    rule: Rule = "recency"


def trained_numbers(parts: Sequence[WriterPart], sizes: WriterSizes) -> int:
    """How many numbers are trained."""
    return sum(math.prod(shape) for part in parts for shape in part.shapes(sizes).values())


def numbers_per_person(parts: Sequence[WriterPart], sizes: WriterSizes) -> int:
    """How many of these belong to one person."""
    whole = trained_numbers([part for part in parts if part.own], sizes)
    shared = sum(
        math.prod(shape)
        for part in parts
        if part.own
        for name, shape in part.shapes(sizes).items()
        if name in ("prefix.map", "prefix.base")
    )
    return (whole - shared) // max(1, sizes.people)
