"""Every method as data: who owns personal parameters, where they enter, how they are made. Needs no torch.

A method is a point in the space of METHODS, written down once; the trainer reads it and has no copy per method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prism_desktop.engine.errors import InputError

Owner = Literal["nobody", "labeler", "cluster", "experts"]
Place = Literal["visual-token", "text-token", "head", "lora"]
Made = Literal["table", "hierarchical", "low-rank", "history", "closed-form", "retrieval"]
Trained = Literal["nothing", "head", "tokens", "tokens+lora", "all-but-text"]
Scorer = Literal["cosine", "mlp", "linear"]


@dataclass(frozen=True, slots=True)
class Method:
    """One recipe for personal models."""

    name: str  # as written on the command line and in a run's folder
    title: str  # for a reader
    summary: str  # one or two sentences for the window's form
    personal: bool  # False: one answer for everyone
    owner: Owner  # of the personal parameters
    places: tuple[Place, ...] = ()  # where they enter
    made: Made = "table"  # how they are made
    trained: Trained = "tokens+lora"  # what is not frozen
    scorer: Scorer = "cosine"  # only "cosine" can score an attribute that nobody labeled
    losses: tuple[str, ...] = ()  # beside the pairwise likelihood
    needs: tuple[str, ...] = ()  # methods whose run must exist first
    defaults: Mapping[str, Any] = field(default_factory=dict)  # settings that differ from the trainer's own
    source: str = ""  # paper or document

    def rows(self, labelers: int) -> int:
        """Rows of the token table for so many labelers."""
        return labelers if self.owner == "labeler" else 1

    def row(self, labeler: int) -> int:
        """The row of the token table that a labeler uses."""
        return labeler if self.owner == "labeler" else 0


METHODS: Mapping[str, Method] = {
    "consensus": Method(
        name="consensus",
        title="Consensus",
        summary="One model for everyone: the labeler is ignored. The baseline that personalisation must beat.",
        personal=False,
        owner="nobody",
        places=("visual-token",),
        source="the unified baseline of the PRISM report",
    ),
    "lora-visual-prompt": Method(
        name="lora-visual-prompt",
        title="LoRA + visual prompt",
        summary="Adapters learned from everyone, and one visual token that learns what each labeler sees.",
        personal=True,
        owner="labeler",
        places=("visual-token",),
        needs=("consensus",),
        source="PRISM report; Jia et al., ECCV 2022; Hu et al., ICLR 2022",
    ),
}


def method(name: str) -> Method:
    """Look a method up.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in METHODS:
        raise InputError(f"The method {name!r} is unknown; there are {', '.join(METHODS)}.")
    return METHODS[name]
