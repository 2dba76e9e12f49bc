"""Coded columns say what their text says."""

import numpy as np
import pandas as pd
import pyarrow as pa

from prism_desktop.engine.coded_columns import (
    coded,
    codes_in,
    decoded,
    encoded,
    is_coded,
    mapped,
    recoded,
    rows_in,
)

TEXT = pd.Series(["pear", "apple", "fig", "apple"], dtype="str")
CODED = coded(np.array([2, 0, 1, 0]), ["apple", "fig", "pear", "unused"])


def test_that_a_coded_column_sorts_and_counts_as_its_text() -> None:
    assert is_coded(CODED)
    assert not is_coded(TEXT)
    assert CODED.tolist() == TEXT.tolist()
    assert CODED.sort_values().tolist() == TEXT.sort_values().tolist()
    for one, other in zip(codes_in(CODED), codes_in(TEXT), strict=True):
        assert list(one) == list(other)


def test_that_words_given_twice_are_one_and_blanks_stay_blank() -> None:
    found = coded(np.array([0, 1, 2, -1]), ["fig", "fig", None])
    assert found[:2].tolist() == ["fig", "fig"]
    assert found[2:].isna().all()
    assert codes_in(found)[0].tolist() == [0, 0, -1, -1]


def test_that_other_words_leave_each_row_its_own() -> None:
    wider = recoded(CODED, ["apple", "fig", "pear", "quince"])
    assert wider.tolist() == TEXT.tolist()
    assert wider.cat.categories.tolist() == ["apple", "fig", "pear", "quince"]
    assert recoded(TEXT, TEXT).tolist() == TEXT.tolist()


def test_that_several_texts_may_be_mapped_to_the_same() -> None:
    for column in (CODED, TEXT):
        assert mapped(column, {"apple": "red", "fig": "red"}).tolist() == [None, *["red"] * 3]


def test_that_parts_of_encoded_columns_are_put_together() -> None:
    one = encoded(np.array([1, 0, 1]), pd.Series(["a", "b"], dtype="str"))
    other = encoded(np.array([0]), pd.Series(["c"], dtype="str"))
    codes, words = decoded(pd.concat([one[1:], other], ignore_index=True))
    assert words.take(pa.array(codes)).to_pylist() == ["a", "b", "c"]
    codes, words = decoded(TEXT[1:])
    assert words.take(pa.array(codes)).to_pylist() == ["apple", "fig", "apple"]
    assert len(decoded(TEXT[:0])[0]) == 0


def test_that_rows_of_unknown_and_blank_text_are_none() -> None:
    column = coded(np.array([1, -1, 0, 2]), ["Ada", "Ben", "Chi"])
    assert rows_in(column, ["Ben", "Ada"]).tolist() == [0, -1, 1, -1]
    assert rows_in(column.astype("str"), ["Ben", "Ada"]).tolist() == [0, -1, 1, -1]
