"""Workbooks, files of statistics programs, Parquet and JSON, written here as programs do."""

import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyreadstat
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables


def names(table: DataTable) -> list[str]:
    return [column.name for column in table.columns]


def cells(table: DataTable, column: str) -> list[str]:
    return list(table.column(column).texts())


LONG = [("R01", "X001.jpg", 3), ("R02", "X001.jpg", 5), ("R01", "X002.jpg", 4)]
HEAD = ("rater", "image", "rating")


def workbook(path: Path, **sheets: list[tuple[Any, ...]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def test_that_every_filled_visible_sheet_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "study.xlsx"
    book = workbook(path, faces=[HEAD, *LONG], empty=[], notes=[("a", "b"), ("x", "y")], old=[HEAD])
    book["notes"].sheet_state = "hidden"
    book.save(path)
    (table,) = read_data_tables(path)
    assert table.name == "study.xlsx, sheet faces"
    assert (table.file, table.reading.sheet, table.reading.kind) == ("study.xlsx", "faces", "xlsx")
    assert names(table) == list(HEAD)
    assert cells(table, "rating") == ["3", "5", "4"]
    assert "“notes”" in table.reading.notices[0]
    (notes,) = read_data_tables(path, Recipe(sheets=("Notes",)))
    assert cells(notes, "b") == ["y"]
    with pytest.raises(InputError, match="no sheet wrong, but faces"):
        read_data_tables(path, Recipe(sheets=("wrong",)))


def test_that_cells_of_a_workbook_become_text(tmp_path: Path) -> None:
    path = tmp_path / "cells.dat"
    row = ("A", 12.0, 0.1, 7, True, datetime(2026, 11, 28, 14, 3, 5), date(2026, 11, 28), " b ")
    workbook(path, s=[tuple("abcdefgh"), row, row])
    (table,) = read_data_tables(path)
    assert [column.text(0) for column in table.columns] == [
        *("A", "12", "0.1", "7", "true", "2026-11-28T14:03:05", "2026-11-28", " b "),
    ]


def test_that_errors_and_formulas_without_result_are_empty_and_told(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    workbook(path, s=[HEAD, ("A", "a.jpg", "=1+2"), ("B", "b.jpg", "#N/A"), ("C", "c.jpg", 3)])
    (table,) = read_data_tables(path)
    assert cells(table, "rating") == ["", "", "3"]
    told = " ".join(table.reading.notices)
    assert "#N/A (first: row 3)" in told
    assert "1 formula has no stored result (first: row 2)" in told


def test_that_dates_among_scale_labels_are_told(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    rows = [("A", "a.jpg", "5-60"), ("A", "b.jpg", datetime(2026, 2, 1)), ("B", "a.jpg", "7-80")]
    workbook(path, s=[HEAD, *rows, *rows])
    (table,) = read_data_tables(path)
    assert any("a date (row 3: 2026-02-01)" in notice for notice in table.reading.notices)
    workbook(path, s=[HEAD, *[("A", "a.jpg", datetime(2026, 2, day)) for day in range(1, 9)]])
    (table,) = read_data_tables(path)
    assert table.reading.notices == ()


def test_that_merged_labels_are_filled_down_and_merged_ratings_are_not(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    rows = [("R01", "a", 3), (None, "b", 4), ("R02", "a", 5), (None, "b", None), ("R03", "a", 1)]
    book = workbook(path, s=[HEAD, *rows])
    for area in ("A2:A3", "A4:A5", "C4:C5"):
        book["s"].merge_cells(area)
    book.save(path)
    (table,) = read_data_tables(path)
    assert cells(table, "rater") == ["R01", "R01", "R02", "R02", "R03"]
    assert cells(table, "rating") == ["3", "4", "5", "", "1"]
    told = " ".join(table.reading.notices)
    assert "“rater” were filled down" in told
    assert "“rating” hold one number" in told


@pytest.mark.parametrize("merged", [True, False])
def test_that_a_header_of_two_rows_is_joined(tmp_path: Path, merged: bool) -> None:
    path = tmp_path / "h.xlsx"
    upper = ("image", "attractive", None, "trustworthy", None)
    lower = (None, "R01", "R02", "R01", "R02")
    book = workbook(path, s=[upper, lower, ("a.jpg", 1, 2, 3, 4), ("b.jpg", 5, 6, 7, 1)])
    if merged:
        for area in ("A1:A2", "B1:C1", "D1:E1"):
            book["s"].merge_cells(area)
        book.save(path)
    (table,) = read_data_tables(path)
    assert names(table) == [
        *("image", "attractive / R01", "attractive / R02"),
        *("trustworthy / R01", "trustworthy / R02"),
    ]
    assert table.reading.header_rows == (1, 2)
    assert table.rows.tolist() == [3, 4]


def test_that_titles_above_a_sheet_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    workbook(path, s=[("Study of faces",), (), HEAD, *LONG])
    (table,) = read_data_tables(path)
    assert cells(table, "image") == ["X001.jpg", "X001.jpg", "X002.jpg"]
    assert table.rows.tolist() == [4, 5, 6]
    assert table.left_out[0].rows == (1,)


def part(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Rewrite one part of an archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in parts.items():
            archive.writestr(entry, content)


BOMB = b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]>"


def ods(path: Path, body: str) -> Path:
    """A minimal ODS workbook around the XML of its tables."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body>'
        f"<office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return path


def test_that_hostile_archives_are_refused(tmp_path: Path) -> None:
    book, sheet = tmp_path / "b.xlsx", "xl/worksheets/sheet1.xml"
    changes: list[Callable[[bytes], bytes]] = [
        lambda content: BOMB + content,
        lambda content: content[: len(content) // 2],
        lambda _: b"",
    ]
    for change in changes:
        workbook(book, s=[HEAD, *LONG])
        part(book, sheet, change)
        with pytest.raises(InputError, match=r"Nothing was imported\.$"):
            read_data_tables(book)
    plain = tmp_path / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("ratings.csv", "a,b\n1,2\n")
    with pytest.raises(InputError, match="not a workbook"):
        read_data_tables(plain)
    plain.write_bytes(plain.read_bytes()[:40])
    with pytest.raises(InputError, match="damaged"):
        read_data_tables(plain)


def test_that_an_ods_workbook_is_read_as_libreoffice_writes_it(tmp_path: Path) -> None:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    document = OpenDocumentSpreadsheet()
    sheet = Table(name="faces")
    for row in [HEAD, *LONG, ("R03", "", 2.5)]:
        line = TableRow()
        for cell in row:
            number = isinstance(cell, int | float)
            facts = {"valuetype": "float", "value": cell} if number else {"valuetype": "string"}
            box = TableCell(**facts)
            box.addElement(P(text=str(cell)))
            line.addElement(box)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    path = tmp_path / "faces.bin"
    document.save(path)
    (table,) = read_data_tables(path)
    assert table.reading.kind == "ods"
    assert names(table) == list(HEAD)
    assert cells(table, "rating") == ["3", "5", "4", "2.5"]
    assert cells(table, "image") == ["X001.jpg", "X001.jpg", "X002.jpg", ""]


def cell(text: str, more: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def test_that_repeated_ods_cells_are_bounded(tmp_path: Path) -> None:
    head = f"<table:table-row>{cell('rater')}{cell('image')}</table:table-row>"
    tail = (
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
    )
    twice = (
        f'<table:table-row table:number-rows-repeated="2">{cell("A")}{cell("a.jpg")}'
        "</table:table-row>"
    )
    path = ods(tmp_path / "a.ods", f'<table:table table:name="s">{head}{twice}{tail}</table:table>')
    (table,) = read_data_tables(path)
    assert cells(table, "rater") == ["A", "A"]
    assert table.rows.tolist() == [2, 3]
    wide = 'table:number-columns-repeated="999999"'
    for bomb in (
        f'<table:table-row table:number-rows-repeated="9999999">{cell("A")}</table:table-row>',
        f"<table:table-row>{cell('A', wide)}</table:table-row>",
    ):
        ods(path, f'<table:table table:name="s">{head}{bomb}</table:table>')
        with pytest.raises(InputError, match="too many"):
            read_data_tables(path)


@pytest.mark.parametrize("packed", [False, True])
def test_that_spss_labels_titles_and_missing_values_come_along(
    tmp_path: Path, packed: bool
) -> None:
    path = tmp_path / "study.unknown"
    data = pd.DataFrame(
        {
            "rater": ["Müller", "Zoë", "Ann"],
            "rating": [3.0, -99.0, None],
            "mood": [1.5, 98.0, 97.0],
            "day": pd.to_datetime(["2026-11-28 14:03:05"] * 3),
        }
    )
    pyreadstat.write_sav(
        data,
        str(path),
        column_labels={"rating": "How attractive?"},
        variable_value_labels={"rating": {1: "not at all", 3: "medium", -99: "no answer"}},
        missing_ranges={"rating": [-99], "mood": [{"lo": 97, "hi": 99}]},
        compress=packed,
    )
    (table,) = read_data_tables(path)
    rating = table.column("rating")
    assert table.reading.kind == "sav"
    assert cells(table, "rater") == ["Müller", "Zoë", "Ann"]
    assert cells(table, "rating") == ["3", "-99", ""]
    assert rating.labels == {"1": "not at all", "3": "medium", "-99": "no answer"}
    assert (rating.title, rating.missing) == ("How attractive?", {"-99"})
    assert table.column("mood").missing == {"98", "97"}
    assert cells(table, "day")[0] == "2026-11-28T14:03:05"
    assert table.rows.tolist() == [1, 2, 3]


def test_that_stata_labels_and_missing_values_come_along(tmp_path: Path) -> None:
    path = tmp_path / "study.csv"
    data = pd.DataFrame({"rater": ["A", "B", "C"], "rating": [3, "a", 5]})
    pyreadstat.write_dta(
        data,
        str(path),
        variable_value_labels={"rating": {3: "medium", "a": "refused"}},
        missing_user_values={"rating": ["a"]},
    )
    (table,) = read_data_tables(path)
    rating = table.column("rating")
    assert table.reading.kind == "dta"
    assert cells(table, "rating") == ["3", ".a", "5"]
    assert rating.missing == {".a"}
    assert rating.labels == {"3": "medium", ".a": "refused"}


@pytest.mark.parametrize("start", [b"$FL2@(#)", b"$FL3@(#)", b"<stata_dta><header>", b"PAR1"])
def test_that_damaged_files_of_programs_are_refused(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(start + b"\0" * 500)
    with pytest.raises(InputError, match=r"Nothing was imported\.$"):
        read_data_tables(path)


def test_that_parquet_of_pandas_is_read_without_its_numbering(tmp_path: Path) -> None:
    path = tmp_path / "p.bin"
    data = pd.DataFrame(
        {
            "rater": pd.Categorical(["A", "B", "A"]),
            "rating": [3.0, None, 2.5],
            "tags": [["x"], ["x", "y"], []],
            "when": pd.to_datetime(["2026-11-28"] * 3),
        },
        index=pd.Index([0, 1, 2]),
    )
    table_written = pa.Table.from_pandas(data, preserve_index=True)
    table_written = table_written.append_column("raw", pa.array([b"\x00", b"\x01", None]))
    nested = pa.array([{"file": "a.jpg", "n": 1}, {"file": "b.jpg", "n": 2}, None])
    table_written = table_written.append_column("image", nested)
    pa.parquet.write_table(table_written, path)
    (table,) = read_data_tables(path)
    assert names(table) == ["rater", "rating", "tags", "when", "image.file", "image.n"]
    assert cells(table, "rating") == ["3", "", "2.5"]
    assert cells(table, "tags") == ["x", '["x", "y"]', ""]
    assert cells(table, "image.file") == ["a.jpg", "b.jpg", ""]
    assert cells(table, "when") == ["2026-11-28"] * 3
    assert table.rows.tolist() == [2, 3, 4]
    assert "“raw” holds bytes" in table.reading.notices[0]


TASKS = [
    {
        "id": 1,
        "data": {"image": "a.jpg"},
        "annotations": [
            {
                "id": 11,
                "completed_by": {"id": 5, "email": "ann@x.org"},
                "was_cancelled": False,
                "lead_time": 2.5,
                "result": [
                    {"from_name": "attractive", "value": {"rating": 4}},
                    {"from_name": "mood", "value": {"choices": ["calm"]}},
                ],
            },
            {"id": 12, "was_cancelled": True, "result": []},
        ],
        "predictions": [{"result": [{"value": {"rating": 1}}]}],
        "drafts": [],
    },
    {"id": 2, "data": {"image": "b.jpg"}, "annotations": [], "predictions": []},
]


def test_that_label_studio_gives_a_row_per_result_of_a_person(tmp_path: Path) -> None:
    path = tmp_path / "export.txt"
    path.write_text(json.dumps(TASKS, indent=1))
    (table,) = read_data_tables(path)
    assert cells(table, "data.image") == ["a.jpg", "a.jpg"]
    assert cells(table, "result.from_name") == ["attractive", "mood"]
    assert cells(table, "result.value.rating") == ["4", ""]
    assert cells(table, "result.value.choices") == ["", "calm"]
    assert cells(table, "annotations.completed_by.email") == ["ann@x.org"] * 2
    assert cells(table, "annotations.lead_time") == ["2.5", "2.5"]
    reasons = {left_out.reason: left_out.rows for left_out in table.left_out}
    assert any("predictions" in reason for reason in reasons)
    assert reasons["cancelled by the annotator"] == (1,)
    assert reasons["records without annotations"] == (2,)


RECORDS = [
    {"image": "a.jpg", "rating": 3, "who": {"name": "A"}},
    {"image": "b.jpg", "rating": 4.0, "who": {"name": "B"}},
]
WRAPPED = {
    "list": json.dumps(RECORDS),
    "indented": json.dumps(RECORDS, indent=2),
    "data": json.dumps({"version": 1, "data": RECORDS}),
    "only key": json.dumps({"faces": RECORDS}),
    "lines": "\n".join(map(json.dumps, RECORDS)) + "\n\n",
    "mark": "\ufeff" + json.dumps(RECORDS),
    "lists": json.dumps([["image", "rating", "who.name"], ["a.jpg", 3, "A"], ["b.jpg", 4.0, "B"]]),
    "split": json.dumps(
        {"columns": ["image", "rating", "who.name"], "data": [["a.jpg", 3, "A"], ["b.jpg", 4, "B"]]}
    ),
    "columns": json.dumps(
        {
            "image": {"0": "a.jpg", "1": "b.jpg"},
            "rating": {"0": 3, "1": 4},
            "who.name": {"0": "A", "1": "B"},
        }
    ),
    "sittings": json.dumps([[RECORDS[0]], [RECORDS[1]]]),
    "sitting": json.dumps([{"trials": RECORDS, "session": 1}]),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_that_records_are_found_however_json_wraps_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "r.dat"
    path.write_text(WRAPPED[name])
    (table,) = read_data_tables(path)
    prefix = "trials." if name == "sitting" else ""
    assert cells(table, f"{prefix}image") == ["a.jpg", "b.jpg"]
    assert cells(table, f"{prefix}rating") == ["3", "4"]
    assert cells(table, f"{prefix}who.name") == ["A", "B"]
    assert table.reading.kind == ("jsonl" if name == "lines" else "json")


def test_that_prodigy_and_jspsych_answers_are_flattened(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    options = [{"id": n, "text": str(n)} for n in range(1, 8)]
    lines = [
        {"image": "a.jpg", "options": options, "accept": [3], "answer": "accept"},
        {"image": "b.jpg", "options": options, "accept": [], "answer": "reject"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    (table,) = read_data_tables(path)
    assert cells(table, "accept") == ["3", ""]
    assert cells(table, "answer") == ["accept", "reject"]
    assert len(table) == 2
    assert "“options”" in table.reading.notices[0]
    path.write_text(json.dumps([{"rt": 1, "response": {"Q0": 3}}, {"rt": 2, "response": "x"}]))
    (table,) = read_data_tables(path)
    assert cells(table, "response.Q0") == ["3", ""]
    assert cells(table, "response") == ["", "x"]


def test_that_odd_json_is_told(tmp_path: Path) -> None:
    path = tmp_path / "o.json"
    path.write_text('[{"r": 3, "r": 5, "v": NaN, "u": "\\ud800"}, 7, {"r": 1}]')
    (table,) = read_data_tables(path)
    assert cells(table, "r") == ["3", "1"]
    assert cells(table, "r (2)") == ["5", ""]
    assert cells(table, "u") == ["?", ""]
    assert "twice" in table.reading.notices[0]
    assert table.left_out[0].rows == (2,)


REFUSED_JSON = {
    "cut": ('[{"a": 1}, {"a": ', "begins as JSON does"),
    "deep": ("[" * 100_000, "without end|begins as JSON"),
    "deep records": ('{"a":' * 100_000, "without end|begins as JSON"),
    "no records": ("[1, 2, 3]", "no records"),
    "empty": ("[]", "no records"),
    "long number": ('[{"a": ' + "9" * 10_000 + "}]", "cannot|no JSON|be read"),
    "lines": ('{"a": 1}\n{"a": 2}\n{"a"\n{"b"\n{"c"\n', "lines cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED_JSON)
def test_that_broken_and_hostile_json_is_refused(tmp_path: Path, name: str) -> None:
    content, words = REFUSED_JSON[name]
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_data_tables(path)
    assert str(refusal.value).endswith("Nothing was imported.")
