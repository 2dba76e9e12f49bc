"""Terms of the loss beside the pairwise likelihood, and what happens around steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from prism_desktop.engine.methods.parts.adapter_parts import ExpertAdapters, OwnAdapters
from prism_desktop.engine.methods.parts.part import MethodPart, Range, SettingUse
from prism_desktop.engine.methods.parts.visual_tokens import (
    HierarchicalTokens,
    MetaPrefixTable,
    PrefixTable,
)

WEIGHED: Mapping[str, SettingUse] = {"strength": SettingUse(Range(1e-3, 3.0, log=True))}


@dataclass(frozen=True, slots=True)
class Loss(MethodPart):
    """A term of the loss, or something that is done around steps.

    Attributes:
        of_consensus: it reads the consensus model's scores.
    """

    of_consensus: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class TokenPrior(Loss):
    """Holds deviations from the common token small."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED
    beside: ClassVar[tuple[type[MethodPart], ...]] = (HierarchicalTokens,)


@dataclass(frozen=True, slots=True)
class Shrinkage(Loss):
    """Holds adapters near the consensus."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED
    beside: ClassVar[tuple[type[MethodPart], ...]] = (OwnAdapters,)


@dataclass(frozen=True, slots=True)
class LoadBalance(Loss):
    """Keeps all experts in use."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED
    beside: ClassVar[tuple[type[MethodPart], ...]] = (ExpertAdapters,)


@dataclass(frozen=True, slots=True)
class RatedFaces(Loss):
    """Single ratings, on each labeler's own scale."""

    settings: ClassVar[Mapping[str, SettingUse]] = {"strength": SettingUse(default=0.5)}


@dataclass(frozen=True, slots=True)
class AgreementContrast(Loss):
    """Tokens as near as their labelers agree."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED


@dataclass(frozen=True, slots=True)
class Distillation(Loss):
    """The consensus's opinions as soft labels."""

    of_consensus: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED


@dataclass(frozen=True, slots=True)
class LabelerGuess(Loss):
    """Guesses who answered."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED


@dataclass(frozen=True, slots=True)
class OrdinalRatings(Loss):
    """Ratings with each labeler's own thresholds."""

    settings: ClassVar[Mapping[str, SettingUse]] = WEIGHED


@dataclass(frozen=True, slots=True)
class KeptIfBetter(Loss):
    """A labeler's tokens stay only where validation improves."""

    beside: ClassVar[tuple[type[MethodPart], ...]] = (PrefixTable,)


@dataclass(frozen=True, slots=True)
class ReptileSteps(Loss):
    """Moves the start towards where steps lead."""

    beside: ClassVar[tuple[type[MethodPart], ...]] = (MetaPrefixTable,)


@dataclass(frozen=True, slots=True)
class MamlSteps(Loss):
    """Moves the start so that steps on some answers help on others."""

    beside: ClassVar[tuple[type[MethodPart], ...]] = (MetaPrefixTable,)
