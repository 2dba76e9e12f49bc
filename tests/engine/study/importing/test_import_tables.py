"""Reading files as tables, hostile ones included."""

import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.cells import moment, neutral, number, restored
from prism_desktop.engine.study.importing.column_recognition import recognise
from prism_desktop.engine.study.importing.table_files import read_tables
from tests.engine.study.helpers import sheet, table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_that_text_tables_are_read_whatever_their_dialect(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    rows = [["rater", "image", "smart"], ["Zoë", "a.jpg", "3"], ["", "", ""], ["Åsa", "b.jpg", "2"]]
    path = tmp_path / "ratings.csv"
    path.write_bytes("".join(delimiter.join(row) + end for row in rows).encode(encoding))
    (read,) = read_tables(path)
    assert read.rows == [
        (1, ("rater", "image", "smart")),
        (2, ("Zoë", "a.jpg", "3")),
        (4, ("Åsa", "b.jpg", "2")),
    ]


def test_that_cells_with_line_breaks_keep_the_row_numbers_right(tmp_path: Path) -> None:
    (read,) = read_tables(table(tmp_path / "t.csv", 'rater,image\n"two\nlines",a\nx,b\n'))
    assert [row for row, _ in read.rows] == [1, 2, 4]


def test_that_a_header_may_come_after_other_rows(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", "Ratings of 2024\n\nexported by hand,,\nrater,image,smart\nr1,a.jpg,3\n"
    )
    layout = recognise(read_tables(path)[0])
    assert (layout.format, layout.attributes, list(layout.rows())) == (
        "ratings",
        (("smart", 2),),
        [(5, ("r1", "a.jpg", "3"))],
    )


def test_that_an_unknown_table_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"needs the columns rater and image, or labeler.*and has image, group"
    ):
        recognise(read_tables(table(tmp_path / "t.csv", "image,group\na.jpg,x\n"))[0])


def test_that_columns_which_are_no_judgments_are_passed_over_and_named(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", "rater,image,age,smart,remark\nr1,a.jpg,33,3,nice\nr1,b.jpg,33,1,hm\n"
    )
    layout = recognise(read_tables(path)[0])
    assert [name for name, _ in layout.attributes] == ["smart"]
    assert "age, remark" in layout.notices[0]


def test_that_a_stored_result_of_a_formula_is_used_and_a_missing_one_stays_text(
    tmp_path: Path,
) -> None:
    path = sheet(tmp_path / "t.xlsx", [["rater", "image", "smart"], ["r1", "a.jpg", "=1+2"]])
    assert read_tables(path)[0].rows[1] == (2, ("r1", "a.jpg", "=1+2"))
    with pytest.raises(ValueError, match="formula without a stored result"):
        number("=1+2")


def test_that_every_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("second").append(["x"])
    book.save(tmp_path / "t.xlsx")
    assert [read.name for read in read_tables(tmp_path / "t.xlsx")] == [
        "t.xlsx, sheet Sheet",
        "t.xlsx, sheet second",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04broken", "damaged"), (b"PAR1broken", "not a readable Parquet"),
     (b"\xd0\xcf\x11\xe0old", "old or a locked Excel"), (b"\x80\x04pickle\0\0",
     "neither CSV nor XLSX nor Parquet")],
)  # fmt: skip
def test_that_what_is_no_table_is_refused_in_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_tables(tmp_path / "t")


def _doctored(tmp_path: Path, part: str, content: bytes) -> Path:
    source = sheet(tmp_path / "good.xlsx", [["rater", "image"]])
    target = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item, content if item.filename == part else old.read(item))
    return target


def test_that_a_workbook_with_an_entity_bomb_is_refused_before_parsing(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    with pytest.raises(InputError, match="document type"):
        read_tables(_doctored(tmp_path, "xl/worksheets/sheet1.xml", bomb))


def test_that_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prism_desktop.engine.study.importing.sheets.MAX_UNPACKED", 1_000_000)
    with pytest.raises(InputError, match="more than is reasonable"):
        read_tables(_doctored(tmp_path, "xl/worksheets/sheet1.xml", b" " * 2_000_000))


def test_that_a_small_parquet_file_that_claims_too_many_cells_is_refused(tmp_path: Path) -> None:
    nothing = pa.nulls(1_000_000, pa.string())
    pq.write_table(
        pa.table({f"c{number}": nothing for number in range(201)}), tmp_path / "t.parquet"
    )
    assert (tmp_path / "t.parquet").stat().st_size < 1_000_000
    with pytest.raises(InputError, match="too many rows or columns"):
        read_tables(tmp_path / "t.parquet")


def test_that_a_truncated_sheet_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged workbook"):
        read_tables(_doctored(tmp_path, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "'x", "'=x", "''", "plain", "", "a=b"]
)
def test_that_neutralised_text_comes_back(text: str) -> None:
    assert restored(neutral(text)) == text
    assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("cell", ["1_0", "inf", "nan", "0x1", "three", True, float("inf")])
def test_that_only_finite_decimal_numbers_are_numbers(cell: object) -> None:
    with pytest.raises(ValueError, match="number"):
        number(cell)  # type: ignore[arg-type]


def test_that_moments_are_unix_seconds() -> None:
    assert moment("1970-01-02") == moment("1970-01-02T01:00:00+01:00") == 86400
    assert moment("1700000000.25") == 1700000000.25
