"""What models that write like a person are made of, told without torch.

The parts of writing change a language model in one of four ways: adapters of its MLP projections,
soft tokens before everything else, a memory that tokens look at between its layers, or text in its
context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

ActsBy = Literal["nothing", "person", "history", "text"]  # each includes those before it
Rule = Literal["recency", "similarity", "bm25", "faiss", "both"]
Reads = Literal["both", "texts", "profile"]  # of a person, by a network
WriterShapes = dict[str, tuple[int, ...]]
EMBEDDED = 64  # numbers of a person's embedding
HIDDEN = 128  # of the networks that make soft tokens
SMALL_RANK = 1  # of adapters that deviate from what others share
Weighing = Literal["one or the other", "alike", "each"]
ENCODED: tuple[Rule, ...] = ("faiss", "both")  # look up by the vectors of an encoder of texts
ENTERS_BY_TEXTS = "is fitted to the person's first texts"
ENTERS_A_GROUP = "joins the group whose texts are nearest"
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
        experts: sets of adapters that are mixed.
        looks: places between layers where a memory is looked at.
    """

    people: int
    groups: int
    width: int
    prefix: int
    rank: int
    projections: Sequence[tuple[int, int]]
    experts: int = 0
    looks: int = 0


@dataclass(frozen=True, slots=True)
class WriterPart:
    """A piece of a model that writes.

    Attributes:
        entering: how somebody new enters, in words; empty where the part asks nothing of them.
        own: whether its numbers belong to one person each.
        acts_by: what its effect on a token follows from, beside the tokens up to it: nothing (for
            everybody the same), the person, what is read of their texts in this pass, or the whole
            text. Beginnings are read once for rows that begin alike in this.
        shared: names of those of its numbers, or their beginnings, that all share even so.
        grouped: whether people are grouped for it by their texts.
        settings: that it reads.
    """

    entering: ClassVar[str] = ""
    own: ClassVar[bool] = False
    acts_by: ClassVar[ActsBy] = "text"
    shared: ClassVar[tuple[str, ...]] = ()
    grouped: ClassVar[bool] = False
    settings: ClassVar[tuple[str, ...]] = ()

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        """What it trains, by name."""
        return {}


def _adapters(name: str, sets: int, sizes: WriterSizes, rank: int = 0) -> WriterShapes:
    found: WriterShapes = {}
    for place, (wide_in, wide_out) in enumerate(sizes.projections):
        found[f"{name}.down.{place}"] = (sets, rank or sizes.rank, wide_in)
        found[f"{name}.up.{place}"] = (sets, wide_out, rank or sizes.rank)
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
    """Adapters of each person's own.

    Attributes:
        small: of rank `SMALL_RANK`, as a deviation from what others share.
    """

    entering: ClassVar[str] = ENTERS_BY_TEXTS
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    settings: ClassVar[tuple[str, ...]] = ("rank", "alpha", "lora_lr")
    small: bool = False

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return _adapters("own", sizes.people, sizes, SMALL_RANK if self.small else 0)


@dataclass(frozen=True, slots=True)
class GroupedAdapters(WriterPart):
    """Adapters of groups of people whose texts are alike."""

    entering: ClassVar[str] = ENTERS_A_GROUP
    acts_by: ClassVar[ActsBy] = "person"
    grouped: ClassVar[bool] = True
    settings: ClassVar[tuple[str, ...]] = ("rank", "alpha", "lora_lr", "clusters", "clustering")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return _adapters("group", sizes.groups, sizes)


@dataclass(frozen=True, slots=True)
class MixedAdapters(WriterPart):
    """A few sets of adapters that all share, mixed by a gate of each person's own, which starts at
    one set for each group of people whose texts are alike.

    Attributes:
        routed: whether the gate reads each token too, in front of each projection.
    """

    entering: ClassVar[str] = "starts with the nearest group's gate, which is fitted to the texts"
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    grouped: ClassVar[bool] = True
    shared: ClassVar[tuple[str, ...]] = ("experts.down", "experts.up", "experts.route")
    settings: ClassVar[tuple[str, ...]] = (
        "rank", "alpha", "lora_lr", "prefix_lr", "experts", "clustering", "strength",
    )  # fmt: skip
    routed: bool = False

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        found: WriterShapes = {"experts.gate": (sizes.people, sizes.experts)}
        found |= _adapters("experts", sizes.experts, sizes)
        if self.routed:
            for place, (wide_in, _) in enumerate(sizes.projections):
                found[f"experts.route.{place}"] = (sizes.experts, wide_in)
        return found


@dataclass(frozen=True, slots=True)
class PullToUnified(WriterPart):
    """Holds each person's adapters small, and so the model near the unified one."""

    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("strength",)


