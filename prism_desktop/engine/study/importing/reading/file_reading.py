"""Reading files, recognised by what they hold, into tables.

Nothing that a file contains is ever run: formulas are not evaluated, links not followed, pickles
not read.
"""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Final, cast

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.own_export.export_names import exported_as
from prism_desktop.engine.study.importing.reading.decimal_signs import with_decimal_sign
from prism_desktop.engine.study.importing.reading.grids import MAX_BYTES, Grid
from prism_desktop.engine.study.importing.reading.header_rows import with_header
from prism_desktop.engine.study.importing.reading.json_cells import with_json_cells
from prism_desktop.engine.study.importing.reading.statistics_files import (
    read_statistics,
    statistics_kind,
)

_EMPTY_RECIPE: Final = Recipe()
_JSON: Final = re.compile(rb"[\xef\xbb\xbf\xff\xfe\s]*(\{\s*(\"|\}|$)|\[\s*[\[{\]\"0-9tfn-])")
# How files begin that are no table, and what to do with them.
_REFUSED: Final = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel file (.xls) or one that is locked with a password; save it as plain .xlsx or "
        ".csv",
    ),
    (b"PK\x05\x06", "an empty archive"),
    (b"\x1f\x8b", "packed (gzip) or a data file of R; unpack it, or save the table as .csv"),
    (b"RDX", "a data file of R; save the table as .csv"),
    (b"X\n\0\0", "a data file of R; save the table as .csv"),
    (b"HEADER RECORD*******LIB", "a transport file of SAS; save the table as .csv"),
    (b"%PDF", "a PDF document, not a table"),
    (b"\x89PNG", "an image, not a table; import images with their folder"),
    (b"\xff\xd8\xff", "an image, not a table; import images with their folder"),
    (b"\x89HDF", "an HDF5 file; save the table as .csv"),
    (b"SQLite format 3", "a database, not a table; save the table as .csv"),
    (b"{\\rtf", "a text document (RTF), not a table; save it as plain text"),
    (b"\x93NUMPY", "an array of numpy; save the table as .csv"),
    (b"<!DOCTYPE", "a web page or XML, not a table; save the table as .csv"),
    (b"<!doctype", "a web page, not a table; save the table as .csv"),
    (b"<html", "a web page, not a table; save the table as .csv"),
    (b"<?xml", "an XML document; save the table as .xlsx or .csv"),
)


def read_data_tables(path: Path, recipe: Recipe = _EMPTY_RECIPE) -> list[DataTable]:
    """Read every table of a file, as `reading_data_tables` does, in one go.

    Raises:
        InputError: if the file cannot be read, is too large or holds no table.
    """
    steps = reading_data_tables(path, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(list[DataTable], end.value)


def reading_data_tables(
    path: Path, recipe: Recipe = _EMPTY_RECIPE, *, as_written: bool = False
) -> Generator[float, None, list[DataTable]]:
    """Read every table of a file.

    Args:
        path: the file; what it is is told by its content.
        recipe: its encoding, delimiter, decimal sign and sheets are heeded.
        as_written: leave cells as they are that look like JSON, like numbers with a decimal comma,
            like comments or as if a spreadsheet had to be kept from running them: they are texts.

    Yields:
        Now and then, for large text files, which share of it has been read.

    Returns:
        At least one table; none of them is without rows.

    Raises:
        InputError: if the file cannot be read, is too large or holds no table.
    """
    tables = yield from _tables(path, recipe, as_written=as_written)
    tables = [table for table in tables if table.columns and (len(table) or _is_ours(table))]
    if not tables:
        raise InputError(f"{path.name} holds no rows of data. Nothing was imported.")
    if as_written:
        return tables
    # in a table of ours a cell that looks like JSON is a text that somebody wrote
    return [
        with_decimal_sign(table if _is_ours(table) else with_json_cells(table), recipe.decimal)
        for table in tables
    ]


def _tables(
    path: Path, recipe: Recipe, *, as_written: bool
) -> Generator[float, None, list[DataTable]]:
    """The tables of a file by what it begins with."""
    start = _start(path)
    if start.startswith(b"PK\x03\x04"):
        return _with_headers(_archive(path, recipe), as_written=as_written)
    if start.startswith(b"PAR1"):
        from prism_desktop.engine.study.importing.reading.columnar_files import read_parquet

        return [read_parquet(path)]
    if kind := statistics_kind(start):
        return [read_statistics(path, kind, recipe.encoding)]
    for mark, what in _REFUSED:
        if start.startswith(mark):
            raise InputError(f"{path.name} is {what}. Nothing was imported.")
    if _JSON.match(start.replace(b"\0", b"")):
        from prism_desktop.engine.study.importing.reading.record_files import read_records

        return [read_records(path, recipe.encoding)]
    from prism_desktop.engine.study.importing.reading.text_tables import read_text

    grid = yield from read_text(path, recipe, as_written=as_written)
    return _with_headers([grid], as_written=as_written)


def _is_ours(table: DataTable) -> bool:
    """Whether it is a table of our own export, which may well be empty."""
    return exported_as(column.name for column in table.columns) is not None


def _start(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with open_foreign(path) as file:
            start = file.read(4096)
    except OSError as error:
        raise_fault(error, path, kept="Nothing was imported.")
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Nothing was imported."
        ) from error
    if size > MAX_BYTES:
        raise InputError(
            f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; split it. Nothing was imported."
        )
    return start


def _with_headers(grids: list[Grid], *, as_written: bool) -> list[DataTable]:
    tables = (with_header(grid, as_written=as_written) for grid in grids)
    return [table for table in tables if table is not None]


def _archive(path: Path, recipe: Recipe) -> list[Grid]:
    from prism_desktop.engine.study.importing.reading.spreadsheets import read_workbook

    return read_workbook(path, recipe.sheets)


class KeptTables:
    """The tables of the files of one import: reading them with another recipe is quick unless it
    says otherwise how the files themselves are read."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], list[DataTable]]] = {}

    def reading(
        self, path: Path, recipe: Recipe, mark: str
    ) -> Generator[float, None, list[DataTable]]:
        """Read a file as `reading_data_tables` does; `mark` is the hash of what it holds.

        Raises:
            InputError: if the file cannot be read, is too large or holds no table.
        """
        how = (mark, recipe.encoding, recipe.delimiter, recipe.decimal, recipe.sheets)
        before, tables = self._kept.get(str(path), ((), []))
        if before != how:
            self._kept.pop(str(path), None)
            tables = yield from reading_data_tables(path, recipe)
            self._kept[str(path)] = (how, tables)
        return tables
