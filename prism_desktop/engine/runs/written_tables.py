"""Tables of a run's data snapshot as Parquet, written a part at a time where they are coded.

Of coded pairs the file holds, beside what others read, `place`: which presentation a row belongs
to, counted in the order of their trials, so that nobody needs the trials to tell answers apart.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.coded_columns import decoded, is_coded

if TYPE_CHECKING:
    import pandas as pd

_PART = 2**18  # rows whose trials are put together at a time
_PARTS = 4  # of a row group


def write_table(frame: "pd.DataFrame", beside: Path) -> None:
    """Write a frame as plain columns, however it is coded, into a file of `files.whole`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if "labeler" not in frame or not is_coded(frame["labeler"]):
        frame.to_parquet(beside, index=False)
        return
    if "second" in frame:
        frame = frame.assign(place=places(frame))
    joined = [decoded(frame[name]) for name in ("trial", "second") if "second" in frame]
    plain = frame.drop(columns=["second"], errors="ignore")
    parts = [_part(plain, joined, slice(0, 0))]
    with pq.ParquetWriter(beside, parts[0].schema, store_schema=False) as writer:
        for start in range(0, len(frame), _PART):
            parts.append(_part(plain, joined, slice(start, start + _PART)))
            if len(parts) > _PARTS or start + _PART >= len(frame):
                writer.write_table(pa.concat_tables(parts), row_group_size=_PART * _PARTS)
                parts = []


def _part(frame: "pd.DataFrame", joined: Sequence[tuple[Any, Any]], rows: slice) -> Any:
    """Some rows as Arrow's table.

    Args:
        frame: whose rows.
        joined: places and words of the trials that `trial` joins; none to take it as it is.
        rows: which.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {}
    for name in frame.columns:
        if name == "trial" and joined:
            first, second = (words.take(pa.array(codes[rows])) for codes, words in joined)
            both = pc.binary_join_element_wise(first, second, pa.scalar("+", pa.large_string()))
            columns[name] = pc.if_else(pc.equal(second, ""), first, both)
        else:
            column = frame[name].iloc[rows]
            columns[name] = _words(column) if is_coded(column) else _plain(column)
    return pa.table(columns)


def _plain(column: "pd.Series[Any]") -> Any:
    """A column as Arrow's, without words of other rows."""
    import pyarrow as pa

    made = pa.array(column)
    made = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
    return made.dictionary_decode() if pa.types.is_dictionary(made.type) else made


def _words(column: "pd.Series[Any]") -> Any:
    """A coded column as Arrow's dictionary."""
    import pyarrow as pa

    codes = pa.array(column.cat.codes.to_numpy().astype(np.int32), mask=column.isna().to_numpy())
    words = pa.array(column.cat.categories, pa.large_string())
    return pa.DictionaryArray.from_arrays(codes, words)


def places(pairs: "pd.DataFrame") -> npt.NDArray[np.int32]:
    """(rows,) which presentation each coded pair belongs to, from 0, in the order of the trials;
    what is one labeler's of a trial, which several have where labelers were shuffled."""
    key = np.zeros(len(pairs), np.int64)
    for name in ("trial", "second"):
        rank = _ranks(pairs[name])
        key = key * (np.int64(rank.max(initial=0)) + 1) + rank
    labeler = pairs["labeler"].cat
    key = key * len(labeler.categories) + labeler.codes.to_numpy()
    order = np.argsort(key, kind="stable")
    new = np.diff(key[order], prepend=key[order[:1]]) != 0
    found = np.empty(len(pairs), np.int32)
    found[order] = np.cumsum(new, dtype=np.int32)
    return found


def _ranks(column: "pd.Series[Any]") -> npt.NDArray[np.int32]:
    """(rows,) where each row's text comes among all."""
    import pyarrow.compute as pc

    codes, words = decoded(column)
    order = pc.sort_indices(words).to_numpy()
    rank = np.empty(len(words), np.int32)
    rank[order] = np.arange(len(words))
    return rank[codes]
