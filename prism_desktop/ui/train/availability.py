"""What each method is for a study as the form stands: possible or not, and how large."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.method_listing import listing
from prism_desktop.ui.train.method_list import Offer, in_order
from prism_desktop.ui.train.operations import Offered


def offers(
    found: Offered,
    backbone: str,
    labelers: Sequence[str] | None,
    attributes: Sequence[str] | None,
    counts: Mapping[tuple[str, str], int],
) -> list[Offer]:
    """Every method, group by group.

    Args:
        found: what the study has; before it is read, nothing is known to be impossible.
        backbone: that is chosen.
        labelers: that are chosen; None for all.
        attributes: that are chosen; None for all.
        counts: parameters that a method on a backbone trained in this study's runs.
    """
    known = bool(found.labelers)
    chosen = tuple(found.labelers) if labelers is None else tuple(labelers)
    answered = len(found.answered.intersection(chosen)) if known else 2
    profiles = bool(found.profiles.intersection(chosen)) or not known
    embeddings = backbone.startswith("embeddings:")
    judged = found.attributes if attributes is None else attributes
    dimensions = next(
        (each.dimensions for each in found.embeddings if each.backbone == backbone), None
    )
    sizes = _sizes(backbone, len(chosen), len(judged), dimensions) if known else {}
    made = []
    for method in in_order():
        reason = method.obstacle(embeddings=embeddings, labelers=answered, profiles=profiles)
        measured = counts.get((method.name, backbone))
        told = sizes.get(method.name, (None, True)) if measured is None else (measured, True)
        made.append(Offer(method, reason, *told))
    return made


@lru_cache(maxsize=8)
def _sizes(
    backbone: str, labelers: int, attributes: int, dimensions: int | None
) -> Mapping[str, tuple[int | None, bool]]:
    """How many parameters each method would train, and whether exactly so many; see `listing`."""
    try:
        rows = listing(backbone, labelers, attributes, dimensions=dimensions)
        return {row["name"]: (row["parameters"], row["exact"]) for row in rows}
    except InputError:  # no backbone that could be read, which a start says
        return {}
