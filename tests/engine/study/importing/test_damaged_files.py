"""Files that are damaged, or made to harm: a sentence and no traceback, no wait and no memory."""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import Workbook
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_files, redo_import
from prism_desktop.engine.study.importing.reading.file_marks import changed_files
from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished
from tests.engine.study.importing.test_other_files import ods
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def read_json(folder: Path, content: str) -> DataTable:
    """The only table of a file with that content."""
    path = folder / "answers.json"
    path.write_text(content)
    (table,) = read_data_tables(path)
    return table


@pytest.mark.parametrize(
    ("data", "cells", "left_out"),
    [
        ([["x.jpg", 5], ["y.jpg", 6]], [("x.jpg", "5"), ("y.jpg", "6")], ()),
        ([["x.jpg", 5], 6, "z"], [("x.jpg", "5")], (2, 3)),
        ([["x.jpg"], ["y.jpg", 6, 7]], [("x.jpg", "")], (2,)),
        ([{"image": "x.jpg", "rating": 5}], [("x.jpg", "5")], ()),
        ([{"rating": 5, "image": "x.jpg"}, ["y.jpg", 6]], [("x.jpg", "5"), ("y.jpg", "6")], ()),
    ],
)
def test_that_rows_beside_their_columns_names_are_read(
    tmp_path: Path, data: object, cells: list[tuple[str, str]], left_out: tuple[int, ...]
) -> None:
    table = read_json(tmp_path, json.dumps({"columns": ["image", "rating"], "data": data}))
    found = {column.name: list(column.texts()) for column in table.columns}
    ratings = found.get("rating", [""] * len(table))
    assert list(zip(found["image"], ratings, strict=True)) == cells
    assert tuple(row for left in table.left_out for row in left.rows) == left_out


@pytest.mark.parametrize("data", [[5, 6], ["ab", "cd"], [None], [[1, 2, 3]]])
def test_that_data_without_rows_are_refused(tmp_path: Path, data: object) -> None:
    with pytest.raises(InputError, match=r"Nothing was imported\.$"):
        read_json(tmp_path, json.dumps({"columns": ["a", "b"], "data": data}))


def test_that_equal_names_in_a_record_are_told_apart(tmp_path: Path) -> None:
    table = read_json(tmp_path, '[{"a": 1, "a": 2, "a (2)": 3, "a": 4}]')
    assert {column.name: list(column.texts()) for column in table.columns} == {
        "a": ["1"], "a (2)": ["2"], "a (2) (2)": ["3"], "a (3)": ["4"],
    }  # fmt: skip


@pytest.mark.parametrize("inside", ['{"r": {%s}}', "{%s}"])
def test_that_a_record_of_endless_equal_names_is_refused_at_once(
    tmp_path: Path, inside: str
) -> None:
    pairs = ",".join('"a": 1' for _ in range(20_001))
    with pytest.raises(InputError, match="too many rows or columns"):
        read_json(tmp_path, "[" + inside % pairs + "]")


def table_of(*rows: str) -> str:
    """The XML of an ODS sheet with a header and these rows of cells."""
    head = "<table:table-cell><text:p>image</text:p></table:table-cell>"
    head += "<table:table-cell><text:p>when</text:p></table:table-cell>"
    lines = "".join(f"<table:table-row>{row}</table:table-row>" for row in (head, *rows))
    return f'<table:table table:name="s">{lines}</table:table>'


IMAGE = "<table:table-cell><text:p>x.jpg</text:p></table:table-cell>"


@pytest.mark.parametrize("depth", [3_000, 100_000])
def test_that_endless_spans_are_a_sentence(tmp_path: Path, depth: int) -> None:
    spans = "<text:span>" * depth + "5" + "</text:span>" * depth
    cell = f"<table:table-cell><text:p>{spans}</text:p></table:table-cell>"
    with pytest.raises(InputError, match=r"Nothing was imported\.$"):
        read_data_tables(ods(tmp_path / "a.ods", table_of(IMAGE + cell)))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ('office:value-type="date" office:date-value="2026-02-31"', "31 February"),
        ('office:value-type="date" office:date-value="soon"', "31 February"),
        ('office:value-type="float" office:value="1,5"', "1,5"),
    ],
)
def test_that_one_bad_cell_keeps_its_text(tmp_path: Path, kind: str, text: str) -> None:
    cell = f"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"
    (table,) = read_data_tables(ods(tmp_path / "a.ods", table_of(IMAGE + cell, IMAGE)))
    assert list(table.column("when").texts()) == [text, ""]


