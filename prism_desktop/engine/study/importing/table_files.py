"""Reading CSV, XLSX and Parquet files, recognised by
what they hold, into plain rows with their numbers.

Nothing that a file contains is ever run: formulas are not evaluated, links not followed, pickles
not read.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.formula_guard import restored
from prism_desktop.engine.study.importing.sheets import read_xlsx
from prism_desktop.engine.study.importing.tables import (
    MAX_BYTES,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    Row,
    Table,
    plain,
)

DELIMITERS = (",", ";", "\t", "|")


def read_tables(path: Path) -> list[Table]:
    """Read every table of a file.

    Raises:
        InputError: if the file cannot be read, is too large or is no table at all.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); nothing was imported."
        ) from error
    if size > MAX_BYTES:
        raise InputError(
            f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; split it. Nothing was imported."
        )
    if start.startswith(b"PK\x03\x04"):
        return read_xlsx(path)
    if start.startswith(b"PAR1"):
        return [read_parquet(path)]
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(
            f"{path.name} is an old or a locked Excel file; save it as plain .xlsx or .csv. "
            "Nothing was imported."
        )
    return [read_csv(path)]


def read_csv(path: Path) -> Table:
    """Read a text table in UTF-8, UTF-16 or Windows' Western encoding, with , .

    Tab or | between cells.

    Raises:
        InputError: if it is not text.
    """
    content, notices = _decode(path)
    delimiter = _delimiter(content)
    rows: list[Row] = []
    try:
        for number, cells in _records(content, delimiter):
            if any(cell.strip() for cell in cells):
                rows.append((number, tuple(restored(cell) if cell else None for cell in cells)))
    except csv.Error as error:
        raise InputError(
            f"{path.name} is not a readable CSV file ({error}); nothing was imported."
        ) from error
    return Table(path.name, rows, decimal_comma=delimiter != ",", notices=notices)


def read_parquet(path: Path) -> Table:
    """Read a Parquet file.

    Row 1 is its header, so that row numbers agree with the same table as CSV.

    Raises:
        InputError: if it is damaged or too large.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with (
            pyarrow.OSFile(str(path)) as opened,
            pyarrow.parquet.ParquetFile(opened) as file,
        ):
            rows, width = file.metadata.num_rows, file.metadata.num_columns
            if rows > MAX_ROWS or width > MAX_COLUMNS or rows * width > MAX_CELLS:
                raise InputError(f"{path.name} has too many rows or columns; nothing was imported.")
            data = file.read(use_pandas_metadata=False)
        names = [
            str(name) for name in data.column_names if not str(name).startswith("__index_level_")
        ]
        columns = [data.column(name).to_pylist() for name in names]
    except InputError:
        raise
    except (
        Exception
    ) as error:  # damaged files raise Arrow's errors, but also those of Thrift and of text decoding
        raise InputError(
            f"{path.name} is not a readable Parquet file; nothing was imported."
        ) from error
    found: list[Row] = [(1, tuple(names))]
    for number, cells in enumerate(zip(*columns, strict=True), start=2):
        if any(cell is not None for cell in cells):
            found.append((number, tuple(plain(cell) for cell in cells)))
    return Table(path.name, found)


def _decode(path: Path) -> tuple[str, tuple[str, ...]]:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), ()
    if b"\0" in data[: 1 << 20]:
        raise InputError(f"{path.name} is neither CSV nor XLSX nor Parquet; nothing was imported.")
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        notice = f"{path.name} is not in UTF-8; it was read in Windows' Western encoding."
        return data.decode("cp1252", errors="replace"), (notice,)


def _records(content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    begin = 1
    for cells in reader:
        yield begin, cells
        begin = reader.line_num + 1
        if begin > MAX_ROWS:
            raise csv.Error("too many rows")


def _delimiter(content: str) -> str:
    """The separator that gives the most columns in the most of the first lines."""
    lines = [line for line in content[:65536].splitlines()[:50] if line.strip()]
    best, best_score = ",", 0
    for delimiter in DELIMITERS:
        widths = Counter(
            len(cells) for cells in csv.reader(lines, delimiter=delimiter) if len(cells) > 1
        )
        score = max(
            (count * (width > 1) * 100 + width for width, count in widths.items()), default=0
        )
        if score > best_score:
            best, best_score = delimiter, score
    return best
