"""Reading workbooks: XLSX here, ODS in open_documents.

A workbook is hostile until parsed: sizes are checked before, links are dropped.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.archives import inspect
from prism_desktop.engine.study.importing.cell_texts import ERRORS, text_of
from prism_desktop.engine.study.importing.data_tables import Reading
from prism_desktop.engine.study.importing.grids import CHUNK, Grid, GridBuilder, Merge, counted

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MERGE: Final = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s>/]")
_MAX_MERGES: Final = 200_000


def read_workbook(path: Path, sheets: Sequence[str] = ()) -> list[Grid]:
    """Read the sheets of an XLSX or ODS workbook.

    Args:
        path: a zip archive.
        sheets: names of those to read; none for all that are not hidden.

    Raises:
        InputError: if the file is damaged, too large once unpacked, no workbook, or has none of
            the sheets.
    """
    found = _Parts()
    names = inspect(path, found.look)
    if any(name.startswith("xl/workbook") for name in names):
        return _read_xlsx(path, sheets, found)
    if "content.xml" in names:
        from prism_desktop.engine.study.importing.open_documents import read_ods

        return read_ods(path, sheets)
    raise InputError(
        f"{path.name} is an archive, not a workbook; unpack it and import the files in it. Nothing "
        "was imported."
    )


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


@dataclass(slots=True)
class _Parts:
    """What the raw XML of sheets tells that a streaming reader does not."""

    merges: dict[str, set[Merge]] = field(default_factory=lambda: defaultdict(set))
    formulas: set[str] = field(default_factory=set)

    def look(self, part: str, piece: bytes) -> None:
        """Note merged cells and formulas in a piece of a sheet."""
        if not part.startswith("xl/worksheets/"):
            return
        if part not in self.formulas and _FORMULA.search(piece):
            self.formulas.add(part)
        for left, top, right, bottom in _MERGE.findall(piece):
            if len(self.merges[part]) >= _MAX_MERGES:
                return
            self.merges[part].add(
                Merge(int(top[:9]), int(bottom[:9]), _column(left), _column(right))
            )


def _column(letters: bytes) -> int:
    """The place, from 0, of a column that a spreadsheet calls A, B, ..."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1


def _read_xlsx(path: Path, asked: Sequence[str], parts: _Parts) -> list[Grid]:
    try:
        with ExitStack() as opened:
            values = opened.enter_context(_opened(path, data_only=True))
            sources = (
                opened.enter_context(_opened(path, data_only=False)) if parts.formulas else None
            )
            tables = {sheet.title: sheet for sheet in values.worksheets}
            hidden = [name for name, sheet in tables.items() if sheet.sheet_state != "visible"]
            names, notices = chosen(path, list(tables), hidden, asked)
            grids = [
                _sheet(path, tables[name], sources, parts, alone=len(tables) == 1) for name in names
            ]
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its parser met
        raise InputError(
            f"{path.name} is a damaged workbook ({error}). Nothing was imported."
        ) from error
    for grid in grids[:1]:
        grid.notices[:0] = notices
    return grids


@contextmanager
def _opened(path: Path, *, data_only: bool) -> "Iterator[Workbook]":
    """A workbook and its file, which openpyxl leaves open where it fails in the middle."""
    import warnings

    import openpyxl

    with path.open("rb") as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that it drops
            book = openpyxl.load_workbook(
                file, read_only=True, data_only=data_only, keep_links=False
            )
        with closing(book):
            yield book


def _sheet(
    path: Path, sheet: "Worksheet", sources: "Workbook | None", parts: _Parts, *, alone: bool
) -> Grid:
    """One sheet; `sources` tells of cells without a value that a formula stands there."""
    name = sheet.title
    part = str(getattr(sheet, "_worksheet_path", ""))
    reader = SheetReader(path.name)
    with ExitStack() as opened:
        read = opened.enter_context(closing(_cells(sheet)))
        texts = None
        if sources is not None and (part in parts.formulas or not part):
            texts = opened.enter_context(closing(_cells(sources[name])))
        for number, cells in enumerate(read, start=1):
            reader.add(number, cells, next(texts) if texts is not None else None)
    return reader.grid(
        path.name if alone else f"{path.name}, sheet {name}",
        Reading(sheet="" if alone else name, kind="xlsx"),
        sorted(parts.merges.get(part, ()), key=lambda merge: (merge.top, merge.left)),
    )


def _cells(sheet: "Worksheet") -> Generator[tuple[object, ...]]:
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # may claim a million empty columns
    with closing(sheet.iter_rows(values_only=True)) as rows:
        yield from rows


class SheetReader:
    """Takes the rows of a sheet as its library gives them and turns them into a grid.

    Args:
        file: the name for messages.
    """

    def __init__(self, file: str) -> None:
        self._builder = GridBuilder(file)
        self._rows: list[list[str]] = []
        self._numbers: list[int] = []
        self._errors: list[tuple[int, str]] = []
        self._unset: list[int] = []
        self._dates: Counter[int] = Counter()
        self._others: Counter[int] = Counter()
        self._first_date: dict[int, tuple[int, str]] = {}

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
            if cell in ERRORS:
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
        return grid
