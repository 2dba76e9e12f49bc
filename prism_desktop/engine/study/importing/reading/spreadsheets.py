"""Reading workbooks: XLSX here, ODS in open_documents.

A workbook is hostile until parsed: sizes are checked before, links are dropped.
"""

import re
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.study.importing.data_tables import Reading
from prism_desktop.engine.study.importing.reading.archives import inspect
from prism_desktop.engine.study.importing.reading.grids import MAX_MERGES, Grid, Merge
from prism_desktop.engine.study.importing.reading.open_documents import read_ods
from prism_desktop.engine.study.importing.reading.sheet_rows import SheetReader, chosen

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MERGE: Final = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s>/]")
_FAILED: Final = re.compile(rb"""\st=["']e["']""")


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
        return read_ods(path, sheets)
    raise InputError(
        f"{path.name} is an archive, not a workbook; unpack it and import the files in it. Nothing "
        "was imported."
    )


@dataclass(slots=True)
class _Parts:
    """What the raw XML of sheets tells that a streaming reader does not."""

    merges: dict[str, set[Merge]] = field(default_factory=lambda: defaultdict(set))
    formulas: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def look(self, part: str, piece: bytes) -> None:
        """Note merged cells, formulas and failed formulas in a piece of a sheet."""
        if not part.startswith("xl/worksheets/"):
            return
        if part not in self.formulas and _FORMULA.search(piece):
            self.formulas.add(part)
        if part not in self.errors and _FAILED.search(piece):
            self.errors.add(part)
        for left, top, right, bottom in _MERGE.findall(piece):
            if len(self.merges[part]) >= MAX_MERGES:
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
        raise_fault(error, path, kept="Nothing was imported.")
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

    with open_foreign(path) as file:
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
    reader = SheetReader(path.name, errors=part in parts.errors or not part)
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
