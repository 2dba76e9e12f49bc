"""Where an exported figure goes."""

from pathlib import Path

import openpyxl
import pandas as pd

from prism_desktop.ui.widgets.file_export import TABLES, chosen_path, plain, write_rows


def test_that_the_chosen_kind_is_written_even_if_the_proposed_name_was_left(tmp_path: Path) -> None:
    assert chosen_path(tmp_path / "faces.svg", "PNG (*.png)") == tmp_path / "faces.png"
    assert chosen_path(tmp_path / "faces.svg", "SVG (*.svg)") == tmp_path / "faces.svg"
    assert chosen_path(tmp_path / "faces", "PDF (*.pdf)") == tmp_path / "faces.pdf"


def test_that_a_typed_ending_is_the_users_word(tmp_path: Path) -> None:
    assert chosen_path(tmp_path / "faces.pdf", "SVG (*.svg)") == tmp_path / "faces.pdf"


def test_that_a_file_the_dialog_did_not_ask_about_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "faces.png").touch()
    assert chosen_path(tmp_path / "faces.svg", "PNG (*.png)") == tmp_path / "faces 2.png"


def test_that_a_table_is_written_as_its_name_ends(tmp_path: Path) -> None:
    assert chosen_path(tmp_path / "t.csv", "Excel (*.xlsx)", TABLES) == tmp_path / "t.xlsx"
    head, body = ("name", "n", "share"), [("=1+1", 3, None), ("é", 4, 0.5)]
    for kind in TABLES:
        write_rows(tmp_path / f"t{kind}", head, body)
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["n"].tolist() == [3, 4]
    assert frame["share"].isna().tolist() == [True, False]
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    assert sheet is not None
    assert sheet["A2"].value == "=1+1"
    assert sheet["A2"].data_type == "s"  # text, and no formula
    assert (sheet["B3"].value, sheet["C2"].value) == (4, None)
    assert "'=1+1" in (tmp_path / "t.csv").read_text("utf-8-sig")


def test_that_a_name_becomes_one_files() -> None:
    assert plain("faces A/B kind?") == "faces A-B kind-"
