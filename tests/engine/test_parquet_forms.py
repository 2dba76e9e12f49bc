"""Parquet files are read as the form says, or refused in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from prism_desktop.engine import parquet_forms
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.parquet_forms import Cells, read_coded, read_frame, read_table
from prism_desktop.engine.runs.run_tables import SCORES, TABLES

GOOD = pd.DataFrame(
    {
        "labeler": ["L1", "L1", "L2"],
        "attribute": ["smart"] * 3,
        "image": ["a", "b", "a"],
        "score": np.array([0.5, -1.0, 2.0], np.float32),
    }
)


def other(**columns: object) -> Callable[[], pyarrow.Table]:
    return lambda: pyarrow.Table.from_pandas(GOOD.assign(**columns), preserve_index=False)


def bomb() -> pyarrow.Table:
    """Two million rows in some hundred bytes, as one value that is repeated."""
    texts = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(np.zeros(2_000_000, np.int32)), pyarrow.array(["x"])
    )
    score = pyarrow.array(np.zeros(2_000_000, np.float32))
    return pyarrow.table({"labeler": texts, "attribute": texts, "image": texts, "score": score})


def twice() -> pyarrow.Table:
    table = pyarrow.Table.from_pandas(GOOD)
    return table.append_column("score", table["score"])


ODD: dict[str, tuple[Callable[[], pyarrow.Table], str]] = {
    "not a number": (other(score=np.nan), "empty cells|no number"),
    "infinite": (other(score=[0.0, np.inf, 0.0]), "no number"),
    "beyond float32": (other(score=1e300), "cannot be"),
    "empty score": (other(score=[0.0, None, 0.0]), "empty cells|no number"),
    "empty name": (other(labeler=["L1", None, "L2"]), "empty cells"),
    "score of text": (other(score="0.5"), "holds string|holds large_string"),
    "score of truths": (other(score=True), "holds bool"),
    "score of lists": (other(score=[[1.0]] * 3), "holds list"),
    "score of records": (other(score=[{"a": 1}] * 3), "holds struct"),
    "score of dates": (other(score=pd.Timestamp(0)), "holds timestamp"),
    "names of numbers": (other(labeler=7), "holds int64"),
    "names of bytes": (other(image=[b"\xff\xfe"] * 3), "holds binary"),
    "nothing but nulls": (other(labeler=[None] * 3), "holds null|empty cells"),
    "lacks a column": (lambda: pyarrow.table({"labeler": ["L1"]}), "lacks the column attribute"),
    "a column twice": (twice, "has the column score twice"),
    "more rows than bytes": (bomb, "claim to be 2,000,000 rows"),
}


@pytest.mark.parametrize("kind", ODD)
def test_that_an_odd_table_is_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    make, why = ODD[kind]
    path = tmp_path / "predictions.parquet"
    pyarrow.parquet.write_table(make(), path, compression="zstd")
    with pytest.raises(UnreadableError, match=why):
        read_frame(path, SCORES)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(99) + b"PAR1", b"{}", bytes(4096)]
)
def test_that_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "predictions.parquet"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match="damaged, or no Parquet file"):
        read_frame(path, SCORES)


def test_that_types_that_say_the_same_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    for frame in (
        GOOD,
        GOOD.astype({"labeler": "category", "image": "category"}),
        GOOD.astype({"score": "float64"}),
        GOOD.assign(more=[[1]] * 3),
        GOOD[["score", "image", "attribute", "labeler"]],
    ):
        frame.to_parquet(path)
        found = read_frame(path, SCORES)
        assert [*found.columns] == [*GOOD.columns]
        assert found.astype({"score": "float32"}).equals(GOOD)
    assert len(read_frame(path, SCORES, [("labeler", "==", "L2")])) == 1
    GOOD[:0].to_parquet(path)
    assert read_frame(path, SCORES).empty


@pytest.mark.parametrize(
    ("column", "value"), [("outcome", "both"), ("outcome", "")], ids=["unknown", "blank"]
)
def test_that_an_answer_that_cannot_be_given_is_refused(
    tmp_path: Path, column: str, value: str
) -> None:
    row = {
        "trial": "t", "labeler": "L1", "left": "a", "right": "b", "attribute": "smart",
        "outcome": "tie",
    }  # fmt: skip
    path = tmp_path / "comparisons.parquet"
    pd.DataFrame([row]).to_parquet(path)
    assert len(read_frame(path, TABLES["comparisons"])) == 1
    pd.DataFrame([{**row, column: value}]).to_parquet(path)
    with pytest.raises(UnreadableError, match="words that it cannot"):
        read_frame(path, TABLES["comparisons"])


class Counted:
    """A table that counts how many columns it hands over, alone or to another table."""

    handed = 0

    def __init__(self, table: Any) -> None:
        self.table = table

    def __getitem__(self, name: str) -> Any:
        Counted.handed += 1
        return self.table[name]

    def __getattr__(self, name: str) -> Any:
        Counted.handed += self.table.num_columns if name != "column_names" else 0
        found = getattr(self.table, name)
        return (lambda *given: Counted(found(*given))) if callable(found) else found


@pytest.mark.parametrize("read", [read_table, read_coded])
def test_that_each_of_many_columns_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]
) -> None:
    names = [f"score{number}" for number in range(100)]
    path = tmp_path / "wide.parquet"
    pyarrow.parquet.write_table(pyarrow.table({name: [0.5, 1.5] for name in names}), path)
    whole, part = pyarrow.parquet.ParquetFile.read, parquet_forms.read_table
    monkeypatch.setattr(
        pyarrow.parquet.ParquetFile, "read", lambda *given, **how: Counted(whole(*given, **how))
    )
    monkeypatch.setattr(
        parquet_forms, "read_table", lambda *given, **how: Counted(part(*given, **how))
    )
    monkeypatch.setattr(Counted, "handed", 0)
    found = read(path, dict.fromkeys(names, Cells("real")))
    assert [*(found.columns if read is read_coded else found.column_names)] == names
    assert Counted.handed <= 2 * len(names)
