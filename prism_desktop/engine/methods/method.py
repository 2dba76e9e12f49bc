"""Methods: who has personal parameters, where they enter, how they are made.

A method is a point in this space, written down once. The trainer, the closed-form solvers and the
evaluator read it and have no copy per method; a new method is an entry here and, if it does
something new, one module that does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scope = Literal["nobody", "labeler", "cluster", "experts"]
Injection = Literal["visual-token", "text-token", "head", "lora", "memory"]
Parametrization = Literal[
    "table",
    "hierarchical",
    "low-rank",
    "context",
    "history",
    "averaged",
    "closed-form",
    "retrieval",
    "combination",
]
Trained = Literal["nothing", "head", "tokens", "tokens+lora", "all-but-text"]
Scorer = Literal["cosine", "mlp", "linear"]
Input = Literal["tower", "text", "profiles"]

TESTED_FACES = (
    "uses the other labelers' answers about the very faces tested, which no model of new faces has"
)
NO_CONTROL = (
    "It reads the other labelers' answers about the very faces tested, so this control says "
    "nothing about it."
)


@dataclass(frozen=True, slots=True)
class Method:
    """One recipe for personal models."""

    name: str  # as written on the command line and in a run's folder
    title: str  # for a reader
    summary: str  # one or two sentences for the window's form
    source: str  # paper or document
    # stands in front in the window's list; the others lie under "More methods"
    featured: bool = False
    personal: bool = True  # False: one answer for everyone
    scope: Scope = "labeler"  # of the personal parameters
    injection: tuple[Injection, ...] = ("visual-token",)  # where they enter
    parametrization: Parametrization = "table"  # how they are made
    trained: Trained = "tokens+lora"  # what is not frozen
    scorer: Scorer = "cosine"  # only "cosine" can score an attribute that nobody labeled
    losses: tuple[str, ...] = ()  # beside the pairwise likelihood
    needs: tuple[str, ...] = ("consensus",)  # methods whose run must exist first
    inputs: tuple[Input, ...] = ("tower", "text")  # what the backbone and the study must have
    # knows what other labelers answered about the very faces that are tested
    reads_tested_faces: bool = False
    # counted up when the same settings on the same data give another model than before
    revision: int = 1
    adaptation: str = "a token is fitted to the answers in seconds"  # how a new labeler enters
    # settings that differ from the trainer's own
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def starts_at_consensus(self) -> bool:
        """Whether what is personal is learned on top of the consensus model's adapters."""
        return self.defaults.get("start") == "consensus"

    @property
    def shares_adapter(self) -> bool:
        """Whether all labelers share an adapter in the image
        tower, which can be the consensus model's."""
        alone = self.injection == ("lora",) and not self.starts_at_consensus
        return self.trained in ("tokens", "tokens+lora") and not alone

    @property
    def learns_alone(self) -> bool:
        """Whether labelers share nothing that is trained."""
        return self.scope == "labeler" and self.injection == ("lora",) and not self.shares_adapter

    @property
    def can_start_at_heads(self) -> bool:
        """Whether all labelers can see alike before training and read attributes alike, so that
        heads of their own can take the place of the attributes' texts.

        Tokens that are pulled apart by their angles must not start as one.
        """
        return (
            self.personal
            and self.scope == "labeler"
            and self.trained == "tokens+lora"
            and self.injection == ("visual-token",)
            and self.parametrization in ("table", "hierarchical")
            and "contrastive" not in self.losses
        )

    @property
    def closed_form(self) -> bool:
        """Whether it is fitted in one go, by itself."""
        return self.scorer == "linear" and self.parametrization != "combination"

    def obstacle(self, *, embeddings: bool, labelers: int, profiles: bool) -> str:
        """Why this method cannot be trained on a study, in one sentence; empty if it can.

        Args:
            embeddings: the backbone is a set of imported embeddings.
            labelers: how many there are with answers.
            profiles: whether any of them has a profile text.
        """
        if embeddings and "tower" in self.inputs:
            return (
                f"{self.title} changes how images are seen, which imported embeddings lack; choose "
                "an image backbone."
            )
        if embeddings and "text" in self.inputs:
            return (
                f"{self.title} reads attributes as text, which imported embeddings lack; choose an "
                "image backbone."
            )
        if self.personal and labelers < 2:
            return (
                f"{self.title} compares labelers, so it needs two with answers; there is "
                f"{labelers or 'none'}."
            )
        if "profiles" in self.inputs and not profiles:
            return (
                f"{self.title} reads the labelers' profiles, and no labeler has one; write them in "
                "the Study panel."
            )
        return ""
