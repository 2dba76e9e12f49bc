"""What one cell of a table says: text, a number or a moment, whatever kind of file it came from."""

import re
from datetime import UTC, date, datetime

Cell = str | int | float | bool | datetime | None

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def text(cell: Cell) -> str:
    """The cell as trimmed text: "" when empty, 12.0 as "12"."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def exact(cell: Cell) -> str:
    """The cell's text with the blanks around it."""
    return cell if isinstance(cell, str) else text(cell)


def is_missing(cell: Cell) -> bool:
    """Whether the cell holds no answer: empty, or one of the usual marks for a missing value."""
    return (
        cell is None or (isinstance(cell, float) and cell != cell) or text(cell).lower() in MISSING
    )


def number(cell: Cell, *, decimal_comma: bool = False) -> float:
    """The cell as a finite number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        value = float(cell)
    else:
        words = text(cell)
        if words.startswith("="):
            raise ValueError(f"“{short(words)}” is a formula without a stored result")
        if decimal_comma and words.count(",") == 1 and "." not in words:
            words = words.replace(",", ".")
        if not _NUMBER.fullmatch(words):
            raise ValueError(f"“{short(words)}” is not a number")
        value = float(words)
    if abs(value) == float("inf") or value != value:
        raise ValueError(f"“{cell}” is not a finite number")
    return value


def is_number(cell: Cell, *, decimal_comma: bool = False) -> bool:
    """Whether `number` would read the cell."""
    try:
        number(cell, decimal_comma=decimal_comma)
    except ValueError:
        return False
    return True


def whole(cell: Cell) -> int:
    """The cell as a whole number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    value = number(cell)
    if not value.is_integer():
        raise ValueError(f"“{text(cell)}” is not a whole number")
    return int(value)


def flag(cell: Cell) -> bool:
    """Whether the cell says yes."""
    return text(cell).lower() in {"true", "1", "yes"}


def moment(cell: Cell, *, decimal_comma: bool = False) -> float:
    """The cell as Unix seconds; a date without a time zone is taken as UTC.

    Raises:
        ValueError: with words for the user, if it is neither a number nor a date.
    """
    if is_number(cell, decimal_comma=decimal_comma):
        return number(cell, decimal_comma=decimal_comma)
    if isinstance(cell, datetime):
        when = cell
    elif isinstance(cell, date):
        when = datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    else:
        try:
            when = datetime.fromisoformat(text(cell))
        except ValueError as error:
            raise ValueError(f"“{short(text(cell))}” is neither a number nor a date") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def short(words: str, limit: int = 40) -> str:
    """Text cut to fit into a sentence."""
    return words if len(words) <= limit else words[: limit - 1] + "…"
