"""Which settings can change what a method learns and predicts.

One place says it, for the window's form, for runs that are used again, and for grids of settings
and seeds, whose points are not trained again where they change nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from prism_desktop.engine.methods.combination_members import members_of
from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.presets import PRESETS

_ENTRIES = {entry.name: entry for entry in PRESETS}
# What the data and the frozen network's features are, which every method reads.
_DATA = frozenset({"method", "backbone", "labelers", "attributes", "split", "pairs", "precision"})
# How a run goes on, which changes no result by more than rounding.
_WORK = frozenset({"device", "threads", "compare", "baselines", "checkpoint_seconds"})
_ONLY: Mapping[str, Callable[[Method], bool]] = {
    "experts": lambda chosen: chosen.scope == "experts",
    "clustering": lambda chosen: chosen.scope == "cluster",
    "clusters": lambda chosen: chosen.scope == "cluster",
    "delta": lambda chosen: chosen.scope == "cluster" and "visual-token" in chosen.injection,
    "strength": lambda chosen: bool(chosen.losses),
    "decoder": lambda chosen: chosen.scorer == "mlp",
    "blocks": lambda chosen: chosen.parametrization == "closed-form",
    "retrieval": lambda chosen: chosen.parametrization == "retrieval",
    "members": lambda chosen: chosen.parametrization == "combination",
    # text and image meet in a cosine; a head has a scale of its own
    "temperature": lambda chosen: chosen.scorer == "cosine",
    "learn_temperature": lambda chosen: _adapts_the_tower(chosen),
    "token_lr": lambda chosen: by_gradient(chosen) and not chosen.learns_alone,
    "tokens": lambda chosen: _adapts_the_tower(chosen) and not chosen.learns_alone,
    "token_std": lambda chosen: _adapts_the_tower(chosen) and not chosen.learns_alone,
    "rank": lambda chosen: _adapts_the_tower(chosen),
    "alpha": lambda chosen: _adapts_the_tower(chosen),
    "lora_std": lambda chosen: _adapts_the_tower(chosen),
    "start": lambda chosen: _adapts_the_tower(chosen),
    "flips": lambda chosen: _adapts_the_tower(chosen),
}


def by_gradient(chosen: Method) -> bool:
    """Whether a method, or a member of it, is trained step by step."""
    return (
        chosen.parametrization not in ("closed-form", "retrieval") and chosen.trained != "nothing"
    )


def _adapts_the_tower(chosen: Method) -> bool:
    return by_gradient(chosen) and chosen.scorer == "cosine"


def reads(
    chosen: Method, key: str, members: Sequence[str] | None = None, *, embeddings: bool = False
) -> bool:
    """Whether a setting can change what a method learns or predicts.

    Args:
        chosen: the method. A combination reads what its members read.
        key: dotted, as `--set` takes it.
        members: the setting of that name, of a combination.
        embeddings: the backbone is a set of imported embeddings, on which a method that would
            train the image tower is a closed form.
    """
    group = key.partition(".")[0]
    if group in _DATA:
        return True
    if group in _WORK:
        return False
    if chosen.parametrization == "combination" and group != "members":
        names = members_of(chosen, members, embeddings=embeddings)
        return any(reads(_ENTRIES[name], key, embeddings=embeddings) for name in names)
    if embeddings and chosen.scorer == "cosine":
        return False
    return _ONLY.get(group, by_gradient)(chosen)
