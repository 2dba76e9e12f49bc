"""Figures for a paper: caption, table, and what is said where there is nothing to draw."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.paper_figures import (
    FIGURES,
    Material,
    material,
    paper_figure,
)
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.writing_boards import keep_board, made_board
from tests.ui import fabricate

_WAYS = (
    ("shots", "the command shots"), ("learning-curve", "the command curve"),
    ("training", "an image tower"), ("writing", "with --task writing"),
)  # fmt: skip


@pytest.fixture
def given(tiny_study: Study) -> Material:
    """Of a study with a tested run."""
    made = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, made, labelers=("L1", "L2", "L3"), attributes=("smart",))
    return material(tiny_study)


@pytest.mark.parametrize("name", ["agreement", "network", "gain"])
def test_that_a_caption_says_n_split_and_intervals_and_the_table_has_the_numbers(
    given: Material, name: str
) -> None:
    made = paper_figure(name, given)
    assert "interval" in made.caption
    assert "not about the person shown" in made.caption
    if name == "gain":
        assert given.run is not None
        summary = given.run.summary()
        assert summary is not None
        assert "split by image" in made.caption
        assert f"n {summary.test.macro.n:,}" in made.caption
        rows = made.table.set_index("labeler")
        for code, row in summary.test.per_labeler.items():
            assert rows.loc[code, "accuracy"] == row.accuracy
            assert (rows.loc[code, "low"], rows.loc[code, "high"]) == (row.low, row.high)
    assert len(made.table)


def test_that_what_cannot_be_drawn_says_what_would_make_it(given: Material) -> None:
    for name, way in _WAYS:
        with pytest.raises(InputError, match=way):
            paper_figure(name, given)
    with pytest.raises(InputError, match="there are agreement, network"):
        paper_figure("pie", given)


def test_that_the_figure_of_writing_has_the_numbers_of_the_newest_comparison(
    given: Material,
) -> None:
    board = made_board(4)
    keep_board(given.study, board)
    made = paper_figure("writing", given)
    assert made.caption.startswith("Too few to tell: this rests on 4 simulated people.")
    assert "95% intervals over people and prompts" in made.caption
    assert "The people are simulated" in made.caption
    assert "faces" not in made.caption
    rows = made.table.set_index("method")
    for row in board.methods:
        assert rows.loc[row.method, "nll"] == row.summary.test.value
    assert rows.loc["e2p-1", "gain_over_retrieval_both_low"] == pytest.approx(
        board.methods[0].over_retrieval.mean.both_low  # type: ignore[union-attr]
    )


def test_that_programs_are_in_no_figure_beside_people(tiny_study: Study) -> None:
    assert not material(tiny_study).simulated
    everybody = set(material(tiny_study).compared["labeler"])
    tiny_study.add_labeler("S1", "Robot", simulated=True)
    assert set(material(tiny_study).compared["labeler"]) == everybody


def test_that_the_command_writes_figure_caption_and_tables_of_every_kind(
    given: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(FIGURES) | {"relevance"} >= {"agreement", "ceiling", "shots"}
    for kind in ("csv", "xlsx", "parquet"):
        table = tmp_path / f"gain.{kind}"
        out = tmp_path / "gain.svg"
        assert run("figure", "gain", given.study, "--out", out, "--table", table) == 0
    assert "@font-face" in (tmp_path / "gain.svg").read_text("utf-8")
    assert "split by image" in (tmp_path / "gain-caption.txt").read_text("utf-8")
    csv = pd.read_csv(tmp_path / "gain.csv", encoding="utf-8-sig")
    parquet = pd.read_parquet(tmp_path / "gain.parquet")
    assert csv["accuracy"].tolist() == pytest.approx(parquet["accuracy"].tolist())
    sheet = openpyxl.load_workbook(tmp_path / "gain.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == list(csv.columns)
    assert sheet.max_row == len(csv) + 1
    capsys.readouterr()
    assert run("figure", "gain", given.study, "--out", tmp_path / "g.svg", "--table", "t.doc") == 2
    assert run("study", "report", given.study) == 2
    assert "--html FILE" in capsys.readouterr().err
