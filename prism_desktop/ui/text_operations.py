"""What the Study panel does with files of texts; each runs off the window's thread."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.importing.text_columns import TextsKind
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.ui.shown_signs import LackingSigns, SignSearch

_AT_ONCE: Final = 300  # texts, between which a search can be ended

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.import_recipe import Recipe
    from prism_desktop.engine.study.importing.texts.text_preview import ColumnOfTexts, TextsPreview
    from prism_desktop.engine.study.store import Study


def import_texts(
    study: "Study", file: Path, kind: TextsKind, recipe: "Recipe | None" = None
) -> Iterator[Event[ImportReport]]:
    """Add a file of texts; events, the last one a `Done` with the report."""
    from prism_desktop.engine.study.importing.import_recipe import Recipe
    from prism_desktop.engine.study.importing.texts.text_files import import_texts as work

    yield from work(study, file, recipe or Recipe(), kind=kind)


def preview_texts(
    study: "Study", file: Path, recipe: "Recipe", kind: TextsKind
) -> "Iterator[Event[TextsPreview]]":
    """What a file of texts would bring; events, the last one a `Done`."""
    from prism_desktop.engine.study.importing.texts.text_preview import preview_texts as work

    yield from work(study, file, recipe, kind)


def look_at_texts(file: Path) -> "tuple[ColumnOfTexts, ...]":
    """The columns of a file as those of texts.

    Raises:
        InputError: it cannot be read.
    """
    from prism_desktop.engine.study.importing.texts.text_preview import columns_of_texts

    return columns_of_texts(file)


def own_texts(study: "Study") -> tuple[OwnText, ...]:
    """What people wrote themselves, in the order in which it came in."""
    return study.own_texts()


def signs_without_font(study: "Study") -> Iterator[Event[LackingSigns]]:
    """Which signs of the texts that are judged, and of their prompts, no font here has; events,
    the last one a `Done`."""
    texts, search = study.texts(), SignSearch()
    for number, each in enumerate(texts):
        if not number % _AT_ONCE:
            yield Progress(number, len(texts), "Looking for fonts of all signs")
        search.add(f"{each.prompt or ''}\n{each.text}")
    yield Done(search.found())


def kinds_of_texts(file: Path) -> "set[TextsKind | None]":
    """What kinds of texts a file can be nothing but; None where it may be something else."""
    from prism_desktop.engine.study.importing.texts.text_files import kinds_of_file

    return kinds_of_file(file)


def seems_of_texts(file: Path) -> bool:
    """Whether a file seems to be one of texts; not if it cannot be read, or is embeddings."""
    from prism_desktop.engine.study.importing.import_files import is_embeddings
    from prism_desktop.engine.study.importing.texts.text_preview import perhaps_texts

    try:
        return not is_embeddings(file) and perhaps_texts(look_at_texts(file))
    except InputError:
        return False
