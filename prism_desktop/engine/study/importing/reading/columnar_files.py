"""Reading Parquet files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.parquet_forms import opened_parquet
from prism_desktop.engine.study.importing.data_tables import (
    EMPTY,
    DataColumn,
    DataTable,
    Reading,
    unique_names,
)
from prism_desktop.engine.study.importing.reading.cell_texts import text_of
from prism_desktop.engine.study.importing.reading.grids import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    RawColumn,
    coded,
)

_INDEX: Final = "__index_level_"  # how pandas names an index that has no name


def read_parquet(path: Path) -> DataTable:
    """Read a Parquet file. Row 1 is its header, so that row numbers agree with the same table as
    CSV; an index of pandas that only numbers the rows is left out.

    Raises:
        InputError: if it is damaged or too large.
    """
    notices: list[str] = []
    try:
        with opened_parquet(path) as file:
            length, width = file.metadata.num_rows, file.metadata.num_columns
            if length > MAX_ROWS or width > MAX_COLUMNS or length * width > MAX_CELLS:
                raise InputError(f"{path.name} has too many rows or columns. Nothing was imported.")
            columns = list(_columns(file, notices))
    except InputError:
        raise
    except Exception as error:  # Arrow's errors, but also those of Thrift and of text decoding
        raise_fault(error, path, kept="Nothing was imported.")
        raise InputError(
            f"{path.name} is not a readable Parquet file ({error}). Nothing was imported."
        ) from error
    names = unique_names([name for name, _ in columns])
    found = tuple(
        DataColumn(name, tuple(raw.values), raw.codes)
        for name, (_, raw) in zip(names, columns, strict=True)
    )
    reading = Reading(kind="parquet", notices=tuple(notices))
    return DataTable(path.name, found, np.arange(2, length + 2, dtype=np.int32), path.name, reading)


def _columns(file: Any, notices: list[str]) -> Iterator[tuple[str, RawColumn]]:
    """The columns one by one; those of nested records get dotted names."""
    for top in file.schema_arrow.names:
        table = file.read(columns=[top], use_pandas_metadata=False)
        for _ in range(8):
            if not any(_is_record(kind) for kind in table.schema.types):
                break
            table = table.flatten()
        for place, name in enumerate(table.column_names):
            raw = _raw(table.column(place))
            if raw is None:
                notices.append(f"The column “{name}” holds bytes and no text; it was left out.")
            elif not name.startswith(_INDEX):
                yield name, raw
            elif not _is_numbering(raw):
                yield "index", raw


def _is_record(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_struct(kind))


def _raw(column: Any) -> RawColumn | None:
    """The cells of a column; None if they are no text."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    types = pyarrow.types
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return None
    if types.is_null(kind):
        return RawColumn([], np.full(len(column), EMPTY, np.int32))
    if types.is_nested(kind):
        texts = [_nested(cell) for cell in column.to_pylist()]
        return coded(texts, np.arange(len(texts)))
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(EMPTY).to_numpy(zero_copy_only=False)
    return coded([_text(cell) for cell in encoded.dictionary.to_pylist()], codes)


def _text(cell: object) -> str:
    return text_of(cell.to_pydatetime() if hasattr(cell, "to_pydatetime") else cell)


def _nested(cell: Any) -> str:
    """A list of one as its element, others as JSON."""
    if cell is None or cell in ([], {}):
        return ""
    if isinstance(cell, list) and len(cell) == 1 and not isinstance(cell[0], list | dict):
        return _text(cell[0])
    return json.dumps(cell, ensure_ascii=False, default=text_of)


def _is_numbering(raw: RawColumn) -> bool:
    """Whether cells count 0, 1, 2, ... or are empty."""
    if not raw.values:
        return True
    return [raw.text(row) for row in range(min(len(raw.codes), 1000))] == [
        str(row) for row in range(min(len(raw.codes), 1000))
    ] and len(raw.values) == len(raw.codes)
