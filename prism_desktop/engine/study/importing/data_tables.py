"""Tables as every reader of files gives them: columns of text, each different value once.

Everything that is found out about a column is found out about its different values, so that a
million rows cost little more than a hundred.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY = -1  # the code of a cell that holds nothing


@dataclass(frozen=True, slots=True, eq=False)
class DataColumn:
    """One column.

    Attributes:
        name: as the file heads it; unique in its table ("rating", "rating (2)").
        values: the different values as text, blanks at their ends kept; numbers as Python writes
            them, whole ones without a fraction; moments as ISO 8601.
        codes: (rows,) int32, each row's place in `values`, EMPTY where the cell is empty.
        title: what stands in further header rows: the question's text.
        labels: value -> label, where the file names its values (SPSS, Stata).
        missing: values that the file itself declares as missing.
    """

    name: str
    values: tuple[str, ...]
    codes: "NDArray[np.int32]"
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self) -> "NDArray[np.int64]":
        """(values,) int64: in how many rows each value stands."""
        filled = self.codes[self.codes >= 0]
        return np.bincount(filled, minlength=len(self.values)).astype(np.int64)

    def text(self, row: int) -> str:
        """The cell's text, "" if it is empty."""
        code = int(self.codes[row])
        return "" if code == EMPTY else self.values[code]

    def texts(self) -> Iterator[str]:
        """Every cell's text, "" for empty ones."""
        known = (*self.values, "")
        return (known[code] for code in self.codes)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that hold no data: further header rows, repeated headers, another program's remarks."""

    reason: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table was read."""

    encoding: str = ""  # "utf-8", "cp1252"; empty for files that are no text
    delimiter: str = ""
    decimal_comma: bool = False
    sheet: str = ""
    header_rows: tuple[int, ...] = (1,)  # as a spreadsheet shows them
    kind: str = "csv"  # csv, xlsx, ods, sav, dta, parquet, json, jsonl
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class DataTable:
    """The data of one file or sheet.

    Attributes:
        name: "ratings.csv", or "study.xlsx, sheet ratings".
        columns: all of the same length; names are unique.
        rows: (rows,) int32, the number of each row as a spreadsheet shows it.
        file: the file's name without folder.
    """

    name: str
    columns: tuple[DataColumn, ...]
    rows: "NDArray[np.int32]"
    file: str
    reading: Reading = Reading()
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> DataColumn:
        """The column of that name.

        Raises:
            KeyError: if there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def make_column(name: str, cells: Iterable[str | None], **facts: object) -> DataColumn:
    """A column of cells as text; None, "" and blanks alone are empty."""
    places: dict[str, int] = {}
    codes = [
        EMPTY if cell is None or not cell.strip() else places.setdefault(cell, len(places))
        for cell in cells
    ]
    coded = np.array(codes, np.int32)
    return DataColumn(name, tuple(places), coded, **facts)  # type: ignore[arg-type]


def unique_names(names: Sequence[str]) -> list[str]:
    """Names of columns, each once: the second "rating" becomes "rating (2)", nameless ones
    "column 5"."""
    found: list[str] = []
    taken = set(names)
    for place, name in enumerate(names, start=1):
        name = name.strip() or f"column {place}"
        number, free = 2, name
        while free in found or (free != name and free in taken):
            free = f"{name} ({number})"
            number += 1
        found.append(free)
    return found
