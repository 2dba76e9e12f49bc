"""Text in CSV files that a spreadsheet would run as a formula, made harmless and given back."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

# What a formula begins with in one spreadsheet or another, its wide forms and blanks before it
# included.
_RISKY: Final = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def neutral(text: str) -> str:
    """Make text safe to open in a spreadsheet; `restored` gives it back."""
    return "'" + text if text.startswith("'") or _RISKY.match(text) else text


def restored(text: str) -> str:
    """Undo `neutral`; other text stays as it is."""
    return text[1:] if text[:1] == "'" and neutral(text[1:]) != text[1:] else text


def cell(value: object) -> object:
    """What stands in a cell of a CSV file: text made harmless; a number, also below zero, stays
    one."""
    return neutral(value) if isinstance(value, str) else value


class CsvWriter:
    """Writes rows of CSV to an open file, names of columns included, without formulas."""

    def __init__(self, file: IO[str], ending: str = "\r\n") -> None:
        self._writer = csv.writer(file, lineterminator=ending)

    def row(self, values: Iterable[object]) -> None:
        self._writer.writerow([cell(value) for value in values])


def write_frame(frame: "pd.DataFrame", path: Path) -> None:
    """A frame as CSV in UTF-8, without its index."""
    with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file:
        safe = frame.apply(
            lambda column: column if column.dtype.kind in "biuf" else column.map(cell)
        )
        safe.rename(columns=cell).to_csv(file, index=False, lineterminator="\n")
