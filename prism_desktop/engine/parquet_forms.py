"""Reading Parquet files that somebody else, or a failing disk, may have written.

What a file must hold is said as a form: its columns, their kinds and ranges. A file is read as a
whole or not at all, so no cell that was never written passes for a measurement. Each file is closed
when its reader returns or raises: given a path, Arrow lets threads of its own close it, some time
later. Importing this needs neither pyarrow nor pandas.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prism_desktop.engine.coded_columns import coded, encoded, recoded
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.foreign_files import MAX_TABLE, plain_file
from prism_desktop.engine.grammar import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Filters = Sequence[tuple[str, str, object]]
# Repeated values take next to no room, so a small file can claim more rows than memory holds.
_ROWS, _ROWS_PER_BYTE = 1_000_000, 20
_DECODED = 16 * 1024**3  # bytes of one text column


@dataclass(frozen=True, slots=True)
class Cells:
    """What a column must hold. Numbers are finite and within `low` and `high`."""

    kind: Literal["text", "real", "whole"]
    low: float = -math.inf
    high: float = math.inf
    words: frozenset[str] = frozenset()  # the only texts that there may be; empty for any
    blank: bool = False  # whether cells may be empty
    old: bool = False  # whether files of earlier versions lack it


Form = Mapping[str, Cells]
TEXT = Cells("text")


@dataclass(frozen=True, slots=True)
class Heading:
    """What a file says of itself."""

    columns: Mapping[str, int]  # how often it has each
    metadata: Mapping[bytes, bytes]
    footer: Any  # as Arrow parsed it; of a file with thousands of columns that takes a while


@contextmanager
def opened_parquet(path: Path) -> Iterator[Any]:
    """Arrow's reader of a plain file of a size that can be read, closed at the end.

    Given a path, Arrow lets threads of its own close the file, some time later, and after an error
    only when the error is forgotten.

    Raises:
        OSError, ValueError: there is no such file, or it is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    plain_file(path, MAX_TABLE)
    with pyarrow.OSFile(str(path)) as file, pyarrow.parquet.ParquetFile(file) as parquet:
        yield parquet


def read_heading(path: Path) -> Heading:
    """The columns and the metadata of a file, without its cells; raises as `read_table`."""
    with _told(path), opened_parquet(path) as parquet:
        return _heading_of(parquet)


def _heading_of(parquet: Any) -> Heading:
    schema = parquet.schema_arrow
    return Heading(Counter(schema.names), schema.metadata or {}, parquet.metadata)


def read_table(
    path: Path, form: Form, filters: Filters = (), heading: Heading | None = None
) -> Any:
    """The form's columns, in its order, as Arrow's table; text as dictionaries.

    Args:
        path: the file.
        form: what it must hold; columns that it does not name are not read.
        filters: (column, operator, value) that rows must meet, all of them.
        heading: of the file, if it was read before and has not changed since.

    Raises:
        UnreadableError: the file cannot be read, or holds something else.
        FileNotFoundError: there is none.
    """
    import pyarrow
    import pyarrow.parquet

    with _told(path):
        size = plain_file(path, MAX_TABLE).st_size
        with pyarrow.OSFile(str(path)) as file:
            stated = heading or _heading_of(_opened(file))
            names = _checked_names(stated.columns, form)
            _refuse_too_many(stated.footer.num_rows, size)
            texts = [name for name in names if form[name].kind == "text"]
            if filters:
                table = _filtered(file, names, texts, filters)
            else:
                table = _opened(file, stated.footer, texts).read(names, use_threads=False)
        held, checked = _taken_apart(table), {}
        del table
        for name in names:  # one at a time, so that not all is there twice
            checked[name] = _checked(name, held.pop(name).combine_chunks(), form[name])
        return pyarrow.table(checked)


def _taken_apart(table: Any) -> dict[str, Any]:
    """Its columns by name: to take one out of a table makes another of all the others."""
    return dict(zip(table.column_names, table.columns, strict=True))


