"""Cells that hold JSON, as jsPsych writes answers to several questions: a column per answer."""

import json
from dataclasses import replace
from typing import Any, Final

from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable, unique_names
from prism_desktop.engine.study.importing.reading.cell_texts import load_json, text_of
from prism_desktop.engine.study.importing.reading.grids import coded

_MAX_NAMES: Final = 200  # columns that one may become
_DEPTH: Final = 6


def with_json_cells(table: DataTable) -> DataTable:
    """The table with records in cells as columns of their own: {"Q0": 3} in the column response
    becomes 3 in response.Q0. Other cells of the column stay where they are."""
    columns: list[DataColumn] = []
    told: list[str] = []
    for column in table.columns:
        parts = _parts(column)
        if parts is None:
            columns.append(column)
            continue
        told.append(f"“{column.name}”")
        columns += parts
    if not told:
        return table
    names = unique_names([column.name for column in columns])
    columns = [replace(column, name=name) for column, name in zip(columns, names, strict=True)]
    notice = f"Records (JSON) in the cells of {', '.join(told)} became columns of their own."
    reading = replace(table.reading, notices=(*table.reading.notices, notice))
    return replace(table, columns=tuple(columns), reading=reading)


def _parts(column: DataColumn) -> list[DataColumn] | None:
    """What a column's records become, and the column itself as far as it holds anything else."""
    records: dict[int, dict[str, str]] = {}
    names: dict[str, None] = {}
    for code, value in enumerate(column.values):
        record = _record(value)
        if record is not None:
            records[code] = record
            names.update(dict.fromkeys(record))
    if not records or len(names) > _MAX_NAMES:
        return None
    parts = []
    rest = [value if code not in records else "" for code, value in enumerate(column.values)]
    if any(rest):
        raw = coded(rest, column.codes)
        parts.append(replace(column, values=tuple(raw.values), codes=raw.codes))
    for name in names:
        texts = [
            records[code].get(name, "") if code in records else "" for code in range(len(rest))
        ]
        raw = coded(texts, column.codes)
        parts.append(
            DataColumn(f"{column.name}.{name}", tuple(raw.values), raw.codes, column.title)
        )
    return parts


def _record(value: str) -> dict[str, str] | None:
    """The flat record that a cell holds, if it holds one."""
    text = value.strip()
    if not text.startswith(("{", "[")) or not text.endswith(("}", "]")) or len(text) > 1 << 20:
        return None
    try:
        found: Any = load_json(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict) or not found:
        return None
    cells: dict[str, str] = {}
    _flatten(found, "", cells, 0)
    return cells


def _flatten(record: dict[str, Any], prefix: str, cells: dict[str, str], depth: int) -> None:
    for key, value in record.items():
        if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
            value = value[0]
        if isinstance(value, dict) and value and depth < _DEPTH:
            _flatten(value, f"{prefix}{key}.", cells, depth + 1)
        elif isinstance(value, dict | list):
            cells[prefix + key] = json.dumps(value, ensure_ascii=False) if value else ""
        else:
            cells[prefix + key] = text_of(value)
