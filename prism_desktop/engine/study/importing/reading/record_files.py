"""Reading JSON and JSON lines: nested records become rows with dotted column names."""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import foreign_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.data_tables import (
    EMPTY,
    DataColumn,
    DataTable,
    LeftOut,
    Reading,
    unique_names,
)
from prism_desktop.engine.study.importing.reading.cell_texts import load_json, text_of
from prism_desktop.engine.study.importing.reading.encodings import Encoding, find_encoding
from prism_desktop.engine.study.importing.reading.grids import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
)

MAX_DOCUMENT: Final = 128 * 1024**2  # bytes of one JSON document; JSON lines may be longer
_MAX_LINE: Final = 1 << 26
_DEPTH: Final = 12  # records inside records; what lies deeper stays as JSON
# Lists of records that are rows themselves, by the names that programs give them, outermost first.
_ROWS: Final = (
    *("annotations", "completions", "result", "trials", "results", "responses", "ratings"),
    *("judgments", "judgements", "comparisons", "answers", "rows", "records", "data", "items"),
)
# What a machine proposed and what somebody did not finish: never answers of people.
_NO_ANSWERS: Final = ("predictions", "prediction", "drafts")
_CANCELLED: Final = ("was_cancelled",)


@dataclass(slots=True)
class _Found:
    """What the records of one file hold, row by row."""

    file: str
    columns: dict[str, tuple[dict[str, int], "array[int]"]] = field(default_factory=dict)
    numbers: "array[int]" = field(default_factory=lambda: array("i"))
    twice: int = 0
    halved: int = 0  # records, or a document, with half a character
    lists: set[str] = field(default_factory=set)
    left_out: dict[str, list[int]] = field(default_factory=dict)

    def leave_out(self, reason: str, number: int) -> None:
        """Note a record that gives no row."""
        self.left_out.setdefault(reason, []).append(number)

    def add(self, number: int, cells: Mapping[str, str]) -> None:
        """Add a row."""
        row = len(self.numbers)
        for name, text in cells.items():
            if name not in self.columns:
                if len(self.columns) >= MAX_COLUMNS:
                    raise _too_large(self.file)
                self.columns[name] = ({}, array("i"))
            if not text.strip():
                continue
            places, codes = self.columns[name]
            if len(codes) < row:
                codes.extend([EMPTY] * (row - len(codes)))
            codes.append(places.setdefault(text, len(places)))
        self.numbers.append(number)
        if row >= MAX_ROWS or row * len(self.columns) > MAX_CELLS:
            raise _too_large(self.file)


def _too_large(file: str) -> InputError:
    return InputError(f"{file} has too many rows or columns. Nothing was imported.")


def read_records(path: Path, encoding: str = "") -> DataTable:
    """Read JSON (a list of records, or records with such a list inside) or JSON lines.

    Rows are numbered by record, or by line. Lists of records that are rows themselves, such as the
    results of annotations, give a row each, which repeats what stands around them.

    Raises:
        InputError: if it is no JSON, nested without end, too large or without records.
    """
    written = find_encoding(path, encoding)
    found = _Found(path.name)
    lines = _is_lines(path, written)
    try:
        records = _lines(path, written, found) if lines else _document(path, written, found)
        for number, record in records:
            _expand(found, number, record, {}, "", 0)
    except RecursionError as error:
        raise InputError(f"{path.name} nests records without end. Nothing was imported.") from error
    except UnicodeError as error:
        raise InputError(f"{path.name} is not readable text. Nothing was imported.") from error
    if not found.numbers:
        raise InputError(f"{path.name} holds no records. Nothing was imported.")
    kind = "jsonl" if lines else "json"
    notices = ([written.notice] if written.notice else []) + _notices(found)
    reading = Reading(written.codec, kind=kind, header_rows=(), notices=tuple(notices))
    left_out = tuple(LeftOut(reason, tuple(rows)) for reason, rows in found.left_out.items())
    rows = np.array(found.numbers, np.int32)
    return DataTable(path.name, _columns(found), rows, path.name, reading, left_out)


def _columns(found: _Found) -> tuple[DataColumn, ...]:
    length = len(found.numbers)
    columns = []
    names = unique_names(list(found.columns))
    for name, (places, codes) in zip(names, found.columns.values(), strict=True):
        whole = np.full(length, EMPTY, np.int32)
        whole[: len(codes)] = np.array(codes, np.int32)
        columns.append(DataColumn(name, tuple(places), whole))
    return tuple(columns)


