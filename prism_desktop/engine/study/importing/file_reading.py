"""Reading files, recognised by what they hold, into tables.

Nothing that a file contains is ever run: formulas are not evaluated, links not followed, pickles
not read.
"""

from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.decimal_signs import with_decimal_sign
from prism_desktop.engine.study.importing.grids import MAX_BYTES, Grid
from prism_desktop.engine.study.importing.header_rows import with_header
from prism_desktop.engine.study.importing.recipe import Recipe

_EMPTY_RECIPE: Final = Recipe()


def read_data_tables(path: Path, recipe: Recipe = _EMPTY_RECIPE) -> list[DataTable]:
    """Read every table of a file.

    Args:
        path: the file; what it is is told by its content.
        recipe: its encoding, delimiter, decimal sign and sheets are heeded.

    Returns:
        At least one table; none of them is without rows.

    Raises:
        InputError: if the file cannot be read, is too large or holds no table.
    """
    start = _start(path)
    if start.startswith(b"PK\x03\x04"):
        tables = _with_headers(_archive(path, recipe))
    else:
        tables = _with_headers([_text(path, recipe)])
    tables = [table for table in tables if len(table) and table.columns]
    if not tables:
        raise InputError(f"{path.name} holds no rows of data. Nothing was imported.")
    return [with_decimal_sign(table, recipe.decimal) for table in tables]


def _start(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Nothing was imported."
        ) from error
    if size > MAX_BYTES:
        raise InputError(
            f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; split it. Nothing was imported."
        )
    return start


def _with_headers(grids: list[Grid]) -> list[DataTable]:
    return [table for grid in grids if (table := with_header(grid)) is not None]


def _archive(path: Path, recipe: Recipe) -> list[Grid]:
    from prism_desktop.engine.study.importing.spreadsheets import read_workbook

    return read_workbook(path, recipe.sheets)


def _text(path: Path, recipe: Recipe) -> Grid:
    from prism_desktop.engine.study.importing.text_tables import read_text

    return read_text(path, recipe)
