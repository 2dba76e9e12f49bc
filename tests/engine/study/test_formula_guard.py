"""Cells that a spreadsheet would take for formulas."""

import csv
from pathlib import Path

import pandas as pd

from prism_desktop.engine.study.formula_guard import write_frame


def test_that_a_frame_keeps_its_numbers_and_no_text_or_heading_is_a_formula(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    write_frame(pd.DataFrame({"gain": [-0.5, 2.0], "=who": ["=HYPERLINK(1)", "Ada"]}), file)
    with file.open(encoding="utf-8", newline="") as lines:
        head, *rows = csv.reader(lines)
    assert [float(row[0]) for row in rows] == [-0.5, 2.0]
    assert [row[1] for row in rows] == ["'=HYPERLINK(1)", "Ada"]
    assert head == ["gain", "'=who"]
