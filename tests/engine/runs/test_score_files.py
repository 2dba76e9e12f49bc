"""Files of scores: written as columns, read as far as is wanted, old ones as well."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.runs import score_files
from prism_desktop.engine.runs.score_files import (
    ScoreFile,
    ScoreTable,
    read_scores,
    write_scores,
)
from tests.fixtures.result_mutations import changed, mutate

LABELERS, ATTRIBUTES = ("Ada", "a/b", "a", "a'"), ("attractive", "b/attractive")
IMAGES = tuple(f"i{number:03}" for number in range(200))


def table(seed: int = 0) -> ScoreTable:
    shape = len(LABELERS), len(ATTRIBUTES), len(IMAGES)
    scores = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return ScoreTable(LABELERS, ATTRIBUTES, IMAGES, scores)


def write(path: Path, scores: ScoreTable) -> Path:
    for _ in write_scores(path, scores.by_labeler(), scores.attributes, scores.images):
        pass
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "predictions.parquet", table())


def test_that_scores_are_read_as_they_were_written_whatever_labelers_are_called(path: Path) -> None:
    found, written = read_scores(path), table()
    assert (found.labelers, found.attributes, found.images) == (LABELERS, ATTRIBUTES, IMAGES)
    assert found.array.dtype == np.float32
    assert np.array_equal(found.array, written.array)
    one = read_scores(path, "a/b", "attractive")
    assert (one.labelers, one.attributes) == (("a/b",), ("attractive",))
    assert np.array_equal(one.array[0, 0], written.array[1, 0])
    assert read_scores(path, "nobody").labelers == ()
    assert len(pq.read_schema(path).names) == 1 + len(LABELERS) * len(ATTRIBUTES)


def test_that_scores_that_differ_in_their_last_bit_are_no_tie(tmp_path: Path) -> None:
    one = np.float32(1.0)
    scores = np.array([[[one, np.nextafter(one, np.float32(2))]]], np.float32)
    path = write(tmp_path / "near.parquet", ScoreTable(("L1",), ("a",), ("x", "y"), scores))
    first, second = read_scores(path).array[0, 0]
    assert second > first


def test_that_what_is_said_of_everybody_is_stored_once(tmp_path: Path, path: Path) -> None:
    shared = table().array[:1].repeat(len(LABELERS), axis=0)
    alike = write(tmp_path / "consensus.parquet", ScoreTable(LABELERS, ATTRIBUTES, IMAGES, shared))
    assert len(pq.read_schema(alike).names) == 1 + len(ATTRIBUTES)
    assert alike.stat().st_size < path.stat().st_size / 2
    assert np.array_equal(read_scores(alike).array, shared)


def test_that_only_the_columns_that_are_wanted_are_read(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(0).column(8)
    at = column.data_page_offset + column.total_compressed_size // 2
    damaged[at] ^= 0x10
    path.write_bytes(bytes(damaged))
    assert np.array_equal(read_scores(path, "Ada").array[0], table().array[0])
    with pytest.raises(UnreadableError):
        read_scores(path)


def test_that_the_heading_is_parsed_once_for_all_that_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    class Counted(pq.ParquetFile):
        """It tells when it parses a footer, and when all columns' names are made of it."""

        def __init__(self, *given: Any, metadata: Any = None, **how: Any) -> None:
            parsed.extend(["footer"] if metadata is None else [])
            super().__init__(*given, metadata=metadata, **how)

        @property
        def schema_arrow(self) -> Any:
            parsed.append("names")
            return super().schema_arrow

    monkeypatch.setattr(pq, "ParquetFile", Counted)
    file = ScoreFile(path)
    for code in file.labelers:
        assert len(file.columns([(code, ATTRIBUTES[0])])) == 1
    assert parsed == ["footer", "names"]
    read_scores(path)
    assert parsed == ["footer", "names"] * 2


def test_that_files_of_earlier_versions_say_the_same(tmp_path: Path) -> None:
    written = table()
    old = tmp_path / "old.parquet"
    written.frame().sample(frac=1.0, random_state=1).to_parquet(old, index=False)
    found = read_scores(old)
    assert set(found.labelers) == set(LABELERS)
    keys = ["labeler", "attribute", "image"]
    said, truth = (each.frame().sort_values(keys, ignore_index=True) for each in (found, written))
    pd.testing.assert_frame_equal(said, truth)
    one = read_scores(old, "a'", "attractive")
    assert one.frame().set_index("image")["score"].to_dict() == dict(
        zip(IMAGES, written.array[3, 0], strict=True)
    )


