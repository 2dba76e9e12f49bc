"""Tables as every reader of files gives them, and how large they may be."""

from dataclasses import dataclass
from datetime import datetime

from prism_desktop.engine.study.importing.cells import Cell

MAX_BYTES = 2 * 1024**3
MAX_ROWS = 20_000_000
MAX_COLUMNS = 2_000
MAX_CELLS = 200_000_000  # a Parquet file of a megabyte can claim more than any memory holds

Row = tuple[int, tuple[Cell, ...]]  # (number as a spreadsheet shows it, cells)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file or sheet, its header among them; empty rows are left out."""

    name: str  # "ratings.csv", or "study.xlsx, sheet ratings"
    rows: list[Row]
    decimal_comma: bool = False  # numbers are written 3,5
    notices: tuple[str, ...] = ()


def plain(cell: object) -> Cell:
    """What a reader met as one of the kinds that a cell may be of; anything else as its text."""
    if cell is None or isinstance(cell, str | int | float | bool | datetime):
        return cell
    return str(cell)
