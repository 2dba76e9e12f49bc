"""Text in CSV files that a spreadsheet would run as a formula, made harmless and given back."""

from typing import Final

RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


def neutral(text: str) -> str:
    """Make text safe to open in a spreadsheet; `restored` gives it back."""
    return "'" + text if text.startswith((*RISKY, "'")) else text


def restored(text: str) -> str:
    """Undo `neutral`; other text stays as it is."""
    return text[1:] if text[:1] == "'" and text[1:].startswith((*RISKY, "'")) else text
