"""A leaderboard of writing as numbers."""

import os
from pathlib import Path

import pytest
from matplotlib.text import Text

from prism_desktop.cli.quality_tables import quality_tables
from prism_desktop.engine.analysis.writing_figures import writers_figure
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.experiments.report_blocks import Paragraph, ReportTable
from prism_desktop.engine.experiments.result_checks import passed_over
from prism_desktop.engine.experiments.writing_section import writing_section
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.writing_files import (
    EnteredNats,
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
)
from prism_desktop.engine.writing.board_table import (
    board_table,
    boards_left_out,
    newest_board,
    read_board,
)
from prism_desktop.engine.writing.board_words import held_out_of, improved_told, writers_caption
from prism_desktop.ui.train.writer_board import about
from prism_desktop.ui.train.writer_records import list_writer_boards
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
        (late,) = row.entered
        for over in ("unified", "retrieval"):
            gain = getattr(late, f"over_{over}")
            name = f"gain_entered_with_5_over_{over}"
            assert cells[name] == (gain and gain.mean.value)
            assert cells[f"{name}_p_holm"] == (gain and gain.mean.p)
        near = row.summary.entered[0].measures["rouge-l"]
        assert cells["rouge_l_entered_with_5"] == near.value
        nearer = late.quality_over_unified.get("rouge-l")
        assert cells["rouge_l_entered_with_5_over_unified"] == (nearer and nearer.mean.value)
        if row.over_unified is not None:
            assert cells["share_improved_over_unified"] == 39 / 40
            assert cells["share_improved_over_unified_low"] == row.over_unified.improved_low
        assert row.over_exchanged is not None
        assert cells["gain_over_exchanged"] == row.over_exchanged.mean.value
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
    told = boards_left_out(tmp_path)
    assert "odd0" in told
    assert "odd1" in told
    board = WritingLeaderboard(people=3, methods=(WritingRow(method="x"),))
    (tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json").write_text(
        board.model_dump_json()
    )
    os.utime(tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json", (4e9, 4e9))
    assert newest_board(tmp_path) == board
    assert "odd0" not in boards_left_out(tmp_path)
    board = board.model_copy(update={"finished": False, "wanted": 4})
    (tmp_path / "writing-comparisons" / "odd0" / "leaderboard.json").write_text(
        board.model_dump_json()
    )
    found = newest_board(
        tmp_path
    )  # one that is finished is worth more than a newer one that is not
    assert found is not None
    assert found.people == 9


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"methods": 3}', '{"method": "x", "test": {}}', "{" * 9_999, None]
)
def test_that_a_board_which_is_another_file_is_told_wherever_boards_are(
    tmp_path: Path, content: str | None
) -> None:
    keep_board(tmp_path, made_board())
    file = tmp_path / layout.WRITING_COMPARISONS / "made" / layout.LEADERBOARD
    file.unlink()
    file.mkdir() if content is None else file.write_text(content)
    with pytest.raises(UnreadableError, match=r"made/leaderboard.json cannot be read"):
        read_board(file.parent)
    assert newest_board(tmp_path) is None
    assert "made" in boards_left_out(tmp_path)
    (told,) = passed_over(tmp_path)
    assert "made/leaderboard.json" in told
    (record,) = list_writer_boards(tmp_path)
    assert "made cannot be read" in record.title()


def test_that_a_finished_board_with_another_number_is_no_board(tmp_path: Path) -> None:
    keep_board(tmp_path, made_board())
    file = tmp_path / layout.WRITING_COMPARISONS / "made" / layout.LEADERBOARD
    write_manifest(file.parent)
    assert newest_board(tmp_path) == made_board()
    text = file.read_text().replace("1.9", "0.9", 1)
    file.write_text(text)
    assert newest_board(tmp_path) is None
    assert "not what the run wrote" in boards_left_out(tmp_path)


@pytest.mark.parametrize("nats", [709.5, 1e9, 1e308])
def test_that_no_perplexity_is_told_as_one_that_numbers_hold(nats: float) -> None:
    row = made_board().methods[0]
    summary = row.summary.model_copy(update={"test": MeanOverPeople(value=nats, people=9)})
    board = made_board().model_copy(
        update={"methods": (row.model_copy(update={"summary": summary}),)}
    )
    head, (cells, *_) = board_table(board)
    assert cells[head.index("perplexity")] == float("inf")


