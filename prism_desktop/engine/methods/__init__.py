"""Methods as data. Importing this needs no torch."""

import difflib
from collections.abc import Mapping

from prism_desktop.engine.backbone_names import reads_texts
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.method_roles import (
    ALIASES,
    CONSENSUS,
    FLAGSHIP,
    INSTEAD,
    POSTERIOR,
    STARTERS,
    canonical,
)
from prism_desktop.engine.methods.needed_methods import members_of
from prism_desktop.engine.methods.presets import PRESETS
from prism_desktop.engine.methods.spoken_methods import spoken_of

__all__ = [
    "CONSENSUS",
    "FLAGSHIP",
    "METHODS",
    "POSTERIOR",
    "STARTERS",
    "Method",
    "default_method",
    "ignores_labelers",
    "labelled",
    "members_of",
    "method",
    "method_title",
    "spoken_of",
]

METHODS: Mapping[str, Method] = {entry.name: entry for entry in PRESETS}


def method(name: str) -> Method:
    """Look a method up, by its name or an alias.

    Raises:
        InputError: if there is none of that name, with near ones.
    """
    found = METHODS.get(canonical(name))
    if found is None:
        near = difflib.get_close_matches(name, [*METHODS, *ALIASES], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(METHODS)}."
        raise InputError(f"The method {name!r} is unknown; {hint}")
    return found


def method_title(name: str, backbone: str = "", *, texts: bool = False) -> str:
    """What to call a method; its name where this version does not know it.

    Args:
        name: of the method.
        backbone: that it ran on, which says whether texts are judged; empty where none is meant.
        texts: that they are.
    """
    if name not in METHODS:
        return name
    return spoken_of(METHODS[name], texts=texts or reads_texts(backbone)).title


def ignores_labelers(name: str) -> bool:
    """Whether a method gives one answer for everyone."""
    return name in METHODS and not METHODS[name].personal


def labelled(name: str, settings: Mapping[str, str]) -> str:
    """What tells one row of a comparison from the others: its method and the settings that a grid
    varies, such as "lora-visual-prompt rank=2, tokens=1"."""
    told = ", ".join(f"{key}={value}" for key, value in settings.items())
    return f"{name} {told}" if told else name


def default_method(*, embeddings: bool, labelers: int, texts: bool = False) -> tuple[str, str]:
    """The method that is taken where nobody chooses one.

    Args:
        embeddings: whether images come as numbers, so that there is no network to adapt.
        labelers: those with answers among whom a model is wanted.
        texts: what is judged is texts.

    Returns:
        Its name, and a sentence if the usual one is not possible; else nothing.
    """
    if not labelers:  # which its start says
        return POSTERIOR if texts else FLAGSHIP, ""
    wanted = INSTEAD if texts else (FLAGSHIP, *INSTEAD)
    obstacles = {
        name: METHODS[name].obstacle(
            embeddings=embeddings, labelers=labelers, profiles=False, texts=texts
        )
        for name in wanted
    }
    why = obstacles[wanted[0]]
    for name, obstacle in obstacles.items():
        chosen = METHODS[name]
        if not obstacle:
            return name, f"{chosen.title} is chosen. {why}" if why else ""
    return wanted[0], ""