def _opened(file: Any, footer: Any = None, texts: Sequence[str] = ()) -> Any:
    """Arrow's reader of an open file. What it reads is to be read without `use_threads`: Arrow
    waits for ever for threads that it has no memory for."""
    import pyarrow.parquet

    file.seek(0)
    return pyarrow.parquet.ParquetFile(
        file, metadata=footer, read_dictionary=list(texts), page_checksum_verification=True
    )


def _filtered(file: Any, names: list[str], texts: list[str], filters: Filters) -> Any:
    import pyarrow.parquet

    file.seek(0)
    return pyarrow.parquet.read_table(
        file, use_threads=False, pre_buffer=False, columns=names, filters=list(filters),
        read_dictionary=texts, page_checksum_verification=True,
    )  # fmt: skip


def texts_in(column: Any) -> list[str]:
    """A column of text of `read_table` as Python's own; each different text is made once."""
    if column.null_count:
        found: list[str] = column.cast("string").to_pylist()
        return found
    words = words_in(column)
    return [words[code] for code in _buffer(column.combine_chunks().indices).tolist()]


def words_in(column: Any) -> list[str]:
    """The different texts of such a column, and perhaps others that it does not hold."""
    found: list[str] = column.combine_chunks().dictionary.to_pylist()
    return found


def places_in(column: Any, known: Sequence[str]) -> "npt.NDArray[np.int32]":
    """(rows,) where each cell of such a column stands among the known texts, -1 for none of them:
    each different text is looked up once."""
    import numpy as np

    place = {name: number for number, name in enumerate(known)}
    places = np.array([place.get(word, -1) for word in words_in(column)], np.int32)
    found: npt.NDArray[np.int32] = places[_buffer(column.combine_chunks().indices)]
    return found


def numbers_in(column: Any) -> "npt.NDArray[Any]":
    """A column of numbers of `read_table`, none of them blank; a view that is not to be written
    into. Arrow's own way to NumPy imports pandas, which takes a quarter of a second."""
    return _buffer(column.combine_chunks())


def _buffer(array: Any) -> "npt.NDArray[Any]":
    import numpy as np

    if not len(array):
        return np.zeros(0, np.int64)
    kind = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]