@pytest.mark.parametrize(
    ("people", "prompts", "few"),
    [
        (40, 40, ""),
        (40, 0, ""),  # an earlier version did not count them
        (40, 5, "40 simulated people and 5 prompts"),
        (5, 40, "5 simulated people and 40 prompts"),
        (40, 1, "40 simulated people and 1 prompt"),
        (5, 0, "5 simulated people"),
    ],
)
def test_that_few_people_or_prompts_are_told_first_wherever_a_board_is(
    people: int, prompts: int, few: str
) -> None:
    board = made_board(people, prompts=prompts)
    assert board.few == bool(few)
    section = next(one for one in writing_section(board) if isinstance(one, Paragraph)).text
    (foot,) = [one.get_text() for one in writers_figure(board).texts if "Filled" in one.get_text()]
    told = (about(board), " ".join(writers_caption(board)), section)
    for said in told:
        assert said.startswith(f"Too few to tell: this rests on {few}.") == bool(few)
    assert foot.startswith("Of under 6 people or 6 prompts") == bool(few)
    if prompts:
        count = "1 held-out prompt" if prompts == 1 else f"{prompts} held-out prompts"
        assert all(count in said for said in told[:2])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((7, 7), "Held-out people have 7 texts in the training folds: "),
        ((7,), "Held-out people have 7 texts in the training folds: "),
        ((1, 1, 1), "Held-out people have 1 text in the training folds: "),
        ((3, 7, 9), "Held-out people have 3 to 9 texts in the training folds (median 7): "),
        ((2, 1_200), "Held-out people have 2 to 1,200 texts in the training folds (median 2): "),
        ((30, 31), ""),
        ((), ""),
    ],
)
def test_that_a_board_tells_how_many_texts_held_out_people_have(
    texts: tuple[int, ...], said: str
) -> None:
    board = made_board(held_out_texts=texts)
    entered = [EnteredNats(examples=count) for count in (0, 5, 10, 30)]
    rows = [
        row.model_copy(update={"summary": row.summary.model_copy(update={"entered": entered})})
        for row in board.methods
    ]
    told = held_out_of(board.model_copy(update={"methods": tuple(rows)}))
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_that_held_out_people_stand_in_every_table_of_a_board() -> None:
    board = made_board()
    best = board.methods[0]
    tables = [one for one in writing_section(board) if isinstance(one, ReportTable)]
    nll, near = [one for one in tables if one.head == ("Method", "5 texts")]
    assert nll.rows[0][1].startswith(f"{best.summary.entered[0].score.value:.3f} [")
    told = best.summary.entered[0].measures["rouge-l"]
    assert near.rows[0][1].startswith(f"{told.value:.3f} [")
    (shown,) = [one for one in quality_tables(board) if "held-out people" in str(one.title)]
    cells = [list(column.cells) for column in shown.columns]
    assert cells[0] == [row.method for row in board.methods]
    assert all(str(cell).startswith(("0.2", "0.3", "0.4")) for cell in cells[1])
    assert any(str(cell).endswith("*") for cell in cells[1])
    bare = [
        row.model_copy(
            update={
                "summary": row.summary.model_copy(
                    update={"quality": None, "entered": row.summary.entered}
                )
            }
        )
        for row in board.methods
    ]  # of nobody whom training knew is anything written
    assert list(writing_section(board.model_copy(update={"methods": tuple(bare)})))


@pytest.mark.parametrize(
    ("gain", "told"),
    [
        (None, "–"),
        (WritingGain(), "–"),
        (WritingGain(improved=3, of=4), "3 of 4"),  # of an earlier version
        (WritingGain(improved=3, of=4, improved_low=0.3, improved_high=0.954), "3 of 4 [30%, 95%]"),
    ],
)
def test_that_who_gains_is_told_with_the_interval_of_their_share(
    gain: WritingGain | None, told: str
) -> None:
    assert improved_told(gain) == told


def test_that_what_is_shown_of_a_board_names_nobody() -> None:
    """Who gains least, W1, stands in the exported table and in JSON alone."""
    board = made_board()
    blocks = [str(block) for block in writing_section(board)]
    drawn = [one.get_text() for one in writers_figure(board).findobj(Text)]
    for said in (*blocks, *drawn, about(board), *writers_caption(board)):
        assert "W1" not in said