def test_that_a_file_that_says_something_twice_is_refused(tmp_path: Path) -> None:
    twice = tmp_path / "twice.parquet"
    frame = table().frame()
    pd.concat([frame, frame.head(1)]).to_parquet(twice, index=False)
    with pytest.raises(UnreadableError, match="twice"):
        read_scores(twice)
    scores = np.zeros((2, 1, 1), np.float32)
    again = write(tmp_path / "again.parquet", ScoreTable(("L1", "L1"), ("a",), ("x",), scores))
    with pytest.raises(UnreadableError, match="twice"):
        read_scores(again)
    images = write(
        tmp_path / "images.parquet",
        ScoreTable(("L1",), ("a",), ("x", "x"), scores.reshape(1, 1, 2)),
    )
    with pytest.raises(UnreadableError, match="twice"):
        read_scores(images)


def test_that_a_file_of_a_newer_version_says_so(path: Path) -> None:
    stored = pq.read_table(path)
    heading = stored.schema.metadata[b"prism.scores"].replace(b'"format":2', b'"format":3')
    pq.write_table(stored.replace_schema_metadata({b"prism.scores": heading}), path)
    with pytest.raises(UnreadableError, match="a newer version"):
        read_scores(path)


@pytest.mark.parametrize(
    "heading",
    [b"", b"[]", b"{}", b'{"format": "2"}', b"[" * 9_999, b"\xff",
     b'{"format":2,"labelers":["L1"],"attributes":["a"],"columns":[]}',
     b'{"format":2,"labelers":["L1"],"attributes":["a"],"columns":[["gone"]]}',
     b'{"format":2,"labelers":["L1"],"attributes":["a"],"columns":[["image"]]}',
     b'{"format":2,"labelers":["L1"],"attributes":["a"],"columns":[["Ada/attractive"],["x"]]}'],
)  # fmt: skip
def test_that_an_odd_heading_ends_in_a_sentence(path: Path, heading: bytes) -> None:
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"prism.scores": heading}), path)
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_scores(path)


def fuzz(path: Path, other: Path, count: int, seed: int) -> None:
    """Whatever happens to a file, it is read or refused in a sentence."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(count):
        with changed(path):
            mutate(path, [other], rng)
            try:
                read_scores(path)
            except UnreadableError:
                refused += 1
    assert refused > count // 2


def test_that_a_damaged_file_ends_in_a_sentence(tmp_path: Path, path: Path) -> None:
    fuzz(path, write(tmp_path / "other.parquet", table(1)), 60, seed=3)


@pytest.mark.soak
def test_that_many_damaged_files_end_in_a_sentence(tmp_path: Path, path: Path) -> None:
    fuzz(path, write(tmp_path / "other.parquet", table(1)), 2000, seed=4)


@pytest.mark.parametrize("opened", [False, True])
def test_that_a_file_that_another_replaces_while_it_is_read_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bool
) -> None:
    other, read = write(tmp_path / "other.parquet", table(1)), score_files.read_table

    def late(*args: Any, **options: Any) -> Any:
        if other.exists():
            other.replace(path)
        return read(*args, **options)

    file = ScoreFile(path) if opened else None
    monkeypatch.setattr(score_files, "read_table", late)
    with pytest.raises(UnreadableError, match="it was changed after it was opened"):
        file.columns([(LABELERS[0], ATTRIBUTES[0])]) if file is not None else ScoreFile(path)
    found = ScoreFile(path).columns([(LABELERS[0], ATTRIBUTES[0])])
    np.testing.assert_array_equal(found[0], table(1).array[0, 0])


def test_that_tables_of_different_images_join() -> None:
    whole = table()
    parts = [whole.only(IMAGES[:50]), whole.only(IMAGES[50:])]
    joined = ScoreTable.joined(parts)
    assert (joined.labelers, joined.images) == (whole.labelers, whole.images)
    assert np.array_equal(joined.array, whole.array)
