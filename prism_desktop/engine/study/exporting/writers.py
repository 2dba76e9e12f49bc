"""Writing tables as CSV, XLSX, Parquet and JSON lines so that they
open safely elsewhere and come back unchanged."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.files import text_file
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.exporting.columns import Value
from prism_desktop.engine.study.exporting.rows import Sheet
from prism_desktop.engine.study.formula_guard import CsvWriter

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

# Excel's limits: rows below the header, characters in a cell
XLSX_ROWS, XLSX_TEXT = (1_048_575, 32_767)
_EVERY = 5_000  # rows between two counts
_GROUP = 20_000  # rows of a Parquet file that are in memory at one time
# ECMA-376 part 1, 22.9.2.19: characters that XML cannot hold, and what would be mistaken for their
# escape.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def write_csv(sheet: Sheet, beside: Path) -> Iterator[int]:
    """RFC 4180 in UTF-8; text that a spreadsheet would run as a formula gets a leading '.

    Yields rows written.
    """
    with text_file(beside) as file:
        writer = CsvWriter(file)
        writer.row(column.name for column in sheet.columns)
        for number, row in enumerate(sheet.rows()):
            writer.row(map(_word, row))
            if number % _EVERY == 0:
                yield number


def _word(value: Value) -> Value:
    """Yes and no as words; other values as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def write_parquet(sheet: Sheet, beside: Path) -> Iterator[int]:
    """One file, each column with its explanation in its metadata. Yields rows written."""
    import pyarrow
    import pyarrow.parquet

    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "yes/no": pyarrow.bool_(),
    }
    fields = [
        pyarrow.field(column.name, types[column.type], metadata={"explanation": column.explanation})
        for column in sheet.columns
    ]
    schema, coming = pyarrow.schema(fields), sheet.rows()
    with pyarrow.parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
        done = 0
        while rows := list(islice(coming, _GROUP)):
            columns: Sequence[Sequence[Value]] = list(zip(*rows, strict=True))
            arrays = [
                pyarrow.array(values, each.type)
                for values, each in zip(columns, fields, strict=True)
            ]
            writer.write_table(pyarrow.table(arrays, schema=schema))
            done += len(rows)
            yield done


def write_jsonl(sheet: Sheet, beside: Path) -> Iterator[int]:
    """One object per row and line in UTF-8, with every column; null where nothing is known.

    Yields rows written.
    """
    names = [column.name for column in sheet.columns]
    with text_file(beside) as file:
        for number, row in enumerate(sheet.rows()):
            json.dump(dict(zip(names, row, strict=True)), file, ensure_ascii=False)
            file.write("\n")
            if number % _EVERY == 0:
                yield number


def write_xlsx(sheets: Iterable[Sheet], beside: Path) -> Iterator[int]:
    """One workbook with a sheet per table; no cell is a formula.

    Yields rows written over all sheets.

    Raises:
        InputError: if a table is longer or a text larger than Excel allows.
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    done = 0
    try:
        for sheet in sheets:
            if sheet.count > XLSX_ROWS:
                raise InputError(
                    f"{sheet.name} has {counted(sheet.count, 'row')}, more than Excel can hold; "
                    "choose CSV or Parquet."
                )
            yield done
            page: Any = book.create_sheet(sheet.name)
            page.freeze_panes = "A2"
            page.append([_xlsx(page, column.name) for column in sheet.columns])
            for row in sheet.rows():
                page.append([_xlsx(page, value) for value in row])
                done += 1
                if done % _EVERY == 0:
                    yield done
        _save(book, beside)
    except BaseException:
        _discard(book)
        raise


def _save(book: "Workbook", beside: Path) -> None:
    """What `Workbook.save` does; that one leaves the archive open if the disk is full."""
    from openpyxl.writer.excel import ExcelWriter

    with ZipFile(beside, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).save()


def _discard(book: "Workbook") -> None:
    """Close and remove the sheets' temporary files, as saving does where it succeeds."""
    for page in cast("list[Any]", book.worksheets):
        with suppress(Exception):  # removed by then, or on a disk that is full, too
            if not page.closed:
                page.close()
        with suppress(Exception):
            page._writer.cleanup()


def _xlsx(page: "Worksheet", value: Value) -> object:
    """A value as openpyxl will write it without loss: it guesses
    formulas and errors, and cuts numbers to 16 digits."""
    if isinstance(value, str):
        safe = _UNWRITABLE.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
        if len(safe) > XLSX_TEXT:
            raise InputError(
                f"A text of {len(value)} characters does not fit into Excel; choose CSV or Parquet."
            )
        return _as(page, safe, "s") if safe.startswith(("=", "#")) else safe
    if isinstance(value, float) and float(f"{value:.16g}") != value:
        return _as(page, repr(value), "n")
    return value


def _as(page: "Worksheet", text: str, kind: str) -> object:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(page, text)
    cell.data_type = kind
    return cell