def with_part(folder: Path, name: str, pieces: int, start: bytes) -> Path:
    """A small workbook with a part of so many MB."""
    book = Workbook()
    assert book.active is not None
    book.active.append(["image", "rating"])
    book.active.append(["x.jpg", 5])
    book.save(folder / "good.xlsx")
    target = folder / "bad.xlsx"
    with (
        zipfile.ZipFile(folder / "good.xlsx") as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            if item.filename != name:
                new.writestr(item, old.read(item))
        with new.open(name, "w", force_zip64=True) as part:
            part.write(start)
            for _ in range(pieces):
                part.write(b" " * 1024**2)
    return target


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/a.bin"])
def test_that_an_archive_bomb_is_refused_whatever_its_part_is_called(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match="more than is reasonable"):
        read_data_tables(with_part(tmp_path, name, 40, b"<sst>"))


@pytest.mark.parametrize(
    "start", [b"<sst>", b'<?xml version="1.0"?>\n<!-- <worksheet> --><x:sst xmlns:x="x">']
)
def test_that_shared_texts_have_a_limit_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(
        "prism_desktop.engine.study.importing.reading.archives.MAX_STRINGS", 1024**2
    )
    with pytest.raises(InputError, match="more than is reasonable"):
        read_data_tables(with_part(tmp_path, "xl/worksheets/sheet7.xml", 2, start))


def test_that_a_document_type_is_refused_whatever_its_part_is_called(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="document type"):
        read_data_tables(with_part(tmp_path, "xl/a.bin", 0, b"<!DOCTYPE x><x/>"))


def test_that_many_merged_cells_are_read_in_no_time(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["rater", *(f"image {number}" for number in range(600))])
    for row in range(20):
        sheet.append([f"R{row // 2}" if not row % 2 else None, *range(600)])
    path = tmp_path / "merged.xlsx"
    book.save(path)
    merges = "".join(f'<mergeCell ref="A{2 * row}:A{2 * row + 1}"/>' for row in range(1, 11))
    merges += "".join(
        f'<mergeCell ref="A2:A{row}"/><mergeCell ref="B1:C{row}"/>' for row in range(30, 60_000)
    )
    target = tmp_path / "many.xlsx"
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            content = old.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                merged = f"</sheetData><mergeCells>{merges}</mergeCells>".encode()
                content = content.replace(b"</sheetData>", merged)
            new.writestr(item, content)
    (table,) = read_data_tables(target)
    assert len(table) == 20


def badly_named(folder: Path, name: bytes, content: bytes) -> Path:
    """A file whose name is no UTF-8, if the system lets there be one."""
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    try:
        path.write_bytes(content)
    except (OSError, UnicodeError):
        pytest.skip("names are text on this system")
    return path


def test_that_an_image_whose_name_is_no_text_is_refused_alone(tmp_path: Path, study: Study) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    Image.new("RGB", (9, 9), "red").save(folder / "red.png")
    badly_named(folder, b"\xfc.png", (folder / "red.png").read_bytes() + b"other")
    report = finished(import_images(study, folder))
    assert report.rows_kept == 1
    (refused,) = report.refused
    assert refused.reason.startswith("\\xfc.png: ")
    assert "rename" in refused.reason


def test_that_a_folder_and_a_table_whose_name_is_no_text_are_refused(
    tmp_path: Path, study: Study
) -> None:
    path = badly_named(tmp_path, b"\xfcw.csv", b"rater,image,smart\nu,face-001.jpg,5\n")
    with pytest.raises(InputError, match=r"\\xfcw\.csv .*Nothing was imported\.$"):
        finished(import_files(study, [path]))
    folder = path.with_suffix("")
    folder.mkdir()
    with pytest.raises(InputError, match=r"\\xfcw .*Nothing was imported\.$"):
        finished(import_images(study, folder))


def test_that_what_is_no_plain_file_is_refused(tmp_path: Path, study: Study) -> None:
    pipe = tmp_path / "pipe.csv"
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in folders here")
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(InputError, match="no plain file"):
            finished(import_files(study, [path]))


def undone(study: Study, folder: Path) -> tuple[Path, ImportReport]:
    """A table that was imported, and its report once that is undone."""
    path = folder / "week1.csv"
    rows = "".join(f"u,face-{n:03d}.jpg,{1 + n % 7}\n" for n in range(12))
    path.write_text(f"rater,image,smart\n{rows}")
    study.undo_import(finished(import_files(study, [path])).id)
    return path, study.imports()[-1]


@pytest.mark.parametrize(
    "file", ["week1.csv", "//host/share/week1.csv", "\\\\host\\share\\week1.csv", "/\\host/w.csv"]
)
def test_that_files_of_a_received_study_are_not_looked_for_elsewhere(
    tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    path, report = undone(study, tmp_path)
    files = report.mapping["files"]
    assert isinstance(files, Mapping)
    told = replace(report, mapping={**report.mapping, "files": {file: files[str(path)]}})
    monkeypatch.setattr(study, "imports", lambda: [told])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"not on this computer.*Nothing was changed\.$"):
        finished(redo_import(study, report.id))
    with pytest.raises(InputError, match="not on this computer"):
        changed_files(told)


def test_that_files_that_changed_since_are_known(tmp_path: Path, study: Study) -> None:
    path, report = undone(study, tmp_path)
    assert changed_files(report) == []
    path.write_text(path.read_text() + "u,face-000.jpg,2\n")
    assert changed_files(report) == [path]
    path.unlink()
    assert changed_files(report) == []
