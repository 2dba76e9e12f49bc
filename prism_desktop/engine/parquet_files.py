"""Reading Parquet files of any columns, each closed when its reader returns or raises.

Given a path, Arrow lets threads of its own close the file, some time later, and after an error only
when the error is forgotten. Importing this needs neither pyarrow nor pandas.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prism_desktop.engine.foreign_files import MAX_TABLE, plain_file


def read_schema(path: Path) -> Any:
    """Names and types of the file's columns, as Arrow's schema.

    Raises:
        OSError, ValueError: if there is no such file or it is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    plain_file(path, MAX_TABLE)
    with pyarrow.OSFile(str(path)) as file:
        return pyarrow.parquet.read_schema(file)


def read_table(path: Path, columns: Sequence[str] | None = None) -> Any:
    """The file's columns, in this order, as Arrow's table; None for all.

    Raises:
        OSError, ValueError: if there is no such file, it is damaged or lacks a column.
    """
    import pyarrow
    import pyarrow.parquet

    plain_file(path, MAX_TABLE)
    with pyarrow.OSFile(str(path)) as file:
        return pyarrow.parquet.read_table(file, columns=None if columns is None else list(columns))
