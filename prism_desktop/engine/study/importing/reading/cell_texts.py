"""What a cell of a spreadsheet, a statistics file or JSON says, as text."""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

ERRORS: Final = frozenset(
    {"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}
    | {"#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#NV", "#BEZUG!", "#WERT!", "#ZAHL!"}
    | {"Err:502", "Err:504", "Err:508", "Err:519", "Err:522"}
)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_EXACT: Final = 1e15  # up to here floats hold every whole number


def load_json(text: str, halved: Callable[[], None] = lambda: None, **hooks: Any) -> Any:
    """The value of a JSON text, NaN and Infinity as nothing.

    Half a pair of surrogates, which no file can hold, becomes a question mark, and `halved` is told
    of it. Raises: ValueError, RecursionError, as `json.loads`.
    """
    value = json.loads(text, parse_constant=lambda _: None, **hooks)
    if _SURROGATE.search(text):
        plain = json.dumps(value, ensure_ascii=False)
        written = plain.encode("utf-8", "replace")
        if written.decode() != plain:
            halved()
        value = json.loads(written)
    return value


def text_of(cell: object) -> str:
    """A cell's text: "" for nothing and NaN, whole numbers without a fraction, moments as ISO
    8601, "true" and "false"."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, datetime):
        midnight = cell.time() == time() and cell.tzinfo is None
        return cell.date().isoformat() if midnight else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return number_text(cell.total_seconds())
    if isinstance(cell, Decimal):
        return format(cell.normalize(), "f") if cell.is_finite() else ""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return str(cell)


def number_text(number: float) -> str:
    """A number as Python writes it, "12" for 12.0 and "" for NaN."""
    if math.isnan(number):
        return ""
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    return repr(number)