def _notices(found: _Found) -> list[str]:
    notices = []
    if found.twice:
        notices.append(
            f"{counted(found.twice, 'record names', 'records name')} the same thing twice; the "
            "second became a column of its own."
        )
    if found.halved:
        notices.append(
            f"{counted(found.halved, 'record or document holds', 'records hold')} half a character "
            "(a lone surrogate), which no file can hold; it was read as “?”."
        )
    if found.lists:
        some = ", ".join(f"“{name}”" for name in sorted(found.lists)[:10])
        notices.append(f"Lists of several entries were kept as JSON in: {some}.")
    return notices


class _FreeNames:
    """Gives names that were not given yet: the second "a" is "a (2)"."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name itself, or with the next number that is free."""
        free, number = name, self._last.get(name, 1)
        while free in self._taken:
            number += 1
            free = f"{name} ({number})"
        self._last[name] = number
        self._taken.add(free)
        return free


def _pairs(found: _Found) -> Any:
    """What json calls with an object's names and values."""

    def take(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) == len(pairs):
            return record
        found.twice += 1
        names = _FreeNames()
        return {names.free(name): value for name, value in pairs}

    return take


def _loads(text: str, found: _Found) -> Any:
    def halved() -> None:
        found.halved += 1

    return load_json(text, halved, object_pairs_hook=_pairs(found))


def _is_lines(path: Path, encoding: Encoding) -> bool:
    """Whether the first two lines are records of their own."""
    with foreign_text(path, encoding.codec, encoding.errors) as file:
        first = ""
        while not first:
            line = file.readline(_MAX_LINE)
            if not line:
                return False
            first = line.strip()
        second = next(
            (line for line in iter(lambda: file.readline(_MAX_LINE), "") if line.strip()), ""
        )
    try:
        return isinstance(json.loads(first), dict) and second.lstrip()[:1] == "{"
    except (ValueError, RecursionError):
        return False


def _lines(path: Path, encoding: Encoding, found: _Found) -> Iterator[tuple[int, Any]]:
    """Numbers of lines and their records; some broken lines are left out, many are refused."""
    broken: list[int] = []
    count = 0
    with foreign_text(path, encoding.codec, encoding.errors) as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), ""), start=1):
            if not line.strip():
                continue
            count += 1
            try:
                record = _loads(line, found)
            except ValueError:
                record = None
            if isinstance(record, dict):
                yield number, record
            else:
                broken.append(number)
    if len(broken) > max(1, 0.1 * count):
        raise InputError(
            f"{path.name} is not JSON: {len(broken):,} of {counted(count, 'line')} cannot be read "
            f"(first: line {broken[0]}). Nothing was imported."
        )
    for number in broken:
        found.leave_out("lines that are no JSON record", number)


def _document(path: Path, encoding: Encoding, found: _Found) -> Iterator[tuple[int, Any]]:
    if path.stat().st_size > MAX_DOCUMENT:
        raise InputError(
            f"{path.name} is larger than {MAX_DOCUMENT // 1024**2} MB; save it as JSON lines (one "
            "record a line) or as CSV. Nothing was imported."
        )
    with foreign_text(path, encoding.codec, encoding.errors) as file:
        text = file.read()
    try:
        content = _loads(text, found)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path.name} begins as JSON does but is none (line {error.lineno}, column "
            f"{error.colno}: {error.msg}). Nothing was imported."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path.name} is no JSON that can be read ({error}). Nothing was imported."
        ) from error
    return enumerate(_records(content, path.name, found), start=1)


def _records(content: Any, file: str, found: _Found, depth: int = 0) -> list[Any]:
    """The records of a document: itself a list, or the only list of records in it."""
    if isinstance(content, list):
        records = [record for record in content if isinstance(record, dict)]
        lists = [record for record in content if isinstance(record, list)]
        if lists and not records:
            return _of_lists(lists, file, found)
        for number, record in enumerate(content, start=1):
            if not isinstance(record, dict):
                found.leave_out("entries that are no record", number)
        return records
    if not isinstance(content, dict) or depth > 3:
        raise InputError(f"{file} is JSON without records. Nothing was imported.")
    if isinstance(content.get("columns"), list) and isinstance(content.get("data"), list):
        return _of_split(content["columns"], content["data"], file, found)
    if columns := _of_columns(content):
        return columns
    inside = [
        name
        for name, value in content.items()
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    ]
    wraps = inside and (len(content) == 1 or inside[0] in _ROWS)
    if len(inside) == 1 and wraps and inside[0] not in _ROWS[:3]:
        return _records(content[inside[0]], file, found, depth + 1)
    if content and all(isinstance(value, dict) for value in content.values()):
        return _by_key(content)
    return [content]


