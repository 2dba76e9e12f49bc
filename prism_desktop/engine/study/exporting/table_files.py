"""A table of results as CSV, XLSX or Parquet, as the file's name ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import text_file
from prism_desktop.engine.study.exporting.columns import Column, Type, Value
from prism_desktop.engine.study.formula_guard import CsvWriter

TABLES: Final = (".csv", ".xlsx", ".parquet")


def check_kind(path: Path) -> None:
    """Whether a table can be written under a file's name.

    Raises:
        InputError: it ends otherwise.
    """
    if path.suffix.lower() not in TABLES:
        raise InputError(f"A table is saved as {', '.join(TABLES)}, not as {path.name}.")


def write_table(
    beside: Path, kind: str, name: str, head: Sequence[str], body: Sequence[Sequence[object]]
) -> None:
    """Write rows; what is unknown stays empty.

    CSV is UTF-8 with a byte order mark, so that Excel reads accents; cells that look like formulas
    are defused there, and are text in a workbook.

    Args:
        beside: the file, which has no name yet.
        kind: one of `TABLES`.
        name: of the sheet.
        head: names of the columns.
        body: the rows.

    Raises:
        InputError: another kind, or more than the kind can hold.
    """
    check_kind(Path(f"table{kind}"))
    if kind == ".csv":
        with text_file(beside, "utf-8-sig") as file:
            writer = CsvWriter(file)
            for line in (head, *body):
                writer.row(line)
        return
    from prism_desktop.engine.study.exporting.rows import Sheet
    from prism_desktop.engine.study.exporting.writers import write_parquet, write_xlsx

    rows = [tuple(_value(cell) for cell in line) for line in body]
    columns = tuple(
        Column(title, _type([row[place] for row in rows]), "") for place, title in enumerate(head)
    )
    typed = [
        tuple(_typed(cell, column.type) for cell, column in zip(row, columns, strict=True))
        for row in rows
    ]
    sheet = Sheet(name[:31], columns, len(typed), lambda: typed)
    for _ in write_xlsx([sheet], beside) if kind == ".xlsx" else write_parquet(sheet, beside):
        pass


def _value(cell: object) -> Value:
    """A cell as plain data; NaN is unknown."""
    item = getattr(cell, "item", None)  # of NumPy
    plain = item() if callable(item) else cell
    if plain is None or plain != plain:
        return None
    return plain if isinstance(plain, bool | int | float | str) else str(plain)


def _type(cells: Sequence[Value]) -> Type:
    """What a column holds; numbers of both kinds are numbers, anything mixed is text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "yes/no"
    if kinds == {int}:
        return "integer"
    return "number" if kinds and kinds <= {int, float} else "text"


def _typed(cell: Value, kind: Type) -> Value:
    if cell is None:
        return None
    if kind == "number":
        return float(cell)
    return str(cell) if kind == "text" else cell
