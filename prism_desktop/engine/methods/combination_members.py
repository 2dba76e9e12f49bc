"""The members of combinations of runs.

One place says it, for training, for counting and for the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.presets import LADDER, PRESETS

_CONSENSUS = "consensus"  # what every combination compares its members with, at the first place
_ENTRIES = {entry.name: entry for entry in PRESETS}


def members_of(
    combination: Method, wanted: Sequence[str] | None, *, embeddings: bool
) -> tuple[str, ...]:
    """The methods that a combination combines or tries, the consensus first.

    Args:
        combination: the method that combines.
        wanted: the setting `members`; None or empty for the combination's own choice.
        embeddings: the backbone is a set of imported embeddings, with which only heads can be
            trained.
    """
    names = wanted or (LADDER if combination.name == "auto" else combination.needs)
    names = (_CONSENSUS, *(name for name in names if name != _CONSENSUS))
    return tuple(name for name in names if not (embeddings and _ENTRIES[name].inputs))


def reads_tested_faces(chosen: Method, wanted: Sequence[str] | None) -> bool:
    """Whether a method, or one that it may combine, knows
    others' answers about the very faces that are tested."""
    if chosen.parametrization != "combination":
        return chosen.reads_tested_faces
    return any(
        _ENTRIES[name].reads_tested_faces for name in members_of(chosen, wanted, embeddings=False)
    )


def unusable(wanted: Sequence[str]) -> str:
    """Why methods cannot be members of any combination, in a few words; empty if they can."""
    for place, name in enumerate(wanted):
        if name not in _ENTRIES:
            return f"it names {name}, which is no method"
        if _ENTRIES[name].parametrization == "combination":
            return f"it names {name}, which is a combination itself"
        if name in wanted[:place]:
            return f"it names {name} twice"
    return ""


def misfit(combination: Method, wanted: Sequence[str], *, embeddings: bool) -> str:
    """Why a combination cannot combine these known methods, in a few words; empty if it can."""
    own = [name for name in wanted if name != _CONSENSUS]
    if combination.name == "selective" and len(own) != 1:
        return (
            "selective chooses between the consensus and one other method, and its members name "
            f"{counted(len(own), 'other')}"
        )
    if not own:
        return f"{combination.name} needs a member beside the consensus"
    for name in own:
        if embeddings and _ENTRIES[name].inputs:
            return f"its member {name} cannot be trained on imported embeddings"
    return ""
