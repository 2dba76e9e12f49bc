"""What no analysis counts, in words: practice and attention checks."""

from collections.abc import Mapping
from typing import Final

from prism_desktop.engine.grammar import counted, word_for

_NAMES: Final = {"practice": "practice trial", "check": "attention check"}


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
