"""Methods: who has personal parameters, where they enter, how they are made.

A method is a tuple of parts, written down once; what is known of a part, the part says. The
trainer, the closed-form solvers and the evaluator have no copy per method; a new method is an entry
among the presets and, if it does something new, one part. See docs/adding-a-method.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.methods.method_roles import CONSENSUS, POSTERIOR
from prism_desktop.engine.methods.parts.part import (
    KEPT,
    Choices,
    Count,
    Fact,
    MethodPart,
    Need,
    Own,
    Range,
    Sizes,
    count,
)
from prism_desktop.engine.methods.parts.scoring_parts import Fitted, Scoring

Start = Literal["random", "consensus", "closed-form"]
Task = Literal["judging", "writing"]
Family = Literal[
    "Baselines",
    "Fast on frozen features",
    "Tokens",
    "Adapters",
    "From histories",
    "Combinations",
]
Ranges = Mapping[str, Range | Choices]
P = TypeVar("P", bound=MethodPart)

TESTED_FACES = (
    "uses the other labelers' answers about the very faces tested, which no model of new faces has"
)
NO_CONTROL = (
    "It reads the other labelers' answers about the very faces tested, so this control says "
    "nothing about it."
)
_SEARCHED_BY_ALL: Ranges = {"weight_decay": Range(1e-4, 1e-1, log=True)}  # who are fitted by steps
# The order in which trials draw, which a search keeps from version to version; new ones go last.
_SEARCHED = (
    "token_lr", "weight_decay", "temperature", "lora_lr", "rank", "tokens", "experts", "clusters",
    "strength",
)  # fmt: skip
# What must stay as it is where training starts at another model: adapters and tokens of the
# consensus must fit its shapes and its temperature, which is of texts, in whose place a closed form
# has heads.
_GIVEN_BY_START: Mapping[str, frozenset[str]] = {
    "random": frozenset(),
    "consensus": frozenset({"rank", "temperature"}),
    "closed-form": frozenset({"temperature"}),
}


def _place(key: str) -> tuple[int, str]:
    return _SEARCHED.index(key) if key in _SEARCHED else len(_SEARCHED), key


@dataclass(frozen=True, slots=True)
class Method:
    """One recipe for personal models."""

    name: str  # as written on the command line and in a run's folder
    title: str  # for a reader
    summary: str  # one or two sentences for the window's form
    source: str  # paper or document
    family: Family  # the heading under which it is offered
    parts: tuple[MethodPart, ...]  # what its model is made of
    # stands in front in the window's list; the others lie under "More methods"
    featured: bool = False
    personal: bool = True  # False: one answer for everyone
    tasks: tuple[Task, ...] = ("judging",)  # what is learned
    starts: tuple[Start, ...] = ("random", "consensus")  # where training may start, usual first
    stands_on: tuple[str, ...] = (CONSENSUS,)  # methods whose run must exist first
    # what takes the place of the parts where images come as numbers; None: the parts themselves
    on_embeddings: tuple[MethodPart, ...] | None = None
    # knows what other labelers answered about the very faces that are tested
    reads_tested_faces: bool = False
    # counted up when the same settings on the same data give another model than before
    revision: int = 1
    # that differ from the trainer's own and from the parts'
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts that cannot do without others, or that search a setting differently.

        Raises:
            ValueError: which part of which method.
        """
        searched: dict[str, Range | Choices] = {}
        for part in self.parts:
            if part.beside and not any(map(self.has, part.beside)):
                wanted = " or ".join(kind.__name__ for kind in part.beside)
                raise ValueError(f"{self.name}: {type(part).__name__} needs {wanted} beside it")
            for key, use in part.settings.items():
                if use.search is not None and searched.setdefault(key, use.search) != use.search:
                    raise ValueError(f"{self.name}: parts search {key} in different ranges")

    @property
    def scoring(self) -> Scoring:
        """What turns what is seen into scores."""
        return next(self.of(Scoring))

    @property
    def fitted(self) -> Fitted:
        """How its model is fitted."""
        return self.scoring.fitted

    @property
    def own(self) -> Own:
        """Stored tensors that have a row for each labeler, and where a new one's starts."""
        return {name: start for part in self.parts for name, start in part.own.items()}

    @property
    def kept(self) -> frozenset[str]:
        """Stored tensors that have a row for each labeler, facts that it read included."""
        known = (f"known.{name}" for fact in self.facts for name in KEPT[fact])
        return frozenset((*self.own, *known))

    @property
    def facts(self) -> frozenset[Fact]:
        """What is gathered about labelers before a model is built."""
        return frozenset(part.fact for part in self.parts if part.fact is not None)

    def entering(self, start: str = "") -> str:
        """How a new labeler enters, in words.

        Args:
            start: where training started; empty for the usual start.
        """
        told = [
            part.entering
            for part in self.parts
            if part.entering and part.made_at in (None, start or self.starts[0])
        ]
        return ", and ".join(dict.fromkeys(told)) or "everyone is served alike"

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Settings that differ from the trainer's own."""
        found: dict[str, Any] = {} if self.starts[0] == "random" else {"start": self.starts[0]}
        for part in self.parts:
            for key, setting in part.settings.items():
                if setting.default is not None:
                    found.setdefault(key, setting.default)
        return {**found, **self.settings}

    def of(self, kind: type[P]) -> Iterator[P]:
        """Its parts of a kind."""
        return (part for part in self.parts if isinstance(part, kind))

    def has(self, kind: type[MethodPart]) -> bool:
        """Whether it has a part of a kind."""
        return any(self.of(kind))

    def on(self, *, embeddings: bool) -> Method:
        """The method as it stands on images, or on imported embeddings."""
        if not embeddings or self.on_embeddings is None:
            return self
        return replace(self, parts=self.on_embeddings)

    def needed_of(self, *, embeddings: bool) -> frozenset[Need]:
        """What its parts need of the backbone and the study."""
        needs: frozenset[Need] = frozenset()
        return needs.union(*(part.needs for part in self.on(embeddings=embeddings).parts))

    def reads(self, key: str) -> bool:
        """Whether a part reads a setting, dotted or a group of them."""
        return any(key in part.settings for part in self.parts)

    def ranges(self) -> Ranges:
        """Dotted settings that are worth searching and what they may be; empty where there is
        nothing to search.

        Closed forms choose their own settings on validation answers, and combinations their
        weights.
        """
        if self.fitted != "by steps":
            return {}
        found: dict[str, Range | Choices] = {}
        for part in self.parts:
            for key, setting in part.settings.items():
                if setting.search is not None and key not in _GIVEN_BY_START[self.starts[0]]:
                    found.setdefault(key, setting.search)
        found |= _SEARCHED_BY_ALL
        return {key: found[key] for key in sorted(found, key=_place)}

    def size(self, sizes: Sizes) -> Count | None:
        """How many numbers it trains; None where the sizes that decide it are unknown."""
        here = self.on(embeddings=sizes.shape is None)
        if (sizes.features if here.scoring.of_features else sizes.shape) is None:
            return None
        number = sum(count(part.shapes(sizes)) for part in here.parts)
        return Count(number, exact=not any(part.decided(sizes) for part in here.parts))

    def obstacle(
        self, *, embeddings: bool, labelers: int, profiles: bool, texts: bool = False
    ) -> str:
        """Why this method cannot be trained on a study, in one sentence; empty if it can.

        Args:
            embeddings: the backbone is imported embeddings, which no method can change.
            labelers: how many there are with answers.
            profiles: whether any of them has a profile text.
            texts: what is judged is texts.
        """
        needs = self.needed_of(embeddings=embeddings)
        if texts and embeddings and {"tower", "text"} & set(needs):
            return (
                f"{self.title} changes how texts are read, which imported embeddings lack; choose "
                f"a language model such as {MINI_LM}, or a method that runs on features of texts, "
                f"such as {POSTERIOR}."
            )
        if embeddings and "tower" in needs:
            return (
                f"{self.title} changes how images are seen, which imported embeddings lack; choose "
                "an image backbone."
            )
        if embeddings and "text" in needs:
            return (
                f"{self.title} reads attributes as text, which imported embeddings lack; choose an "
                "image backbone."
            )
        if self.personal and labelers < 2:
            return (
                f"{self.title} compares labelers, so it needs two with answers; there is "
                f"{labelers or 'none'}. Let somebody else label too, or choose a method that "
                "makes one model for all."
            )
        if "profiles" in needs and not profiles:
            return (
                f"{self.title} reads the labelers' profiles, and no labeler has one; write them in "
                "the Study panel."
            )
        return ""