def _of_split(columns: list[Any], data: list[Any], file: str, found: _Found) -> list[Any]:
    """Records of a document that names its columns once (pandas, "split"); rows that are records
    name them themselves."""
    names = _names(columns, file)
    records: list[Any] = []
    for number, row in enumerate(data, start=1):
        if isinstance(row, dict):
            records.append(row)
        elif isinstance(row, list) and len(row) <= len(names):
            records.append(dict(zip(names, row, strict=False)))
        elif isinstance(row, list):
            found.leave_out("lists that are longer than the columns", number)
        else:
            found.leave_out("entries that are no record", number)
    return records


def _names(cells: list[Any], file: str) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise _too_large(file)
    names = _FreeNames()
    return [names.free(text_of(cell)) for cell in cells]


def _of_columns(content: Mapping[str, Any]) -> list[Any]:
    """Records of a document that holds a list per column (R), or a record from row to value per
    column (pandas); none if it is neither."""
    if len(content) < 2:
        return []
    values = list(content.values())
    if all(isinstance(value, list) for value in values):
        rows: list[Any] = list(range(len(values[0])))
        flat = all(not isinstance(cell, dict | list) for value in values for cell in value)
        if not flat or any(len(value) != len(rows) for value in values):
            return []
    elif all(isinstance(value, dict) for value in values):
        rows = list(values[0])
        flat = all(not isinstance(cell, dict | list) for value in values for cell in value.values())
        if not flat or len(rows) < 2 or any(list(value) != rows for value in values):
            return []
    else:
        return []
    return [{name: value[row] for name, value in content.items()} for row in rows]


def _of_lists(lists: list[list[Any]], file: str, found: _Found) -> list[Any]:
    """A list of sittings, each a list of records; or rows, the first of them names."""
    if all(isinstance(one, dict) for part in lists for one in part):
        return [one for part in lists for one in part]
    names = _names(lists[0], file)
    for number, row in enumerate(lists[1:], start=2):
        if len(row) != len(names):
            found.leave_out("lists that are longer or shorter than the first", number)
    return [dict(zip(names, row, strict=True)) for row in lists[1:] if len(row) == len(names)]


def _by_key(content: Mapping[str, Any]) -> list[Any]:
    """Records by their keys, or columns by the numbers of their rows, as pandas writes them."""
    keys = [tuple(value) for value in content.values()]
    if len(set(keys)) == 1 and keys[0] and all(key.isdecimal() for key in keys[0]):
        return [{name: cells[row] for name, cells in content.items()} for row in keys[0]]
    if len(content) > 1:
        return [{"key": key, **value} for key, value in content.items()]
    return [dict(content)]


def _expand(
    found: _Found,
    number: int,
    record: Mapping[str, Any],
    around: Mapping[str, str],
    prefix: str,
    depth: int,
) -> None:
    """Add the rows of a record: itself, or one per entry of the list of records inside."""
    rest = {}
    for name, value in record.items():
        if name in _NO_ANSWERS and isinstance(value, list | dict):
            if value:
                found.leave_out(f"{name} (proposals of a program, or unfinished work)", number)
        else:
            rest[name] = value
    inner = next((name for name in _ROWS if _are_rows(rest.get(name))), None)
    empty = next((name for name in _ROWS[:3] if rest.get(name) == []), None)
    if any(rest.get(name) is True for name in _CANCELLED):
        found.leave_out("cancelled by the annotator", number)
        return
    if inner is None and empty is not None:
        found.leave_out(f"records without {empty}", number)
        return
    entries = rest.pop(inner) if inner is not None and depth < _DEPTH else None
    cells = dict(around)
    _flatten(found, rest, prefix, cells, _FreeNames(cells), 0)
    if entries is None:
        found.add(number, cells)
        return
    for entry in entries:
        _expand(found, number, entry, cells, f"{inner}.", depth + 1)


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _flatten(
    found: _Found,
    record: Mapping[str, Any],
    prefix: str,
    cells: dict[str, str],
    names: _FreeNames,
    depth: int,
) -> None:
    """Add a record's values to the cells of a row, under dotted names."""
    for key, value in record.items():
        name = prefix + key.strip()
        if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
            value = value[0]
        if isinstance(value, dict):
            if depth < _DEPTH and value:
                _flatten(found, value, f"{name}.", cells, names, depth + 1)
                continue
            value = json.dumps(value, ensure_ascii=False) if value else ""
        elif isinstance(value, list):
            if value:
                found.lists.add(name)
            value = json.dumps(value, ensure_ascii=False) if value else ""
        if len(cells) >= MAX_COLUMNS:
            raise _too_large(found.file)
        cells[names.free(name)] = _clean(text_of(value))


def _clean(text: str) -> str:
    """Text without halves of letters, which JSON can write and nothing can store."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
