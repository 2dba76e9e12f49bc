"""Files that are no tables, or hostile ones, are refused in a sentence."""

import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.formula_guard import neutral, restored
from prism_desktop.engine.study.importing.cells import number
from prism_desktop.engine.study.importing.columns.column_profiles import same_rows
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables
from tests.engine.study.helpers import bare, finished, reasons, sheet, table
from tests.engine.study.importing.columns import column
from tests.fixtures.study import MakeStudy


def cells(read: DataTable) -> dict[str, list[str]]:
    """Column -> its cells."""
    return {column.name: list(column.texts()) for column in read.columns}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_that_text_tables_are_read_whatever_their_dialect(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    rows = [["rater", "image", "smart"], ["Zoë", "a.jpg", "3"], ["", "", ""], ["Åsa", "b.jpg", "2"]]
    path = tmp_path / "ratings.csv"
    path.write_bytes("".join(delimiter.join(row) + end for row in rows).encode(encoding))
    (read,) = read_data_tables(path)
    assert cells(read) == {
        "rater": ["Zoë", "Åsa"],
        "image": ["a.jpg", "b.jpg"],
        "smart": ["3", "2"],
    }
    assert read.rows.tolist() == [2, 4]


def test_that_a_header_may_come_after_other_rows(tmp_path: Path, make_study: MakeStudy) -> None:
    path = table(
        tmp_path / "t.csv",
        "Ratings of 2024\n\nexported by hand,,\nrater,image,smart\nr1,face-000.jpg,3\n"
        "r1,nobody.jpg,3\n",
    )
    report = finished(import_files(bare(make_study), [path]))
    assert (report.rows_kept, reasons(report)) == (1, {6: "the study has no image “nobody.jpg”"})


def test_that_an_unknown_table_is_refused_with_its_columns(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    path = table(tmp_path / "t.csv", "colour,group\nred,x\nblue,y\n")
    with pytest.raises(DecisionNeededError, match=r"names images of the study \(colour, group\)"):
        finished(import_files(bare(make_study), [path]))


def test_that_columns_which_are_no_judgments_are_passed_over_and_named(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    path = table(
        tmp_path / "t.csv",
        "rater,image,age,smart,remark\nr1,face-000.jpg,33,3,nice\nr1,face-001.jpg,33,1,hm\n",
    )
    study = bare(make_study)
    report = finished(import_files(study, [path]))
    assert {name for trial in study.trials() for name in trial.answers} == {"smart"}
    assert "rater-fact: age" in " ".join(report.notices)
    assert "remark" in " ".join(report.notices)


def test_that_a_formula_without_a_stored_result_is_no_answer(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    rows = [["r1", f"face-{number:03d}.jpg", 1 + number % 4] for number in range(4)]
    path = sheet(
        tmp_path / "t.xlsx", [["rater", "image", "smart"], *rows, ["r1", "face-004.jpg", "=1+2"]]
    )
    study = bare(make_study)
    report = finished(import_files(study, [path]))
    assert (len(study.trials()), list(reasons(report))) == (4, [6])


def test_that_every_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for page in (book.worksheets[0], book.create_sheet("second")):
        page.append(["rater", "image"])
        page.append(["r1", "a.jpg"])
    book.save(tmp_path / "t.xlsx")
    assert [read.name for read in read_data_tables(tmp_path / "t.xlsx")] == [
        "t.xlsx, sheet Sheet",
        "t.xlsx, sheet second",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04broken", "damaged"), (b"PAR1broken", "not a readable Parquet"),
     (b"\xd0\xcf\x11\xe0old", "old Excel file"), (b"\x80\x04pickle\0\0", "Nothing was imported")],
)  # fmt: skip
def test_that_what_is_no_table_is_refused_in_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_data_tables(tmp_path / "t")


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
        read_data_tables(_doctored(tmp_path, "xl/worksheets/sheet1.xml", bomb))


def test_that_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "prism_desktop.engine.study.importing.reading.archives.MAX_UNPACKED", 1_000_000
    )
    with pytest.raises(InputError, match="more than is reasonable"):
        read_data_tables(_doctored(tmp_path, "xl/worksheets/sheet1.xml", b" " * 2_000_000))


def test_that_a_small_parquet_file_that_claims_too_many_cells_is_refused(tmp_path: Path) -> None:
    nothing = pa.nulls(1_000_000, pa.string())
    pq.write_table(
        pa.table({f"c{number}": nothing for number in range(201)}), tmp_path / "t.parquet"
    )
    assert (tmp_path / "t.parquet").stat().st_size < 1_000_000
    with pytest.raises(InputError, match="too many rows or columns"):
        read_data_tables(tmp_path / "t.parquet")


def test_that_a_truncated_sheet_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged workbook"):
        read_data_tables(
            _doctored(tmp_path, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row")
        )


@pytest.mark.parametrize(
    "text", ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "'x", "'=x", "''", "plain", "", "a=b"]
)
def test_that_neutralised_text_comes_back(text: str) -> None:
    assert restored(neutral(text)) == text
    assert not neutral(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("cell", ["1_0", "inf", "nan", "0x1", "three", "=1+2", "1e999", ""])
def test_that_only_finite_decimal_numbers_are_numbers(cell: str) -> None:
    with pytest.raises(ValueError, match="number"):
        number(cell)


def test_that_columns_are_compared_where_both_are_filled() -> None:
    one = column("a", "b", None, "c", "d")
    assert same_rows(one, column("a", "b", "x", None, "e")) == pytest.approx(2 / 3)
    assert same_rows(one, column(None, None, "x", None, None)) == 0.0


def test_that_a_sheet_without_answers_is_left_out_and_told(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    book = openpyxl.Workbook()
    notes, ratings = book.worksheets[0], book.create_sheet("ratings")
    for row in (["note", "colour"], ["first", "red"], ["second", "blue"]):
        notes.append(row)
    for row in (["rater", "image", "smart"], ["r1", "face-000.jpg", 3], ["r1", "face-001.jpg", 1]):
        ratings.append(row)
    book.save(tmp_path / "t.xlsx")
    report = finished(import_files(bare(make_study), [tmp_path / "t.xlsx"]))
    assert report.rows_kept == 2
    told = [doubt.text for doubt in report.doubts if "no answers that could be under" in doubt.text]
    assert [text.startswith("t.xlsx, sheet Sheet holds") for text in told] == [True]


def test_that_every_mark_of_rejected_rows_is_told(tmp_path: Path, make_study: MakeStudy) -> None:
    rows = "".join(
        f"r{place},face-{image:03}.jpg,{1 + (place + image) % 5},{mark}\n"
        for place, mark in enumerate(("rejected", "returned", "timed-out", "approved"))
        for image in range(3)
    )
    path = table(tmp_path / "t.csv", f"rater,image,smart,status\n{rows}")
    report = finished(import_files(bare(make_study), [path]))
    (told,) = [doubt.text for doubt in report.doubts if doubt.kind == "status"]
    assert "9 rows" in told
    assert all(f"“{mark}”" in told for mark in ("rejected", "returned", "timed-out"))
