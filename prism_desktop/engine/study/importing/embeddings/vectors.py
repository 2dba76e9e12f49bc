"""Reading embeddings from .npz archives and Parquet tables. Nothing is unpickled."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.parquet_forms import opened_parquet
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.names.dialects import common, plain_name

MAX_BYTES = 8 * 1024**3  # unpacked
_FEWEST = 4  # numbered columns that make a table one of embeddings
_NAMES = (
    *common().roles["image"],
    "images",
    "names",
    "name",
    "files",
    "filenames",
    "paths",
    "ids",
    "id",
)
_VECTORS = ("embedding", "embeddings", "features", "feature", "vectors", "vector", "x")
_NUMBERED = re.compile(r"(.*?)[_\s.-]?(\d+)")


@dataclass(frozen=True, slots=True)
class Vectors:
    """What a file of embeddings holds, row by row."""

    names: list[str]  # n, what the file calls the images
    matrix: npt.NDArray[np.float32]  # (n, d); a row that has no proper embedding is all NaN
    first: int  # number of the first row: 1 in an archive, 2 in a table
    shapeless: Mapping[int, str]  # place of a row -> why it has no embedding
    mapping: Mapping[str, object]  # how the file was read


def holds_embeddings(path: Path) -> bool:
    """Whether a file looks like embeddings: an .npz archive,
    or Parquet with images and vectors but no labeler."""
    try:
        with open_foreign(path) as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            with open_foreign(path) as file, zipfile.ZipFile(file) as archive:
                return any(name.endswith(".npy") for name in archive.namelist())
        if start == b"PAR1":
            with opened_parquet(path) as file:
                return _columns(file.schema_arrow, every=False) is not None
    except Exception:  # whatever is wrong with the file, the reader of tables says it better
        return False
    return False


def read_vectors(path: Path) -> Vectors:
    """Read a file of embeddings.

    Raises:
        InputError: if it cannot be read or is not what it should be.
    """
    try:
        with open_foreign(path) as file:
            start = file.read(4)
    except OSError as error:
        raise_fault(error, path, kept="Nothing was imported.")
        raise InputError(
            f"{path} cannot be read ({error.strerror}); nothing was imported."
        ) from error
    if start == b"PK\x03\x04":
        return _read_npz(path)
    if start == b"PAR1":
        return _read_parquet(path)
    raise InputError(f"{path.name} is neither an .npz archive nor Parquet; nothing was imported.")


def _read_npz(path: Path) -> Vectors:
    """One array of names and one of numbers, found among all by their kinds and their own names."""
    arrays = _arrays(path)
    texts = [name for name, array in arrays.items() if array.dtype.kind in "US" and array.ndim == 1]
    tables = [
        name for name, array in arrays.items() if array.dtype.kind in "fiu" and array.ndim == 2
    ]
    key, of = _chosen(texts, _NAMES), _chosen(tables, _VECTORS)
    if key is None or of is None:
        has = (
            ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items())
            or "nothing"
        )
        raise InputError(
            f"{path.name} was not recognised: it needs one array of image names (n) and one of "
            f"numbers (n, dimensions), and has {short(has, 200)}. Nothing was imported."
        )
    names, matrix = arrays[key], arrays[of]
    if len(names) != len(matrix):
        raise InputError(
            f"{path.name} names {counted(len(names), 'image')} and has "
            f"{counted(len(matrix), 'embedding')}; nothing was imported."
        )
    words = [
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        for name in names.tolist()
    ]
    return Vectors(words, _float32(matrix, path), 1, {}, {"images": key, "embeddings": of})


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """All arrays of an archive by name, once it is known that they fit into memory."""
    try:
        with open_foreign(path) as file:  # which numpy leaves open if it is no whole archive
            with zipfile.ZipFile(file) as archive:
                if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                    raise InputError(
                        f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; nothing was "
                        "imported."
                    )
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises zipfile's, zlib's and numpy's errors
        raise_fault(error, path, kept="Nothing was imported.")
        if isinstance(error, ValueError) and "allow_pickle" in str(error):
            raise InputError(
                f"{path.name} holds arrays of Python objects, which can run code when they are "
                "read; save the names as plain text, numpy.array(names, dtype=str). Nothing was "
                "imported."
            ) from error
        raise InputError(
            f"{path.name} is damaged and cannot be read; nothing was imported."
        ) from error


def _chosen(found: Sequence[str], preferred: Sequence[str]) -> str | None:
    by_name = {plain_name(name): name for name in reversed(found)}
    named = [by_name[name] for name in preferred if name in by_name]
    return named[0] if named else found[0] if len(found) == 1 else None


def _read_parquet(path: Path) -> Vectors:
    try:
        with opened_parquet(path) as file:
            columns = _columns(file.schema_arrow, every=True)
            data = None if columns is None else file.read(columns=[columns[0], *columns[1]])
        if columns is None or data is None:
            raise InputError(
                f"{path.name} was not recognised: embeddings need a column of image names and "
                "either one column of lists of numbers or one column per dimension. Nothing was "
                "imported."
            )
        key, vectors = columns
        names = [str(name) if name is not None else "" for name in data.column(key).to_pylist()]
        if _is_list(data.schema.field(vectors[0]).type):
            matrix, shapeless = _stacked(data.column(vectors[0]))
        else:
            matrix, shapeless = (
                np.column_stack([data.column(name).to_numpy() for name in vectors]),
                {},
            )
    except InputError:
        raise
    except (
        Exception
    ) as error:  # damaged files raise Arrow's errors, but also those of Thrift and of text decoding
        raise InputError(
            f"{path.name} is not a readable Parquet file; nothing was imported."
        ) from error
    of = vectors[0] if len(vectors) == 1 else f"{vectors[0]} to {vectors[-1]}"
    return Vectors(names, _float32(matrix, path), 2, shapeless, {"images": key, "embeddings": of})


def _columns(schema: Any, *, every: bool) -> tuple[str, list[str]] | None:
    """The column of names and those of the vectors; None if the table is none of embeddings.

    Args:
        schema: Arrow's.
        every: take all columns of decimal numbers where neither lists nor numbered columns are
            found.
    """
    import pyarrow as pa

    kinds = {str(field.name): field.type for field in schema}
    by_name = {plain_name(name): name for name in reversed(kinds)}
    key = next((by_name[name] for name in _NAMES if name in by_name), None)
    if key is None or any(name in by_name for name in common().roles["rater"]):
        return None
    lists = [name for name, kind in kinds.items() if _is_list(kind)]
    numeric = [name for name, kind in kinds.items() if name != key and pa.types.is_floating(kind)]
    vectors = _list_column(lists, by_name) or _numbered(numeric) or (numeric if every else [])
    return (key, vectors) if vectors else None


def _list_column(lists: Sequence[str], by_name: Mapping[str, str]) -> list[str]:
    """The column whose lists are the vectors: one with a name for that, or the only one."""
    named = [by_name[name] for name in _VECTORS if by_name.get(name) in lists]
    return named[:1] if named or len(lists) != 1 else [lists[0]]


def _numbered(numeric: Sequence[str]) -> list[str]:
    """The columns of one dimension each, `x_0` to `x_511`, in the order of their numbers.

    Of several such groups the largest; few columns are rather answers than dimensions.
    """
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in numeric:
        if match := _NUMBERED.fullmatch(name):
            groups.setdefault(match[1], []).append((int(match[2]), name))
    largest = max(groups.values(), key=len, default=[])
    return [name for _, name in sorted(largest)] if len(largest) >= _FEWEST else []


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    lists = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    return bool(
        lists and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))
    )


def _stacked(column: Any) -> tuple[npt.NDArray[np.float64], dict[int, str]]:
    """A column of lists as a matrix.

    Rows whose length is not the usual one stay NaN and are told.
    """
    import pyarrow.compute as pc

    lengths = np.nan_to_num(
        pc.list_value_length(column).to_numpy().astype(np.float64), nan=-1
    ).astype(np.int64)
    sizes, counts = np.unique(lengths[lengths > 0], return_counts=True)
    if not len(sizes):
        return np.zeros((len(lengths), 0)), {}
    size = int(sizes[np.argmax(counts)])
    fits = lengths == size
    matrix = np.full((len(lengths), size), np.nan)
    flat = pc.list_flatten(column.filter(fits)).to_numpy().astype(np.float64)
    matrix[fits] = flat.reshape(-1, size)
    told = {
        int(row): "has no embedding"
        if lengths[row] <= 0
        else f"has {counted(lengths[row], 'number')}, the others have {size}"
        for row in np.flatnonzero(~fits)
    }
    return matrix, told


def _float32(matrix: npt.NDArray[Any], path: Path) -> npt.NDArray[np.float32]:
    if not matrix.shape[1]:
        raise InputError(f"{path.name} has embeddings without numbers; nothing was imported.")
    # what float32 cannot hold becomes infinite and is refused
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(matrix, dtype=np.float32)
