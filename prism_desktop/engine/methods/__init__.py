"""Methods as data. Importing this needs no torch."""

import difflib
from collections.abc import Mapping

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.combination_members import members_of
from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.presets import LADDER, PRESETS

__all__ = ["LADDER", "METHODS", "Method", "members_of", "method", "method_title"]

METHODS: Mapping[str, Method] = {entry.name: entry for entry in PRESETS}


def method(name: str) -> Method:
    """Look a method up.

    Raises:
        InputError: if there is none of that name, with near ones.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(METHODS)}."
        raise InputError(f"The method {name!r} is unknown; {hint}")
    return METHODS[name]


def method_title(name: str) -> str:
    """What to call a method; its name where this version does not know it."""
    return METHODS[name].title if name in METHODS else name
