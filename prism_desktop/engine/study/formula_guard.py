"""Text in CSV files that a spreadsheet would run as a formula, made harmless and given back."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from prism_desktop.engine.files import text_file

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
    one. Halves of letters, which no file can hold, are written as escapes."""
    if not isinstance(value, str):
        return value
    return neutral(value.encode("utf-8", "backslashreplace").decode("utf-8"))


class CsvWriter:
    """Writes rows of CSV to an open file, names of columns included, without formulas.

    Lines end as RFC 4180 has it; with another ending a carriage return in a cell would not be
    quoted, and would end the line for who reads it.
    """

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file)

    def row(self, values: Iterable[object]) -> None:
        self._writer.writerow([cell(value) for value in values])


def write_frame(frame: "pd.DataFrame", beside: Path) -> None:
    """A frame as CSV in UTF-8, without its index."""
    safe = frame.apply(lambda column: column if column.dtype.kind in "biuf" else column.map(cell))
    with text_file(beside) as file:
        file.write(safe.rename(columns=cell).to_csv(index=False, lineterminator="\r\n"))
