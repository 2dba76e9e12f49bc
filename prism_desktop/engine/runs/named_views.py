"""Views of Explore that somebody gave a name, in the study: what was chosen, never what was found.

The file is plain JSON. What is chosen is kept field by field as the window has it; whoever reads it
takes what fits and leaves the rest.
"""

from pathlib import Path

from pydantic import JsonValue

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import printable
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.study.permission import require_writable

MOST_NAME, MOST_VIEWS = 80, 500  # characters; views of a study


class NamedView(Stored):
    """One view.

    Attributes:
        chosen: by the names of what can be chosen; runs by their folder's name.
    """

    name: str
    chosen: dict[str, JsonValue] = {}


class NamedViews(Stored):
    """views.json, in the order in which they were saved."""

    views: tuple[NamedView, ...] = ()


def read_views(study: Path) -> tuple[NamedView, ...]:
    """The views of a study; none where no file is.

    Raises:
        UnreadableError: the file cannot be read, or holds something else.
    """
    found = NamedViews.from_file(study / layout.NAMED_VIEWS)
    return () if found is None else found.views[:MOST_VIEWS]


def save_view(study: Path, name: str, chosen: dict[str, JsonValue]) -> tuple[NamedView, ...]:
    """Keep a view under a name, in place of one that has it; all views then.

    Raises:
        InputError: the name is empty or too long, or there are too many views.
        UnreadableError: the views that are there cannot be read, and would be lost.
        ReadOnlyStudyError, NewerSchemaError: the study may only be read.
    """
    require_writable(study)
    shown = " ".join(printable(name).split())
    if not shown:
        raise InputError("A view needs a name to be found by; nothing was saved.")
    if len(shown) > MOST_NAME:
        raise InputError(
            f"The name of a view has at most {counted(MOST_NAME, 'character')}, and this one has "
            f"{len(shown):,}; nothing was saved."
        )
    views = read_views(study)
    made = NamedView(name=shown, chosen=chosen)
    if any(view.name == shown for view in views):
        views = tuple(made if view.name == shown else view for view in views)
    elif len(views) == MOST_VIEWS:
        raise InputError(
            f"The study has {MOST_VIEWS:,} named views already; delete one, then save this one."
        )
    else:
        views = (*views, made)
    NamedViews(views=views).save(study / layout.NAMED_VIEWS)
    return views


def delete_view(study: Path, name: str) -> tuple[NamedView, ...]:
    """Take a view away; those that are left.

    Raises:
        UnreadableError, ReadOnlyStudyError, NewerSchemaError: as `save_view`.
    """
    require_writable(study)
    views = tuple(view for view in read_views(study) if view.name != name)
    NamedViews(views=views).save(study / layout.NAMED_VIEWS)
    return views
