"""What one cell of a table says: nothing, text, or a number as this program writes it."""

import re

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def is_missing(cell: str) -> bool:
    """Whether the cell holds no answer: empty, or one of the usual marks for a missing value."""
    return cell.strip().lower() in MISSING


def number(cell: str) -> float:
    """The cell as a finite number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    words = cell.strip()
    if not _NUMBER.fullmatch(words):
        raise ValueError(f"“{short(words)}” is not a number")
    value = float(words)
    if abs(value) == float("inf"):
        raise ValueError(f"“{short(words)}” is not a finite number")
    return value


def whole(cell: str) -> int:
    """The cell as a whole number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    value = number(cell)
    if not value.is_integer():
        raise ValueError(f"“{short(cell.strip())}” is not a whole number")
    return int(value)


def flag(cell: str) -> bool:
    """Whether the cell says yes."""
    return cell.strip().lower() in {"true", "1", "yes"}


def short(words: str, limit: int = 40) -> str:
    """Text cut to fit into a sentence."""
    return words if len(words) <= limit else words[: limit - 1] + "…"
