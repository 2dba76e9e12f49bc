"""The methods that a method stands on: the members of a combination, and the consensus.

One place says it, for training, for counting and for the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from prism_desktop.engine.backbone_names import gives_features_alone
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.method_roles import CONSENSUS
from prism_desktop.engine.methods.parts.loss_parts import Loss
from prism_desktop.engine.methods.parts.scoring_parts import WeighedRuns
from prism_desktop.engine.methods.presets import PRESETS

_ENTRIES = {entry.name: entry for entry in PRESETS}


def combines(chosen: Method) -> bool:
    """Whether a method weighs the runs of others."""
    return chosen.has(WeighedRuns)


def members_of(
    combination: Method, wanted: Sequence[str] | None, *, embeddings: bool
) -> tuple[str, ...]:
    """The methods that a combination combines or tries, the consensus first, with which it
    compares them all.

    Args:
        combination: the method that combines.
        wanted: the setting `members`; None or empty for the combination's own choice.
        embeddings: the backbone is a set of imported embeddings, with which only heads can be
            trained.
    """
    weighed = next(combination.of(WeighedRuns))
    names = wanted or weighed.tries or combination.stands_on
    names = (CONSENSUS, *(name for name in names if name != CONSENSUS))
    return tuple(name for name in names if not (embeddings and needs_tower(_ENTRIES[name])))


def averages(chosen: Method) -> bool:
    """Whether a method weighs the runs of others all alike, and the consensus not at all."""
    return any(weighed.rule == "average" for weighed in chosen.of(WeighedRuns))


def trained_before(
    chosen: Method,
    wanted: Sequence[str] | None,
    *,
    embeddings: bool,
    start: str,
    compare: bool,
    whole: bool = False,
) -> tuple[str, ...]:
    """Methods of which a run must be there before one of this method trains, in the order of
    training.

    A combination that grows while it pays obtains what costs more on its way.

    Args:
        chosen: the method.
        wanted: as in `members_of`.
        embeddings: as in `members_of`.
        start: where its training starts.
        compare: it is to be compared with the consensus.
        whole: also what a combination may obtain on its way.
    """
    if not chosen.personal:
        return ()
    if combines(chosen):
        members = members_of(chosen, wanted, embeddings=embeddings)
        grows = any(weighed.rule == "while it pays" for weighed in chosen.of(WeighedRuns))
        return members[:2] if grows and not whole else members
    learned = learns_from_consensus(chosen, wanted, start=start)
    names = chosen.stands_on if CONSENSUS in chosen.stands_on else (CONSENSUS, *chosen.stands_on)
    return tuple(name for name in names if name != CONSENSUS or compare or learned)


def learns_from_consensus(chosen: Method, wanted: Sequence[str] | None, *, start: str) -> bool:
    """Whether training reads the weights of the consensus, in the method or in one that it
    combines."""
    if combines(chosen):
        members = members_of(chosen, wanted, embeddings=False)
        return any(learns_from_consensus(_ENTRIES[name], None, start=start) for name in members)
    return start == "consensus" or any(loss.of_consensus for loss in chosen.of(Loss))


def stands_on_features(name: str, backbone: str, consensus: str) -> bool:
    """Whether a method has no network to change: on imported embeddings, or as a consensus that is
    one linear head, as the setting `consensus` says."""
    return gives_features_alone(backbone) or (name == CONSENSUS and consensus == "head")


def is_closed_form(chosen: Method, wanted: Sequence[str] | None) -> bool:
    """Whether nothing descends gradients in a personal method, nor in one that it combines with the
    consensus."""
    if not combines(chosen):
        return chosen.personal and chosen.fitted != "by steps"
    members = members_of(chosen, wanted, embeddings=False)
    return all(is_closed_form(_ENTRIES[name], None) for name in members if name != CONSENSUS)


def training_order(name: str) -> tuple[int, int, int]:
    """What others depend on first, then what is quick, combinations last."""
    chosen = _ENTRIES[name]
    combined = combines(chosen)
    return (
        int(name != CONSENSUS),
        int(combined),
        len(chosen.stands_on) if combined else int(chosen.fitted != "in one go"),
    )


def needs_tower(chosen: Method) -> bool:
    """Whether a method cannot do without images, which imported embeddings lack."""
    return bool({"tower", "text"} & chosen.needed_of(embeddings=True))


def reads_tested_faces(chosen: Method, wanted: Sequence[str] | None) -> bool:
    """Whether a method, or one that it may combine, knows
    others' answers about the very faces that are tested."""
    if not combines(chosen):
        return chosen.reads_tested_faces
    return any(
        _ENTRIES[name].reads_tested_faces for name in members_of(chosen, wanted, embeddings=False)
    )


def unusable(wanted: Sequence[str]) -> str:
    """Why methods cannot be members of any combination, in a few words; empty if they can."""
    for place, name in enumerate(wanted):
        if name not in _ENTRIES:
            return f"it names {name}, which is no method"
        if combines(_ENTRIES[name]):
            return f"it names {name}, which is a combination itself"
        if name in wanted[:place]:
            return f"it names {name} twice"
    return ""


def misfit(combination: Method, wanted: Sequence[str], *, embeddings: bool) -> str:
    """Why a combination cannot combine these known methods, in a few words; empty if it can."""
    own = [name for name in wanted if name != CONSENSUS]
    if next(combination.of(WeighedRuns)).rule == "one or the other" and len(own) != 1:
        return (
            f"{combination.name} chooses between the consensus and one other method, and its "
            f"members name {counted(len(own), 'other')}"
        )
    if not own:
        return f"{combination.name} needs a member beside the consensus"
    for name in own:
        if embeddings and needs_tower(_ENTRIES[name]):
            return f"its member {name} cannot be trained on imported embeddings"
    return ""
