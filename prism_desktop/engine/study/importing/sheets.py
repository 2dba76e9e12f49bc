"""Reading XLSX workbooks.

A workbook is hostile until parsed: sizes are checked before, links are dropped.
"""

import re
import zipfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.cells import Cell
from prism_desktop.engine.study.importing.tables import MAX_COLUMNS, MAX_ROWS, Row, Table, plain

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_UNPACKED = 2 * 1024**3
MAX_PARTS = 10_000
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read_xlsx(path: Path) -> list[Table]:
    """Read every sheet. A formula gives its stored result; one that has none stays as its text.

    Raises:
        InputError: if the file is damaged, too large once unpacked, or not a workbook.
    """
    formulas = _inspect(path)
    try:
        with ExitStack() as opened:
            values = opened.enter_context(_opened(path, data_only=True))
            sources = opened.enter_context(_opened(path, data_only=False)) if formulas else None
            return [
                _sheet(path, values, sources, name)
                for name in values.sheetnames
                if name in _worksheets(values)
            ]
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its parser met
        raise InputError(
            f"{path.name} is a damaged workbook ({error}); nothing was imported."
        ) from error


def _inspect(path: Path) -> bool:
    """Check the archive before anything is parsed; tell whether a sheet holds formulas."""
    formulas = False
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise InputError(
                    f"{path.name} unpacks to more than is reasonable; nothing was imported."
                )
            if not any(part.filename.startswith("xl/workbook") for part in parts):
                raise InputError(
                    f"{path.name} is an archive, not an Excel workbook; nothing was imported."
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    formulas |= _look_into(archive, part, path)
    except InputError:
        raise
    except Exception as error:  # damaged archives raise errors of zlib, struct and more
        raise InputError(f"{path.name} is a damaged workbook; nothing was imported.") from error
    return formulas


def _look_into(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path) -> bool:
    """Refuse document types (entity bombs need one); tell whether a sheet has a formula."""
    formulas, tail = False, b""
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            window = tail + chunk
            if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                raise InputError(
                    f"{path.name} holds an XML document type, as no workbook does; nothing was "
                    "imported."
                )
            formulas = formulas or b"<f>" in window or b"<f " in window
            tail = window[-16:]
    return formulas and part.filename.startswith("xl/worksheets/")


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


def _worksheets(book: "Workbook") -> set[str]:
    return {sheet.title for sheet in book.worksheets}


def _sheet(path: Path, values: "Workbook", sources: "Workbook | None", name: str) -> Table:
    """The rows of one sheet; `sources` tells of a cell without
    a value which formula stands there, and goes along row by row."""
    rows: list[Row] = []
    with ExitStack() as opened:
        texts = (
            opened.enter_context(closing(_cells(sources, name))) if sources is not None else None
        )
        read = opened.enter_context(closing(_cells(values, name)))
        for number, cells in enumerate(read, start=1):
            formulas = next(texts) if texts is not None else None
            if len(cells) > MAX_COLUMNS or number > MAX_ROWS:
                raise InputError(f"{path.name} has too many rows or columns; nothing was imported.")
            if formulas is not None:
                cells = tuple(
                    old if new is None else new for new, old in zip(cells, formulas, strict=True)
                )
            if any(cell is not None and cell != "" for cell in cells):
                rows.append((number, cells))
    only = len(values.sheetnames) == 1
    return Table(path.name if only else f"{path.name}, sheet {name}", rows)


def _cells(book: "Workbook", name: str) -> Generator[tuple[Cell, ...]]:
    sheet = book[name]
    sheet.reset_dimensions()  # a sheet may claim a million empty columns
    with closing(sheet.iter_rows(values_only=True)) as rows:
        for cells in rows:
            yield tuple(_unescaped(cell) for cell in cells)


def _unescaped(cell: object) -> Cell:
    """Workbooks write a control character as _x000D_ (ECMA-376 part 1, 22.9.2.19)."""
    if isinstance(cell, str) and "_x" in cell:
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell)
    return plain(cell)
