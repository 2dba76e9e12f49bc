"""The declaration of a part: what a piece of a model says of itself before torch is loaded.

A method is a tuple of parts. Counting, listing, search ranges, the window's form, storage and
refusals ask the parts; `models`, `training` and `adaptation` register what builds, fits and enters
one for each kind of part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Need = Literal["tower", "text", "profiles"]
Fact = Literal["groups", "ranks", "summary", "history", "profiles"]
Owner = Literal["everyone", "group", "labeler"]
# Where a new labeler's own row starts before it is fitted: at the mean of the known labelers', at
# zero, where meta-learning ended, or where it is found in one go.
OwnStart = Literal["mean", "zero", "learned", "fitted"]
Own = Mapping[str, OwnStart]
Shapes = Mapping[str, tuple[int, ...]]

# The names under which a fact is kept with a model, of those that have a row for each labeler.
KEPT: Mapping[Fact, tuple[str, ...]] = {
    "groups": ("groups", "shares", "deltas"),
    "ranks": ("ranks",),
    "summary": ("context",),
    "history": ("history", "answer"),
    "profiles": (),
}
AXES = 64  # principal axes of the features that heads, contexts and histories are written in
MOST_GROUPS = 16  # of labelers that are tried


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False  # equal factors are equally likely
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """One of a few values."""

    values: tuple[int | float | str | bool, ...]


TOKEN_RATE = Range(1e-3, 1e-1, log=True)  # learning rates of what is a labeler's own
LORA_RATE = Range(2e-4, 2e-2, log=True)  # of what all share


@dataclass(frozen=True, slots=True)
class SettingUse:
    """How a part uses a setting.

    Attributes:
        search: the values that are worth searching; None where it is not searched.
        default: the value that the part comes with; None for that of every method.
    """

    search: Range | Choices | None = None
    default: Any = None


@dataclass(frozen=True, slots=True)
class TowerSizes:
    """Sizes of a vision transformer and its text tower, or of a language model."""

    width: int  # of the tokens that enter it
    blocks: int  # of the tower
    hidden: int  # of its MLPs
    embed_dim: int  # of the space shared by stimuli and attributes
    text_width: int
    tower: int  # parameters of the tower
    heads: int  # of the attention of each of its blocks
    gated: bool = False  # whether its MLPs have a second map inwards


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of what would be trained on, and the settings, by dotted key."""

    labelers: int
    attributes: int
    shape: TowerSizes | None  # of the backbone; None for embeddings
    features: int | None  # dimensions of an image's frozen features; None where unknown
    images: int | None = None  # None for more than the features have dimensions
    settings: Mapping[str, Any] | None = None

    @property
    def vision(self) -> TowerSizes:
        """The backbone's sizes, where there is a tower.

        Raises:
            ValueError: if there is none.
        """
        if self.shape is None:
            raise ValueError("A part of a tower has no shape without one.")
        return self.shape

    def __getitem__(self, key: str) -> Any:
        """The value of a setting."""
        return (self.settings or {})[key]

    @property
    def groups(self) -> int:
        """Groups of labelers, or the most that there can be where validation chooses."""
        if self["clusters"] is not None:
            return min(int(self["clusters"]), self.labelers)
        return min(self.labelers - 1, MOST_GROUPS) if self.labelers > 2 else self.labelers

    def axes(self, most: int = AXES) -> int:
        """Principal axes of the features that are kept; n images have no more than n - 1."""
        kept = most if self.images is None else max(1, min(most, self.images - 1))
        return min(kept, self.features or most)


@dataclass(frozen=True, slots=True)
class MethodPart:
    """One piece of a model.

    What a kind of part says of itself are class attributes; what tells two of a kind apart are
    fields.

    Attributes:
        needs: what the backbone and the study must have.
        settings: what can change it: plain settings and groups of them, as they stand in
            `TrainConfig`.
        fact: what is gathered about labelers for it before a model is built.
        own: stored tensors that have a row for each labeler, and where a new one's starts.
        entering: how a new labeler enters, in words; empty where it is the same for everyone.
        apart: who sees images in a way of their own because of it.
        made_at: the start of training at which alone it is made; None for every start.
        beside: kinds of parts of which one must be there, too; empty for none.
    """

    settings: ClassVar[Mapping[str, SettingUse]] = {}
    fact: ClassVar[Fact | None] = None
    needs: ClassVar[frozenset[Need]] = frozenset()
    own: ClassVar[Own] = {}
    entering: ClassVar[str] = ""
    apart: ClassVar[Owner] = "everyone"
    beside: ClassVar[tuple[type[MethodPart], ...]] = ()
    made_at: ClassVar[str | None] = None

    def shapes(self, sizes: Sizes) -> Shapes:
        """The shapes of its trained parameters, or the largest that they can have (`decided`), by
        their names in the model."""
        return {}

    def decided(self, sizes: Sizes) -> bool:
        """Whether the answers decide shapes, so that `shapes` tells the most there can be."""
        return False


@dataclass(frozen=True, slots=True)
class Count:
    """How many numbers are trained."""

    number: int
    exact: bool = True  # False: at most so many


def count(shapes: Shapes) -> int:
    """How many numbers there are in all."""
    return sum(math.prod(shape) for shape in shapes.values())


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    """The shapes of a linear layer with a bias."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
