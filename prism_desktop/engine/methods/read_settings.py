"""Which settings can change what a method learns and predicts.

One place says it, for the window's form, for runs that are used again, and for grids of settings
and seeds, whose points are not trained again where they change nothing.
"""

from collections.abc import Sequence

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.needed_methods import combines, members_of, needs_tower
from prism_desktop.engine.methods.presets import PRESETS

_ENTRIES = {entry.name: entry for entry in PRESETS}
# What the data and the frozen network's features are, which every method reads.
_DATA = frozenset({"method", "backbone", "labelers", "attributes", "split", "pairs", "precision"})
# How a run goes on, which changes no result by more than rounding.
WORK = frozenset({"device", "threads", "compare", "consensus", "baselines", "checkpoint_seconds"})
# What parts alone read; the trainer reads the rest.
_OF_PARTS = set[str]().union(*(part.settings for entry in PRESETS for part in entry.parts))


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
    if group in WORK:
        return False
    if combines(chosen) and group != "members":
        names = members_of(chosen, members, embeddings=embeddings)
        return any(reads(_ENTRIES[name], key, embeddings=embeddings) for name in names)
    if embeddings and needs_tower(chosen):
        return False
    here = chosen.on(embeddings=embeddings)
    known = [name for name in (key, group) if name in _OF_PARTS]
    return any(map(here.reads, known)) if known else here.fitted == "by steps"
