"""The scale that an attribute's imported ratings are on, as the reports of imports tell it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.study.records import ImportReport


@dataclass(frozen=True, slots=True)
class AttributeScale:
    """From the lowest to the highest rating that could be given, and where that is from."""

    low: float
    high: float
    where: str  # "week1.csv"


def attribute_scales(
    reports: Iterable[ImportReport], replaces: str | None = None
) -> dict[str, AttributeScale]:
    """The scale that each attribute has in the study: the newest that an import found.

    An import that is gone (undone, or replaced by the present one) still counts for attributes
    whose earlier ratings it cut anew, since these stay so.
    """
    scales: dict[str, AttributeScale] = {}
    for report in reports:
        found = report.mapping.get("scales")
        stays = report.mapping.get("rescaled", ())
        gone = report.undone is not None or report.id == replaces
        if isinstance(found, Mapping) and isinstance(stays, Sequence):
            where = Path(report.source.split(", ")[0]).name
            for name, scale in found.items():
                if not gone or name in stays:
                    low, high = float(scale["low"]), float(scale["high"])
                    scales[str(name)] = AttributeScale(low, high, where)
    return scales
