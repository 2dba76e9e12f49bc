"""Files cut off anywhere: the answer is a sentence, and nothing is left open."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy.exc import DatabaseError

from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.study import opening
from prism_desktop.engine.study.database import Database
from prism_desktop.engine.study.importing.embeddings.vectors import holds_embeddings, read_vectors
from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import sheet, table
from tests.fixtures.leaks import open_files

ROWS = [["rater", "image", "smart"], *(["r1", f"face-{n:03d}.jpg", n % 4 + 1] for n in range(40))]
PARTS = ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "[Content_Types].xml")


def _workbook(path: Path) -> Path:
    return sheet(path, ROWS)


def _formulas(path: Path) -> Path:
    return sheet(path, [*ROWS, ["r2", "a.jpg", "=1+2"]])


def _csv(path: Path) -> Path:
    return table(path, "".join(",".join(map(str, row)) + "\n" for row in ROWS))


def _parquet(path: Path) -> Path:
    columns = dict(zip(ROWS[0], map(list, zip(*ROWS[1:], strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    return path


def _vector_table(path: Path) -> Path:
    columns = {"image": ["a.jpg", "b.jpg"], "embedding": [[0.5, 1.0], [1.5, 2.0]]}
    pq.write_table(pa.table(columns), path)
    return path


def _archive(path: Path) -> Path:
    with path.open("wb") as file:
        np.savez(file, names=np.array(["a.jpg", "b.jpg"]), embeddings=np.eye(2, 64))
    return path


def _refused(read: Callable[[], object]) -> str | None:
    """What a reader says of a file, None if it takes it; it has closed the file either way."""
    before, words = open_files(), None
    try:
        read()
    except PrismError as error:
        # what the error's frames hold is open still, so this looks before they are gone
        assert open_files() == before
        words = str(error)
    assert open_files() == before
    return words


@pytest.mark.parametrize("part", range(12))
@pytest.mark.parametrize(
    ("make", "read"),
    [
        (_workbook, read_data_tables),
        (_formulas, read_data_tables),
        (_parquet, read_data_tables),
        (_vector_table, read_vectors),
        (_archive, read_vectors),
    ],
)
def test_that_a_file_cut_off_anywhere_is_a_sentence_and_closed(
    tmp_path: Path,
    make: Callable[[Path], Path],
    read: Callable[[Path], object],
    part: int,
) -> None:
    whole = make(tmp_path / "whole")
    assert _refused(lambda: read(whole)) is None
    content = whole.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(content[: 8 + (len(content) - 9) * part // 11])
    assert (_refused(lambda: read(cut)) or "").lower().endswith("nothing was imported.")
    assert _refused(lambda: holds_embeddings(cut)) is None


@pytest.mark.parametrize("length", range(0, 600, 75))
def test_that_a_text_table_cut_off_anywhere_is_closed(tmp_path: Path, length: int) -> None:
    whole = _csv(tmp_path / "t.csv")
    whole.write_bytes(whole.read_bytes()[:length])
    words = _refused(lambda: read_data_tables(whole))
    assert words == (None if length else "t.csv holds no rows of data. Nothing was imported.")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("make", [_workbook, _formulas])
def test_that_a_workbook_with_a_part_cut_off_is_closed(
    tmp_path: Path, make: Callable[[Path], Path], part: str, kept: float
) -> None:
    whole, cut = make(tmp_path / "whole.xlsx"), tmp_path / "cut.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(cut, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            size = int(len(content) * kept) if item.filename == part else len(content)
            new.writestr(item, content[:size])
    assert (_refused(lambda: read_data_tables(cut)) or "").lower().endswith("nothing was imported.")


def test_that_a_workbook_whose_second_reading_fails_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openpyxl

    load = openpyxl.load_workbook

    def fails(file: object, *, data_only: bool, **options: bool) -> object:
        book = load(file, data_only=data_only, **options)
        if not data_only:
            raise ValueError("formulas cannot be read")
        return book

    monkeypatch.setattr(openpyxl, "load_workbook", fails)
    words = _refused(lambda: read_data_tables(_formulas(tmp_path / "t.xlsx")))
    assert words == (
        "t.xlsx is a damaged workbook (formulas cannot be read). Nothing was imported."
    )


@pytest.mark.parametrize("part", range(12))
@pytest.mark.parametrize("read_only", [False, True])
def test_that_a_study_cut_off_anywhere_is_closed(
    tiny_study: Study, part: int, read_only: bool
) -> None:
    tiny_study.close()
    file = tiny_study.path / "study.sqlite3"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * part // 12])

    def read() -> None:
        with Study.open(tiny_study.path, read_only=read_only) as study:
            study.trials(current=False)
            study.check()

    words = _refused(read)
    assert words is not None
    assert "left as it is" in words


@pytest.mark.parametrize(
    "connect",
    [
        lambda file: Database(file, writable=False),
        lambda file: Database(file, writable=True),
        opening.migrate,
        opening.back_up,
    ],
    ids=["read", "write", "migrate", "back up"],
)
def test_that_a_database_that_is_none_is_closed_by_whoever_opened_it(
    tmp_path: Path, connect: Callable[[Path], object]
) -> None:
    file = tmp_path / "study.sqlite3"
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    before = open_files()
    with pytest.raises((PrismError, DatabaseError)):
        connect(file)
    assert open_files() == before


def test_that_a_workbook_is_known_by_what_it_holds(tmp_path: Path) -> None:
    (read,) = read_data_tables(_workbook(tmp_path / "ratings.dat"))
    assert [column.name for column in read.columns] == ROWS[0]
    assert read.rows.tolist() == list(range(2, len(ROWS) + 1))
    with pytest.raises(InputError, match="damaged"):
        read_data_tables(table(tmp_path / "t.xlsx", "PK\3\4"))
