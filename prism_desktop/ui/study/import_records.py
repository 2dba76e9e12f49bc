"""What a report of an import keeps besides its counts: its files, its recipe, its doubts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import ImportReport

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.doubts import Doubt
    from prism_desktop.engine.study.importing.import_recipe import Recipe


def files_of(report: ImportReport) -> list[Path]:
    """The files that were imported, where they lay."""
    files = report.mapping.get("files")
    return [Path(name) for name in files] if isinstance(files, Mapping) else []


def recipe_of(report: ImportReport) -> "Recipe | None":
    """How the files were read; None where the study does not say."""
    from prism_desktop.engine.study.importing.import_recipe import parse_recipe

    text = str(getattr(report, "recipe", ""))
    if not text:
        return None
    try:
        return parse_recipe(text)
    except InputError:  # a newer program's
        return None


def open_doubts(report: ImportReport) -> "list[tuple[int, Doubt]]":
    """The doubts that nobody dismissed, each with its place among the report's."""
    doubts: Iterable[Doubt] = getattr(report, "doubts", ())
    dismissed: frozenset[int] = getattr(report, "dismissed", frozenset())
    return [(place, doubt) for place, doubt in enumerate(doubts) if place not in dismissed]


def dismissed_doubts(report: ImportReport) -> "list[Doubt]":
    """The doubts that somebody dismissed."""
    kept = {place for place, _ in open_doubts(report)}
    doubts: Iterable[Doubt] = getattr(report, "doubts", ())
    return [doubt for place, doubt in enumerate(doubts) if place not in kept]


def alike(
    columns: frozenset[str], reports: Iterable[ImportReport]
) -> "tuple[ImportReport, Recipe] | None":
    """The newest import whose files had the same columns, and its recipe."""
    for report in reversed(tuple(reports)):
        recipe = recipe_of(report)
        if recipe is not None and columns and frozenset(recipe.columns) == columns:
            return report, recipe
    return None
