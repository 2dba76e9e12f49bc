"""The settings in which a run that writes is tested, as its files name them; needs no torch."""

from typing import Final

KNOWN: Final = "known"  # people whom training knew, on held-out prompts
VALIDATED: Final = "validation"  # what combinations of runs choose by
SWAPPED: Final = "swapped"  # each person's texts by another person's numbers
ENTERED_WITH: Final = (0, 5, 10, 30)  # texts of held-out people that are known


def entered_name(count: int) -> str:
    """What the setting is called in which held-out people enter with so many texts."""
    return f"entered-{count}"
