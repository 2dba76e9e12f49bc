"""Rows with more cells than the header: right, or a doubt that is told; never less in silence."""

from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.reading.file_reading import read_data_tables

HEAD = "rater,image,kind\n"


def _table(path: Path, rows: list[str], head: str = HEAD) -> Path:
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return path


@pytest.mark.parametrize("surplus", [1, 2, 5, 6, 7, 10], ids=lambda n: f"{n} of 10 rows")
@pytest.mark.parametrize("cells", [",extra", ',"a,b"'])
def test_that_surplus_cells_are_told_whatever_share_of_the_rows_has_them(
    surplus: int, cells: str, tmp_path: Path
) -> None:
    rows = [f"A,face-{n}.jpg,{n % 4 + 1}{cells if n < surplus else ''}" for n in range(10)]
    (table,) = read_data_tables(_table(tmp_path / "t.csv", rows))
    told = " ".join([*table.reading.notices, *(left.reason for left in table.left_out)])
    assert "more cells than the header" in told
    kept = {int(row) for row in table.rows}
    left = {row for one in table.left_out for row in one.rows}
    assert kept | left >= set(range(2, 12))


@pytest.mark.parametrize("ending", [",", ",,", ', ,""'])
def test_that_empty_surplus_cells_mean_nothing(ending: str, tmp_path: Path) -> None:
    rows = [f"A,face-{n}.jpg,{n % 4 + 1}{ending if n % 2 else ''}" for n in range(10)]
    (table,) = read_data_tables(_table(tmp_path / "t.csv", rows))
    assert len(table) == 10
    assert not table.left_out
