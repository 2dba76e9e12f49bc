"""The sheets of a workbook and their rows, whichever library reads them."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.data_tables import Reading
from prism_desktop.engine.study.importing.reading.cell_texts import ERRORS, text_of
from prism_desktop.engine.study.importing.reading.grids import (
    CHUNK,
    Grid,
    GridBuilder,
    Merge,
)

_ROUNDED: Final = 1e15  # what a spreadsheet program keeps 15 digits of
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def chosen(
    path: Path, names: Sequence[str], hidden: Sequence[str], asked: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The sheets to read, and what to say of others.

    Raises:
        InputError: if sheets are asked for and none is there.
    """
    if asked:
        wanted = {name.strip().casefold() for name in asked}
        found = [name for name in names if name.strip().casefold() in wanted]
        if not found:
            raise InputError(
                f"{path.name} has no sheet {' or '.join(asked)}, but {', '.join(names)}. Nothing "
                "was imported."
            )
        return found, []
    seen = [name for name in names if name not in hidden]
    if not seen:
        return list(names), []
    if not hidden:
        return seen, []
    some = ", ".join(f"“{name}”" for name in hidden)
    return seen, [f"Hidden sheets were left out: {some}; name one with --sheet to read it."]


class SheetReader:
    """Takes the rows of a sheet as its library gives them and turns them into a grid.

    Args:
        file: the name for messages.
        errors: whether a text such as #N/A may be the result of a formula that failed.
    """

    def __init__(self, file: str, *, errors: bool = True) -> None:
        self._may_fail = errors
        self._builder = GridBuilder(file)
        self._rows: list[list[str]] = []
        self._numbers: list[int] = []
        self._errors: list[tuple[int, str]] = []
        self._unset: list[int] = []
        self._dates: Counter[int] = Counter()
        self._others: Counter[int] = Counter()
        self._first_date: dict[int, tuple[int, str]] = {}
        self._rounded: Counter[int] = Counter()
        self._first_rounded: dict[int, tuple[int, str]] = {}

    def add(
        self, number: int, cells: Sequence[object], formulas: Sequence[object] | None = None
    ) -> None:
        """Add a row of cells; `formulas` has a formula's text where its result may be missing."""
        texts = [self._text(number, place, cell) for place, cell in enumerate(cells)]
        if formulas is not None:
            self._unset += [
                number
                for text, cell, formula in zip(texts, cells, formulas, strict=False)
                if cell is None and formula is not None and not text
            ]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            return
        self._rows.append(texts)
        self._numbers.append(number)
        if len(self._rows) >= CHUNK:
            self._flush()

    def _text(self, number: int, place: int, cell: object) -> str:
        if cell is None:
            return ""
        if isinstance(cell, str):
            if self._may_fail and cell in ERRORS:
                self._errors.append((number, cell))
                return ""
            self._others[place] += 1
            if "_x" in cell:  # a control character (ECMA-376 part 1, 22.9.2.19)
                return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell)
            return cell
        text = text_of(cell)
        if isinstance(cell, date):
            self._dates[place] += 1
            self._first_date.setdefault(place, (number, text))
        else:
            self._others[place] += 1
            if isinstance(cell, float | int) and abs(cell) >= _ROUNDED:
                self._rounded[place] += 1
                self._first_rounded.setdefault(place, (number, text))
        return text

    def _flush(self) -> None:
        self._builder.add(self._rows, np.array(self._numbers, np.int32))
        self._rows, self._numbers = [], []

    def grid(self, name: str, reading: Reading, merges: Sequence[Merge] = ()) -> Grid:
        """All rows that hold something."""
        self._flush()
        grid = Grid(
            name,
            name.split(", sheet ")[0],
            self._builder.columns(),
            self._builder.numbers(),
            reading,
            merges=list(merges),
        )
        if self._errors:
            row, error = self._errors[0]
            grid.notices.append(
                f"{counted(len(self._errors), 'cell holds', 'cells hold')} an error such as "
                f"{error} (first: row {row}) and were taken as empty."
            )
        if self._unset:
            grid.notices.append(
                f"{counted(len(self._unset), 'formula has', 'formulas have')} no stored result "
                f"(first: row {self._unset[0]}) and were taken as empty; open the file in a "
                "spreadsheet program, save it and import it again."
            )
        for place, dates in sorted(self._dates.items()):
            if self._others[place] > 2:  # the header and the lines above it are text anyway
                row, text = self._first_date[place]
                grid.notices.append(
                    f"{counted(dates, 'cell')} in column {place + 1} among others that are none: "
                    f"a date (row {row}: {text}). A spreadsheet program may have made them of "
                    "values such as 1-2 or 3.4; what stood there is lost."
                )
        for place, count in sorted(self._rounded.items()):
            row, text = self._first_rounded[place]
            grid.notices.append(
                f"{counted(count, 'cell')} in column {place + 1} with a number of more than 15 "
                f"digits (row {row}: {text}). Spreadsheet programs round these, so that different "
                "ones may have become the same; save such a column as text, or the table as CSV."
            )
        return grid