def read_frame(path: Path, form: Form, filters: Filters = ()) -> "pd.DataFrame":
    """The same as a data frame, text as `str`; raises as `read_table`."""
    import pyarrow

    table = read_table(path, form, filters)
    flat = [
        column.cast(pyarrow.string()) if pyarrow.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    frame: pd.DataFrame = pyarrow.table(flat, names=table.column_names).to_pandas()
    return frame


def read_coded(
    path: Path, form: Form, apart: Collection[str] = (), together: Collection[str] = ()
) -> "pd.DataFrame":
    """The same with text as `coded_columns`, a tenth of the memory; raises as `read_table`.

    Args:
        path, form: as in `read_table`.
        apart: columns whose words hardly repeat, which become Arrow's dictionaries.
        together: columns that are compared with one another, and so have the same words.
    """
    import pandas as pd

    held, columns = _taken_apart(read_table(path, form)), {}
    for name in [*held]:
        column = held.pop(name).combine_chunks()
        if form[name].kind != "text":
            columns[name] = pd.Series(column.to_numpy(zero_copy_only=False))
        elif name in apart:
            columns[name] = encoded(column.indices, column.dictionary)
        else:
            codes = column.indices.fill_null(-1).to_numpy()
            columns[name] = coded(codes, column.dictionary.to_pylist())
    words = {word for name in together for word in columns[name].cat.categories}
    columns |= {name: recoded(columns[name], words) for name in together}
    return pd.DataFrame(columns)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever Arrow finds wrong with a file, as one sentence."""
    import pyarrow

    try:
        yield
    except FileNotFoundError:
        raise
    except MemoryError as error:
        raise unreadable(path, error) from error
    except _OddError as error:
        raise UnreadableError(path, str(error)) from None
    except (pyarrow.ArrowException, ValueError, TypeError, LookupError, OverflowError) as error:
        raise unreadable(path, error, "it is damaged, or no Parquet file") from error
    except OSError as error:
        why = error.strerror or "it is damaged, or no Parquet file"
        raise unreadable(path, error, why) from error


class _OddError(Exception):
    """A phrase that says what is not as the form says."""


def _checked_names(columns: Mapping[str, int], form: Form) -> list[str]:
    """The form's columns that are there, each once."""
    names = []
    for name, column in form.items():
        count = columns.get(name, 0)
        if count > 1:
            raise _OddError(f"it has the column {name} twice")
        if count:
            names.append(name)
        elif not column.old:
            raise _OddError(f"it lacks the column {name}")
    return names


def _refuse_too_many(rows: int, size: int) -> None:
    if rows < 0 or rows > max(_ROWS, _ROWS_PER_BYTE * size):
        raise _OddError(
            f"its {counted(size, 'byte claims', 'bytes claim')} to be {counted(rows, 'row')}"
        )


def _checked(name: str, column: Any, wanted: Cells) -> Any:
    """One column as the form wants it; text as a dictionary of strings."""
    import pyarrow
    import pyarrow.compute

    kinds = pyarrow.types
    if kinds.is_null(column.type) and (wanted.blank or not len(column)):
        column = column.cast(pyarrow.string() if wanted.kind == "text" else pyarrow.float64())
    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    fits = {
        "text": kinds.is_string(kind) or kinds.is_large_string(kind),
        "real": kinds.is_floating(kind) or kinds.is_integer(kind),
        "whole": kinds.is_integer(kind) or not len(column),
    }[wanted.kind]
    if not fits:
        raise _OddError(f"its column {name} holds {kind}, not {_KINDS[wanted.kind]}")
    if not wanted.blank and column.null_count:
        raise _OddError(f"its column {name} has empty cells")
    return (
        _checked_text(name, column, wanted)
        if wanted.kind == "text"
        else _within(name, column, wanted)
    )


_KINDS = {"text": "text", "real": "numbers", "whole": "whole numbers"}


def _within(name: str, column: Any, wanted: Cells) -> Any:
    import pyarrow
    import pyarrow.compute

    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pyarrow.types.is_floating(column.type):
        finite = pyarrow.compute.is_finite(column)
        if wanted.blank:
            finite = pyarrow.compute.or_kleene(finite, pyarrow.compute.is_nan(column))
        if not pyarrow.compute.all(finite).as_py() and len(column) > column.null_count:
            raise _OddError(f"its column {name} holds what is no number")
        known = column.filter(pyarrow.compute.is_finite(column))
    else:
        known = column
    ends = pyarrow.compute.min_max(known).as_py()
    if ends["min"] is not None and not wanted.low <= ends["min"] <= ends["max"] <= wanted.high:
        raise _OddError(f"its column {name} holds numbers that cannot be")
    return column


def _checked_text(name: str, column: Any, wanted: Cells) -> Any:
    import numpy as np
    import pyarrow
    import pyarrow.compute

    made = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if not pyarrow.types.is_dictionary(made.type):
        made = made.cast(pyarrow.string()).dictionary_encode()
    if isinstance(made, pyarrow.ChunkedArray):
        made = made.unify_dictionaries().combine_chunks()
    made.validate(full=True)  # what is no UTF-8, or points beyond the dictionary
    words = made.dictionary
    if words.null_count and not wanted.blank:
        raise _OddError(f"its column {name} has empty cells")
    lengths = pyarrow.compute.binary_length(words)
    lengths = _buffer(lengths.fill_null(0) if words.null_count else lengths)
    used = np.bincount(_buffer(made.indices.drop_null()), minlength=len(words))
    if float(lengths.astype(np.float64) @ used) > _DECODED:
        raise _OddError(f"its column {name} is longer than memory")
    if wanted.words and not wanted.words.issuperset(
        word for word, count in zip(words.to_pylist(), used, strict=True) if count
    ):
        raise _OddError(f"its column {name} holds words that it cannot")
    return made
