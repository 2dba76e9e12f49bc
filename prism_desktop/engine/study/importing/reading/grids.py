"""Tables before their header is found: columns of codes, and the limits that every reader keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.formula_guard import restored
from prism_desktop.engine.study.importing.data_tables import EMPTY, LeftOut, Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BYTES = 2 * 1024**3
MAX_ROWS = 20_000_000
MAX_COLUMNS = 16_384  # as many as a spreadsheet has; a matrix may have one per face
MAX_CELLS = 200_000_000  # a Parquet file of a megabyte can claim more than any memory holds
MAX_MERGES = 200_000  # of one sheet
CHUNK = 20_000  # rows that are coded at a time


@dataclass(slots=True, eq=False)
class RawColumn:
    """The cells of one column: different values, and (rows,) int32 places in them."""

    values: list[str]
    codes: "NDArray[np.int32]"

    def text(self, row: int) -> str:
        """The cell's text, "" if it is empty."""
        code = int(self.codes[row])
        return "" if code == EMPTY else self.values[code]


@dataclass(frozen=True, slots=True)
class Merge:
    """Merged cells: rows as a spreadsheet numbers them, columns from 0, both ends included."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(slots=True, eq=False)
class Grid:
    """A table as it stands in its file, its header among the rows.

    Attributes:
        rows: (rows,) int32, the number of each row as a spreadsheet shows it.
        widths: (rows,) int32, how many cells each row has; None where rows have no ends.
    """

    name: str
    file: str
    columns: list[RawColumn]
    rows: "NDArray[np.int32]"
    reading: Reading
    widths: "NDArray[np.int32] | None" = None
    merges: list[Merge] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, place: int) -> list[str]:
        """The texts of one row."""
        return [column.text(place) for column in self.columns]

    def keep(self, mask: "NDArray[np.bool_]") -> None:
        """Leave out the rows where the mask, (rows,) bool, is false."""
        if mask.all():
            return
        self.rows = self.rows[mask]
        if self.widths is not None:
            self.widths = self.widths[mask]
        for column in self.columns:
            column.codes = column.codes[mask]


class _Codes(dict[str, int]):
    """Text -> its code; a new text gets the next one, blanks alone are empty."""

    def __init__(self, *, neutralised: bool) -> None:
        super().__init__()
        self.values_in_order: list[str] = []
        self._neutralised = neutralised
        self._codes: dict[str, int] = {}  # of values, once the apostrophe before them is gone

    def __missing__(self, text: str) -> int:
        plain = restored(text) if self._neutralised else text
        if not plain.strip():
            code = EMPTY
        else:
            code = self._codes.setdefault(plain, len(self.values_in_order))
            if code == len(self.values_in_order):
                self.values_in_order.append(plain)
        self[text] = code
        return code


class GridBuilder:
    """Takes rows of text and codes them, column by column and chunk by chunk.

    Args:
        file: the name for messages.
        neutralised: undo the apostrophes before what a spreadsheet would run as a formula.
    """

    def __init__(self, file: str, *, neutralised: bool = False) -> None:
        self._file = file
        self._neutralised = neutralised
        self._codes: list[_Codes] = []
        self._parts: list[list[NDArray[np.int32]]] = []
        self._numbers: list[NDArray[np.int32]] = []
        self._widths: list[NDArray[np.int32]] = []
        self._length = 0

    def add(self, rows: Sequence[Sequence[str]], numbers: "NDArray[np.int32]") -> None:
        """Add rows and their numbers.

        Raises:
            InputError: if the table is larger than is reasonable.
        """
        if not rows:
            return
        widths = np.fromiter(map(len, rows), np.int32, len(rows))
        width, least = int(widths.max()), int(widths.min())
        self._check(len(rows), width)
        while len(self._codes) < width:
            self._codes.append(_Codes(neutralised=self._neutralised))
            empty = [np.full(self._length, EMPTY, np.int32)] if self._length else []
            self._parts.append(empty)
        columns: Iterable[Sequence[str]]
        if width == least:
            columns = zip(*rows, strict=True)
        else:
            columns = zip(*((*row, *[""] * (width - len(row))) for row in rows), strict=True)
        for codes, parts, cells in zip(self._codes, self._parts, columns, strict=False):
            parts.append(np.fromiter(map(codes.__getitem__, cells), np.int32, len(cells)))
        for parts in self._parts[width:]:
            parts.append(np.full(len(rows), EMPTY, np.int32))
        self._numbers.append(numbers)
        self._widths.append(widths)
        self._length += len(rows)

    def _check(self, rows: int, width: int) -> None:
        length, width = self._length + rows, max(width, len(self._codes))
        if length > MAX_ROWS or width > MAX_COLUMNS or length * width > MAX_CELLS:
            raise InputError(f"{self._file} has too many rows or columns. Nothing was imported.")

    def columns(self) -> list[RawColumn]:
        """All columns, as long as the rows that were added."""
        return [
            RawColumn(codes.values_in_order, np.concatenate(parts))
            for codes, parts in zip(self._codes, self._parts, strict=True)
        ]

    def numbers(self) -> "NDArray[np.int32]":
        """(rows,) int32: their numbers."""
        return np.concatenate(self._numbers) if self._numbers else np.zeros(0, np.int32)

    def widths(self) -> "NDArray[np.int32]":
        """(rows,) int32: how many cells each row has."""
        return np.concatenate(self._widths) if self._widths else np.zeros(0, np.int32)


def compact(column: RawColumn) -> RawColumn:
    """The same cells without values that stand nowhere any more."""
    filled = column.codes[column.codes >= 0]
    used = np.bincount(filled, minlength=len(column.values)) > 0
    if used.all():
        return column
    places = np.append(np.cumsum(used) - 1, EMPTY).astype(np.int32)
    values = [value for value, stands in zip(column.values, used, strict=True) if stands]
    return RawColumn(values, places[column.codes])


def coded(texts: Sequence[str], codes: "NDArray[np.integer]") -> RawColumn:
    """A column from another program's codes: texts that are alike become one, blanks empty.

    Args:
        texts: one per code of the other program.
        codes: (rows,) places in `texts`, -1 where the cell is empty.
    """
    found = _Codes(neutralised=False)
    places = np.array([*(found[text] for text in texts), EMPTY], np.int32)
    return compact(RawColumn(found.values_in_order, places[codes]))
