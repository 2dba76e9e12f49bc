"""A method of the task writing: what its models are made of. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_args

from prism_desktop.engine.methods.method_roles import CONSENSUS
from prism_desktop.engine.methods.writing_parts import (
    ENCODED,
    ActsBy,
    ExamplesInContext,
    ProfileInContext,
    Rule,
    UnifiedAdapter,
    WeighedWriters,
    Weighing,
    WriterPart,
)
from prism_desktop.engine.methods.writing_readers import LookedUpPrefix

P = TypeVar("P", bound=WriterPart)

# settings that training alone reads, and those that every run does
_TRAINING: Final = frozenset({
    "epochs", "patience", "batch", "weight_decay", "checkpoint_seconds", "entry_steps",
    "precision",
})  # fmt: skip
_ALWAYS: Final = frozenset({
    "task", "method", "backbone", "people", "device", "threads", "fold", "held_out", "split_seed",
    "answers", "answer_tokens", "temperature", "top_p", "compared_by", "seed",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class WritingMethod:
    """One recipe for models that write like a person.

    Attributes:
        name: as written on the command line and in a run's folder.
        title: for a reader.
        summary: a sentence.
        source: paper or document.
        parts: what its model is made of; none is the plain language model.
        settings: that differ from the task's own.
        revision: goes up where the same settings give other results than before: runs of earlier
            ones stand for none of this.
    """

    name: str
    title: str
    summary: str
    source: str
    parts: tuple[WriterPart, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 1

    def of(self, kind: type[P]) -> Iterator[P]:
        """Its parts of a kind."""
        return (part for part in self.parts if isinstance(part, kind))

    def first(self, kind: type[P]) -> P | None:
        """Its part of a kind, if it has one."""
        return next(self.of(kind), None)

    @property
    def trained(self) -> bool:
        """Whether anything is learned."""
        return any(
            not isinstance(part, ProfileInContext | ExamplesInContext | WeighedWriters)
            for part in self.parts
        )

    def reads(self, key: str) -> bool:
        """Whether a setting can change what its runs find, or how they go on."""
        if key == "encoder":
            return self.encodes
        if key == "members_take":
            return self.combines
        own = {name for part in self.parts for name in part.settings}
        return key in own or key in _ALWAYS or (key in _TRAINING and self.trained)

    @property
    def weighing(self) -> Weighing | None:
        """How it weighs the runs of other methods, if it does."""
        part = self.first(WeighedWriters)
        return None if part is None else part.rule

    @property
    def combines(self) -> bool:
        """Whether it weighs the runs of others."""
        return self.weighing is not None

    @property
    def learned(self) -> tuple[WriterPart, ...]:
        """Its parts without what is taken over as it is."""
        return tuple(
            part for part in self.parts if not (isinstance(part, UnifiedAdapter) and part.frozen)
        )

    @property
    def grouped(self) -> bool:
        """Whether people are grouped by their texts."""
        return any(part.grouped for part in self.parts)

    @property
    def encodes(self) -> bool:
        """Whether an encoder of texts may take the language model's place in reading them."""
        return self.grouped or self.looks_up_by in ENCODED

    @property
    def makes_tokens(self) -> bool:
        """Whether soft tokens stand before a text."""
        return any("prefix" in part.settings for part in self.parts)

    @property
    def adapts_behind_prefix(self) -> bool:
        """Whether everybody's adapters learned only behind somebody's soft tokens, so that without
        these they are worse than none."""
        return self.makes_tokens and any(not part.frozen for part in self.of(UnifiedAdapter))

    @property
    def looks_up_by(self) -> Rule | None:
        """The rule by which own texts are looked up, if they are."""
        read = self.first(LookedUpPrefix) or self.first(ExamplesInContext)
        return None if read is None else read.rule

    @property
    def starts_from(self) -> str:
        """The method whose run must exist first; empty where there is none."""
        return CONSENSUS if any(part.frozen for part in self.of(UnifiedAdapter)) else ""

    @property
    def tells_apart(self) -> bool:
        """Whether people differ in it."""
        return any(not isinstance(part, UnifiedAdapter) for part in self.parts)

    @property
    def acts_by(self) -> ActsBy:
        """What its model's effect on a token follows from, see `WriterPart`."""
        order = get_args(ActsBy)
        return max((part.acts_by for part in self.parts), key=order.index, default="nothing")

    @property
    def entering(self) -> str:
        """How somebody new enters, in words."""
        told = [part.entering for part in self.parts if part.entering]
        return ", and ".join(dict.fromkeys(told)) or "everyone is served alike"
