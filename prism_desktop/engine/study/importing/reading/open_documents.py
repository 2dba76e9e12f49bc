"""Reading ODS workbooks (LibreOffice and others), sheet by sheet as they stand in the XML."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.study.importing.data_tables import Reading
from prism_desktop.engine.study.importing.reading.grids import (
    MAX_COLUMNS,
    MAX_MERGES,
    MAX_ROWS,
    Grid,
    Merge,
)
from prism_desktop.engine.study.importing.reading.sheet_rows import SheetReader, chosen

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAMESPACE: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
_TABLE: Final = _NAMESPACE + "table:1.0}"
_OFFICE: Final = _NAMESPACE + "office:1.0}"
_TEXT: Final = _NAMESPACE + "text:1.0}"
_STYLE: Final = _NAMESPACE + "style:1.0}"
_REPEATED_ROWS: Final = 100_000  # alike rows that hold something; more is no table of people


@dataclass(slots=True)
class _Sheet:
    """What was read of one sheet."""

    name: str
    reader: SheetReader
    hidden: bool = False
    row: int = 1  # the number of the next
    merges: list[Merge] = field(default_factory=list)


def read_ods(path: Path, asked: Sequence[str]) -> list[Grid]:
    """Read the sheets of an ODS workbook whose archive was inspected.

    Raises:
        InputError: if it is damaged, locked or too large, or has none of the sheets.
    """
    from xml.etree.ElementTree import ParseError

    try:
        with open_foreign(path) as file, zipfile.ZipFile(file) as archive:
            if "META-INF/manifest.xml" in archive.namelist() and (
                b"encryption-data" in archive.read("META-INF/manifest.xml")
            ):
                raise InputError(
                    f"{path.name} is locked with a password; save it without one. Nothing was "
                    "imported."
                )
            sheets = _sheets(path, archive)
    except RecursionError as error:
        raise InputError(
            f"{path.name} nests its text without end. Nothing was imported."
        ) from error
    except (ParseError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path.name} is a damaged workbook ({error}). Nothing was imported."
        ) from error
    names = [sheet.name for sheet in sheets]
    hidden = [sheet.name for sheet in sheets if sheet.hidden]
    taken, notices = chosen(path, names, hidden, asked)
    alone = len(sheets) == 1
    grids = [
        sheet.reader.grid(
            path.name if alone else f"{path.name}, sheet {sheet.name}",
            Reading(sheet="" if alone else sheet.name, kind="ods"),
            sheet.merges,
        )
        for sheet in sheets
        if sheet.name in taken
    ]
    for grid in grids[:1]:
        grid.notices[:0] = notices
    return grids


def _sheets(path: Path, archive: zipfile.ZipFile) -> list[_Sheet]:
    """All sheets; every row is forgotten once it was read."""
    from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

    sheets: list[_Sheet] = []
    unseen: set[str] = set()  # styles of hidden sheets
    depth = 0
    around: list[Element] = []  # elements that have begun and not ended
    with archive.open("content.xml") as file:
        for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                around.append(element)
            else:
                around.pop()
            if element.tag == _TABLE + "table":
                depth += 1 if event == "start" else -1
                if event == "start" and depth == 1:
                    sheets.append(_begun(path, element, unseen))
                elif event == "end":
                    element.clear()
            elif event == "end" and element.tag == _STYLE + "style":
                if any(e.get(_TABLE + "display") == "false" for e in element):
                    unseen.add(element.get(_STYLE + "name", ""))
            elif event == "end" and element.tag == _TABLE + "table-row" and depth == 1:
                _read_row(path, sheets[-1], element)
                del around[-1][:]
    return sheets


def _begun(path: Path, element: "Element", unseen: set[str]) -> _Sheet:
    hidden = element.get(_TABLE + "style-name", "") in unseen
    return _Sheet(element.get(_TABLE + "name", ""), SheetReader(path.name), hidden)


def _read_row(path: Path, sheet: _Sheet, element: "Element") -> None:
    cells: list[object] = []
    formulas: list[object] = []
    for cell in element:
        if cell.tag not in {_TABLE + "table-cell", _TABLE + "covered-table-cell"}:
            continue
        times = _count(cell, "number-columns-repeated")
        value = _value(cell)
        _note_merge(sheet, cell, len(cells))
        if value is None and len(cells) + times > MAX_COLUMNS:
            times = max(MAX_COLUMNS - len(cells), 0)  # empty cells to the sheet's end
        elif len(cells) + times > MAX_COLUMNS:
            raise InputError(f"{path.name} has too many rows or columns. Nothing was imported.")
        cells += [value] * times
        formulas += [cell.get(_TABLE + "formula")] * times
    times = _count(element, "number-rows-repeated")
    if any(cell not in (None, "") for cell in cells):
        if times > _REPEATED_ROWS or sheet.row + times > MAX_ROWS:
            raise InputError(f"{path.name} has too many rows or columns. Nothing was imported.")
        for number in range(sheet.row, sheet.row + times):
            sheet.reader.add(number, cells, formulas)
    sheet.row = min(sheet.row + times, MAX_ROWS)


def _count(element: "Element", name: str) -> int:
    return max(int(element.get(_TABLE + name, "1")[:9]), 1)


def _note_merge(sheet: _Sheet, cell: "Element", place: int) -> None:
    down, across = _count(cell, "number-rows-spanned"), _count(cell, "number-columns-spanned")
    if (down > 1 or across > 1) and len(sheet.merges) < MAX_MERGES:
        sheet.merges.append(Merge(sheet.row, sheet.row + down - 1, place, place + across - 1))


def _value(cell: "Element") -> object:
    """What a cell holds: its value as a program reads it, not as it is shown."""
    kind = cell.get(_OFFICE + "value-type", "")
    shown = "\n".join(_words(part) for part in cell if part.tag == _TEXT + "p")
    if shown.startswith(("#", "Err:")) and cell.get(_TABLE + "formula"):
        return shown  # an error
    if kind in {"float", "percentage", "currency"}:
        number = _number(cell.get(_OFFICE + "value", "nan"))
        return (shown or None) if number is None else number
    if kind == "date":
        written = cell.get(_OFFICE + "date-value", "")
        return _date(written) or shown or written or None
    if kind == "boolean":
        return cell.get(_OFFICE + "boolean-value") == "true"
    if kind == "string":
        return cell.get(_OFFICE + "string-value") or shown or None
    if kind == "time":
        return shown or cell.get(_OFFICE + "time-value")
    return shown or None


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


def _date(written: str) -> date | None:
    try:
        return datetime.fromisoformat(written) if "T" in written else date.fromisoformat(written)
    except ValueError:
        return None


def _words(element: "Element") -> str:
    """The text of a paragraph; blanks beyond one, tabs and line breaks are elements."""
    return "".join(_pieces(element))


def _pieces(element: "Element") -> Iterator[str]:
    yield element.text or ""
    for part in element:
        if part.tag == _TEXT + "s":
            yield " " * min(int(part.get(_TEXT + "c", "1")[:4]), 1000)
        elif part.tag == _TEXT + "tab":
            yield "\t"
        elif part.tag == _TEXT + "line-break":
            yield "\n"
        elif not part.tag.startswith(_OFFICE):  # remarks are no content
            yield from _pieces(part)
        yield part.tail or ""