@dataclass(frozen=True, slots=True)
class MergedByValidation(WriterPart):
    """A person's adapters, learned alone, take the place of the unified ones in part: how much of
    them, the person's validation texts choose."""

    entering: ClassVar[str] = "is merged as the known people are in the mean"
    acts_by: ClassVar[ActsBy] = "person"


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
class LearnedStart(PersonPrefix):
    """Soft tokens of each person's own as deviations from a start that is learned first, so that a
    few steps from it lead to any person's.

    Attributes:
        by_gradient: whether the start moves against the gradient that other texts have where some
            people's steps led (MAML, first order); else towards where they led (Reptile).
    """

    shared: ClassVar[tuple[str, ...]] = ("prefix.start",)
    by_gradient: bool = False

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {
            "prefix.start": (sizes.prefix, sizes.width),
            "prefix.table": (sizes.people, sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class GroupPrefix(WriterPart):
    """Soft tokens of groups of people whose texts are alike."""

    entering: ClassVar[str] = ENTERS_A_GROUP
    acts_by: ClassVar[ActsBy] = "person"
    grouped: ClassVar[bool] = True
    settings: ClassVar[tuple[str, ...]] = (
        "prefix", "prefix_start", "prefix_lr", "clusters", "clustering",
    )  # fmt: skip

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {"prefix.table": (sizes.groups, sizes.prefix, sizes.width)}


@dataclass(frozen=True, slots=True)
class HierarchicalPrefix(GroupPrefix):
    """Soft tokens of a group, and each person's deviation from them, kept where validation
    improves."""

    entering: ClassVar[str] = (
        "joins the group whose texts are nearest, and the deviation is fitted to the first texts"
    )
    own: ClassVar[bool] = True
    shared: ClassVar[tuple[str, ...]] = ("prefix.table",)

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        deviations = {"prefix.own": (sizes.people, sizes.prefix, sizes.width)}
        return deviations | GroupPrefix.shapes(self, sizes)


@dataclass(frozen=True, slots=True)
class EmbeddedPrefix(WriterPart):
    """Soft tokens from a vector of each person's own, by a map that everybody shares."""

    entering: ClassVar[str] = ENTERS_BY_TEXTS
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "person"
    shared: ClassVar[tuple[str, ...]] = ("prefix.map", "prefix.base")
    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {
            "prefix.table": (sizes.people, EMBEDDED),
            "prefix.map": (sizes.prefix * sizes.width, EMBEDDED),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class HistoryReader(WriterPart):
    """A network that reads what a person wrote before, which training shows it in part."""

    entering: ClassVar[str] = ENTERS_AT_ONCE
    acts_by: ClassVar[ActsBy] = "history"


@dataclass(frozen=True, slots=True)
class HistoryPrefix(HistoryReader):
    """Soft tokens that a network makes of each text that a person wrote, and averages."""

    settings: ClassVar[tuple[str, ...]] = ("prefix", "prefix_start", "prefix_lr")
    widths: ClassVar[int] = 1  # of what is read at once, in features

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {
            "prefix.read": (HIDDEN, self.widths * sizes.width),
            "prefix.read_base": (HIDDEN,),
            "prefix.map": (sizes.prefix * sizes.width, HIDDEN),
            "prefix.base": (sizes.prefix, sizes.width),
        }


@dataclass(frozen=True, slots=True)
class SummaryPrefix(HistoryPrefix):
    """Soft tokens that a network makes of the mean text beside the profile."""

    settings: ClassVar[tuple[str, ...]] = (*HistoryPrefix.settings, "reads")
    widths: ClassVar[int] = 2


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
    settings: ClassVar[tuple[str, ...]] = ("examples", "context_form")
    rule: Rule = "recency"


@dataclass(frozen=True, slots=True)
class SideTasks(WriterPart):
    """Training also guesses who wrote a text and, from the prompt, how long it is; what guesses is
    not needed to write."""

    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("strength",)

    def shapes(self, sizes: WriterSizes) -> WriterShapes:
        return {"side.people": (sizes.people, sizes.width), "side.length": (sizes.width,)}


@dataclass(frozen=True, slots=True)
class SoftLabels(WriterPart):
    """Training also holds to what the model without the person's soft tokens expected."""

    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("strength",)


@dataclass(frozen=True, slots=True)
class VariedPrompts(WriterPart):
    """Each epoch adds people's texts behind prompts that are varied, and behind texts of theirs."""

    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("target",)


@dataclass(frozen=True, slots=True)
class WeighedWriters(WriterPart):
    """Runs of other methods, whose probabilities of the next token are mixed by weights that
    validation texts decide.

    Attributes:
        rule: the unified model or one other, person by person; the same weights for everybody; or
            weights of each person's own, drawn to everybody's.
        tries: the methods where nobody names any, the unified one first.
    """

    entering: ClassVar[str] = "enters each run that is weighed, by everybody's weights"
    own: ClassVar[bool] = True
    acts_by: ClassVar[ActsBy] = "nothing"
    settings: ClassVar[tuple[str, ...]] = ("members",)
    rule: Weighing = "each"
    tries: tuple[str, ...] = ()


def trained_numbers(parts: Sequence[WriterPart], sizes: WriterSizes) -> int:
    """How many numbers are trained."""
    return sum(math.prod(shape) for part in parts for shape in part.shapes(sizes).values())


def numbers_per_person(parts: Sequence[WriterPart], sizes: WriterSizes) -> int:
    """How many of these belong to one person."""
    return sum(
        math.prod(shape) // max(1, sizes.people)
        for part in parts
        if part.own
        for name, shape in part.shapes(sizes).items()
        if not name.startswith(part.shared)
    )
