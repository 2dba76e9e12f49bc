"""What no analysis counts, in words: practice and attention checks."""

from collections.abc import Collection, Mapping
from typing import Final

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.records import SET_ASIDE, Flag

_NAMES: Final = {"practice": "practice trial", "check": "attention check"}


def aside(flags: Collection[Flag]) -> Flag | None:
    """For which of its flags no analysis counts a trial; None where it counts."""
    return next((flag for flag in SET_ASIDE if flag in flags), None)


def told_aside(counts: Mapping[str, int]) -> str:
    """How many were left out, in a sentence; "" where there is none.

    Args:
        counts: `StudyReader.set_aside()`.
    """
    parts = [counted(count, _NAMES[flag]) for flag, count in counts.items() if count]
    if not parts:
        return ""
    total = sum(counts.values())
    were, stay = word_for(total, "was", "were"), word_for(total, "It stays", "They stay")
    return f"{' and '.join(parts)} {were} left out. {stay} in the study."
