"""Which attributes are learned from and asked for: those that somebody confirmed as judgments."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.records import AttributeRecord


def confirmed_names(
    attributes: Sequence[AttributeRecord], study: Path
) -> tuple[tuple[str, ...], str]:
    """The names of those that are confirmed, and a sentence on the others ("" if there are none).

    Args:
        attributes: of a study, or some of them.
        study: its folder, for the way out.

    Raises:
        InputError: there are attributes and nobody confirmed any.
    """
    names = tuple(attribute.name for attribute in attributes if attribute.confirmed)
    guessed = [attribute.name for attribute in attributes if not attribute.confirmed]
    if not guessed:
        return names, ""
    one = len(guessed) == 1
    listed = few(guessed, 5)
    what = f"the attribute {listed} is a judgment" if one else f"{listed} are judgments"
    words = " ".join(map(quoted, guessed[:5]))
    command = f"`prism-desktop study confirm {quoted(str(study))} {words}`"
    way = f"confirm {'it' if one else 'them'} in the Study panel or by {command}"
    if not names:
        raise InputError(f"Nobody has confirmed that {what}; {way}.")
    return names, (
        f"{listed} {'was' if one else 'were'} left out, since nobody has confirmed that "
        f"{'it is a judgment' if one else 'they are judgments'}; {way}."
    )


def quoted(word: str) -> str:
    """A word as the command line takes it, whatever it holds: names may come from elsewhere, and a
    shell would run what stands in "$(...)" of a command that is copied from a sentence."""
    windows = os.name == "nt"
    if word and all(
        sign.isalnum() or sign in "._-/:=" or (windows and sign == "\\") for sign in word
    ):
        return word
    if not windows and any(sign in word for sign in "$`!\\\n"):
        return shlex.quote(word)
    return '"' + word.replace('"', '\\"') + '"'
