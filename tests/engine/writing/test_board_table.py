"""A leaderboard of writing as numbers."""

import os
from pathlib import Path

from prism_desktop.engine.runs.writing_files import WritingLeaderboard, WritingRow
from prism_desktop.engine.writing.board_table import board_table, newest_board
from tests.fixtures.writing_boards import keep_board, made_board


def test_that_a_table_of_writing_has_every_number_of_the_board_unrounded() -> None:
    board = made_board()
    head, body = board_table(board)
    assert len(set(head)) == len(head)
    rows = [dict(zip(head, line, strict=True)) for line in body]
    for row, cells in zip(board.methods, rows, strict=False):
        test = row.summary.test
        assert (cells["nll"], cells["nll_low"], cells["nll_both_high"]) == (
            test.value, test.low, test.both_high
        )  # fmt: skip
        for over in ("unified", "retrieval"):
            gain = getattr(row, f"over_{over}")
            mean = None if gain is None else gain.mean
            assert cells[f"gain_over_{over}"] == (mean and mean.value)
            assert cells[f"gain_over_{over}_both_low"] == (mean and mean.both_low)
            assert cells[f"gain_over_{over}_p_holm"] == (mean and mean.p)
            assert cells[f"improved_over_{over}"] == (gain and gain.improved)
        assert row.summary.quality is not None
        near = row.summary.quality.measures["rouge-l"]
        assert (cells["rouge_l"], cells["rouge_l_high"]) == (near.value, near.high)
        assert cells["nll_entered_with_5"] == row.summary.entered[0].score.value
        assert cells["simulated"] is True
        assert cells["failure"] == ""
    assert rows[-1]["method"] == "moe-lora"
    assert rows[-1]["failure"] == "no room"
    assert rows[-1]["nll"] is None


def test_that_the_newest_comparison_counts_and_none_that_cannot_be_read(tmp_path: Path) -> None:
    assert newest_board(tmp_path) is None
    keep_board(tmp_path, made_board(people=9))
    for place, text in enumerate(("{", WritingLeaderboard().model_dump_json())):
        file = tmp_path / "writing-comparisons" / f"odd{place}" / "leaderboard.json"
        file.parent.mkdir()
        file.write_text(text)
        os.utime(file, (4e9, 4e9))
    found = newest_board(tmp_path)
    assert found is not None
    assert found.people == 9
    board = WritingLeaderboard(people=3, methods=(WritingRow(method="x"),))
    (tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json").write_text(
        board.model_dump_json()
    )
    os.utime(tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json", (4e9, 4e9))
    assert newest_board(tmp_path) == board
    board = board.model_copy(update={"finished": False, "wanted": 4})
    (tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json").write_text(
        board.model_dump_json()
    )
    found = newest_board(
        tmp_path
    )  # one that is finished is worth more than a newer one that is not
    assert found is not None
    assert found.people == 9
