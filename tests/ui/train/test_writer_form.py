"""The task writing in Train: offered where people wrote, started, shown apart from judging."""

import csv
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Verdict
from prism_desktop.engine.runs.writing_files import (
    FailedWriting,
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing.board_table import board_table
from prism_desktop.engine.writing.own_text_data import fold_of
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train.operations import draw_curves
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.train.runs import WRITING_COLUMNS, cells
from prism_desktop.ui.train.writer_board import WriterBoard
from prism_desktop.ui.train.writer_form import NAMES
from tests.fixtures.writers import PROMPTS, add_writers
from tests.fixtures.writing_boards import made_board
from tests.ui import golden
from tests.ui.conftest import OpenWindow


def _opened(study: Path, open_window: OpenWindow, qtbot: QtBot) -> TrainPanel:
    panel = open_window(study).show_panel("train")
    assert isinstance(panel, TrainPanel)
    qtbot.waitUntil(lambda: panel._listed and panel.task.isVisible(), timeout=20_000)
    panel.task.pick("writing")
    return panel


def test_that_settings_of_runs_that_write_have_names_of_their_own(
    tmp_path: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        add_writers(study, ("ada", "ben"))
    form = _opened(tmp_path / "s.prism", open_window, qtbot).writer
    names = {key: field.name for key, field in form.fields.items()}
    assert names.keys() >= NAMES.keys()
    assert len(set(names.values())) == len(names)
    assert names["batch"] == "Texts per step"
    assert not any(word in " ".join(names.values()) for word in ("nswer", "abeler"))


@pytest.mark.parametrize("simulated", [True, False])
def test_that_both_forms_tell_what_the_embedded_model_read_where_people_judged_or_wrote(
    tmp_path: Path, open_window: OpenWindow, qtbot: QtBot, simulated: bool
) -> None:
    """Also once a run exists."""
    with Study.create(tmp_path / "s.prism", kind="text", attributes=("kind",)) as study:
        add_writers(study, ("ada", "ben"), simulated=simulated)
    config = TrainConfig(backbone=MINI_LM, method="hierarchical-bayes")
    RunFolder.create(tmp_path / "s.prism", config)
    panel = _opened(tmp_path / "s.prism", open_window, qtbot)
    for form in (panel.form, panel.writer):
        form.backbone.pick(MINI_LM)
        form._check()
        told = form._backbone_note.text()
        assert ("simulated writers only" in told) != simulated


def test_that_a_study_of_people_who_wrote_offers_the_task_and_others_do_not(
    written_study: Path, tiny_study: Study, tmp_path: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    panel = _opened(study, open_window, qtbot)
    form, asked = panel.writer, []
    form.started.disconnect()
    form.started.connect(asked.append)
    form.method.setCurrentIndex(form.method.findData("prefix-on-unified"))
    assert "unified LoRA first" in form._method_note.text()
    assert not form.fields["examples"].relevant  # which retrieval reads
    form.fields["prefix"].put(3)
    form.people.tick(["ben", "cleo"])
    panel.no_runs.buttons[0].click()  # the page's own way is the form's button
    (config,) = asked
    assert isinstance(config, WritingConfig)
    assert (config.method, config.prefix) == ("prefix-on-unified", 3)
    assert config.people == ("ben", "cleo")
    form.fields["prefix"].put(-1)
    form.fields["prefix"].changed.emit()
    assert not form.start.isEnabled()
    assert form.fields["prefix"].problem()
    other = open_window(tiny_study).show_panel("train")
    assert isinstance(other, TrainPanel)
    qtbot.waitUntil(lambda: other._listed and bool(other.form._study.labelers), timeout=20_000)
    assert not other.task.isVisible()


def test_that_runs_that_write_stand_in_a_table_of_their_own(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = _opened(written_runs_study, open_window, qtbot)
    qtbot.waitUntil(lambda: len(panel.table.runs.rows) == 3, timeout=20_000)
    assert panel.table.runs.head(4) == WRITING_COLUMNS[4] == "Nats per token"
    row = next(row for row in panel.table.runs.rows if row.run.method == "prefix-on-unified")
    assert row.written is not None
    told = cells(row)
    assert told[4] == f"too few to tell, {row.written.test.value:.3f}"
    panel.show_run(row.run.name)
    qtbot.waitUntil(lambda: bool(panel.monitor.nats.text()) and panel.idle(), timeout=20_000)
    assert panel.monitor.nats.text().startswith("Too few to tell: this rests on 3 people and ")
    trained = sum(fold_of(OwnText("ada", "hi", prompt)) > 1 for prompt in PROMPTS)
    assert f"Held-out people have {trained} texts in the training" in panel.monitor.nats.text()
    assert panel.monitor.tiles.captions["Test accuracy"].text() == "Test NLL"
    draw_curves(tmp_path / "curves.svg", {"Prefix": row.run.path}, {})
    assert "Nats per own token" in (tmp_path / "curves.svg").read_text()
    with qtbot.waitSignal(panel.context.view_wanted) as wanted:
        panel.monitor.explore.click()
    assert wanted.args == ["explore", "replies"]
    panel.task.pick("judging")
    assert panel.table.runs.rows == ()
    assert panel.table.runs.head(4) == "Test accuracy"


def test_that_numbers_of_a_run_stand_in_line_and_equally_far_apart(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = _opened(written_runs_study, open_window, qtbot)
    qtbot.waitUntil(lambda: len(panel.table.runs.rows) == 3, timeout=20_000)
    row = next(row for row in panel.table.runs.rows if row.run.method == "prefix-on-unified")
    panel.show_run(row.run.name)
    tiles = panel.monitor.tiles
    qtbot.waitUntil(lambda: tiles.values["Test accuracy"].text() != "–", timeout=20_000)
    assert tiles.values["Test accuracy"].property("kind") == "unsure"  # of three people

    def first_line() -> list[QLabel]:
        shown = [value for value in tiles.values.values() if value.isVisible()]
        tops = [value.parentWidget().y() for value in shown]
        return [value for value, top in zip(shown, tops, strict=True) if top == tops[0]]

    qtbot.waitUntil(lambda: len(first_line()) >= 3, timeout=20_000)  # laid out in later rounds
    assert len({(value.y(), value.height()) for value in first_line()}) == 1
    boxes = [value.parentWidget().geometry() for value in first_line()]
    assert len({two.left() - one.right() for one, two in pairwise(boxes)}) == 1


def test_that_a_run_just_begun_is_shown_though_it_was_listed_before(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = _opened(written_runs_study, open_window, qtbot)
    qtbot.waitUntil(lambda: len(panel._rows) == 3 and bool(panel._shown), timeout=20_000)
    begun = next(row.run for row in panel._rows if row.run.name != panel._shown)
    panel.starts.begun.emit([Done(begun)], False)
    qtbot.waitUntil(lambda: panel._shown == begun.name, timeout=20_000)


def test_that_the_leaderboard_tells_methods_that_write_with_their_doubt(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    board = WriterBoard(open_window().context)
    qtbot.addWidget(board)
    board.show_board(None)
    assert "not been compared yet" in board.told.text()
    mean = MeanOverPeople(value=0.25, both_low=0.1, both_high=0.4, p=0.002, people=3)
    over = WritingGain(over="consensus", mean=mean, improved=2, of=3)
    test = MeanOverPeople(value=2.5, low=2.4, high=2.6, people=3)
    row = WritingRow(
        method="e2p-1", title="E2P", summary=WritingSummary(test=test), over_unified=over,
        verdict=Verdict(passed=False, reasons=("2 of 3 people gain.",)),
    )  # fmt: skip
    failed = (FailedWriting(method="retrieval-faiss", message="No encoder is there."),)
    # ten are known, and three of them have texts in answer to tested prompts
    board.show_board(WritingLeaderboard(people=10, simulated=True, methods=(row,), failed=failed))
    assert board.told.text().startswith("Too few to tell: this rests on 3 simulated people")
    assert "of 3 simulated people" in board.told.text().split(". ")[1]
    assert board.table.item(1, 0).text() == WRITING_METHODS["retrieval-faiss"].title
    assert board.table.item(1, 1).text() == "failed: No encoder is there."
    assert board.table.columnSpan(1, 1) == 7
    told = [board.table.item(0, column).text() for column in range(8)]
    assert told == [
        "E2P", "2.500", "[2.400, 2.600]", "+0.250 [+0.100, +0.400]", "0.002", "2 of 3", "–", "no"
    ]  # fmt: skip


def test_that_the_leaderboard_is_exported_with_every_number_and_as_a_figure(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = open_window().context
    shown, board = WriterBoard(context), made_board()
    qtbot.addWidget(shown)
    shown.show_board(None)
    assert not shown.gains.isEnabled()
    assert "have not been compared yet" in shown.csv.toolTip()
    shown.show_board(board.model_copy(update={"methods": (WritingRow(method="consensus"),)}))
    assert shown.csv.isEnabled()
    assert "at least two that can be trained" in shown.gains.toolTip()
    shown.show_board(board)
    table, figure = tmp_path / "board.csv", tmp_path / "board.svg"
    for target, control in ((table, shown.csv), (figure, shown.gains)):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=target: (str(path), ""))
        control.click()
        qtbot.waitUntil(lambda path=target: path.is_file() and context.idle(), timeout=60_000)  # type: ignore[misc]
    head, *body = csv.reader(table.read_text(encoding="utf-8-sig").splitlines())
    told, wanted = board_table(board)
    assert tuple(head) == told
    assert body == [["" if one is None else str(one) for one in line] for line in wanted]
    assert "What methods gain at writing" in figure.read_text("utf-8")


@pytest.mark.soak
def test_that_a_run_begun_here_is_followed_to_its_end(
    written_study: Path, tmp_path: Path, tiny_language_model: str, open_window: OpenWindow,
    qtbot: QtBot,
) -> None:  # fmt: skip
    study = Path(shutil.copytree(written_study, tmp_path / "written.prism"))
    panel = _opened(study, open_window, qtbot)
    panel.writer.backbone.pick(tiny_language_model)
    panel.writer.fields["epochs"].put(2)
    panel.writer._check()
    panel.writer.start.click()
    qtbot.waitUntil(lambda: bool(panel._rows), timeout=60_000)
    qtbot.waitUntil(lambda: panel._rows[0].run.state == "finished", timeout=200_000)
    qtbot.waitUntil(lambda: len(panel.monitor._progress.val_loss.x) == 2, timeout=20_000)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_the_task_writing_looks_as_it_did(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot, mode: Mode, tmp_path: Path
) -> None:
    panel = _opened(written_runs_study, open_window, qtbot)
    panel.context.theme.apply(mode)
    qtbot.waitUntil(lambda: bool(panel.monitor.nats.text()) and panel.idle(), timeout=20_000)
    golden.check(panel.writer, f"train-writing-{mode}", tmp_path)
