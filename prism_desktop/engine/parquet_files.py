"""Reading Parquet files, each closed when its reader returns or raises.

Given a path, Arrow lets threads of its own close the file, some time later, and after an error only
when the error is forgotten. Importing this needs neither pyarrow nor pandas.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.foreign_files import MAX_TABLE, plain_file

if TYPE_CHECKING:
    import pandas as pd

Filters = Sequence[tuple[str, str, object]]


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


def read_frame(
    path: Path, columns: Sequence[str] | None = None, filters: Filters | None = None
) -> "pd.DataFrame":
    """The same as a data frame, of the rows that all filters (column, operator, value) let by.

    Raises:
        OSError, ValueError: as `read_table`.
    """
    import pandas as pd
    import pyarrow

    plain_file(path, MAX_TABLE)
    with pyarrow.OSFile(str(path)) as file:
        return pd.read_parquet(
            file,
            columns=None if columns is None else list(columns),
            filters=list(filters) if filters else None,
        )
