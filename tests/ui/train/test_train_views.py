"""What Train shows of itself: views by name, settings that are unfolded, a run above the runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.screenshot import pause
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.panel import TrainPanel
from tests.fixtures.writing_boards import keep_board, made_board
from tests.ui.conftest import OpenWindow
from tests.ui.train.conftest import OpenTrain


def _seen(part: QWidget, scroll: QScrollArea) -> int:
    """How many px of a part are in sight."""
    top = part.mapTo(scroll.viewport(), QPoint(0, 0)).y()
    high = scroll.viewport().height()
    return max(0, min(top + part.height(), high) - max(top, 0))


def _of(study: Path, open_window: OpenWindow, qtbot: QtBot) -> TrainPanel:
    panel = open_window(study).show_panel("train")
    assert isinstance(panel, TrainPanel)
    qtbot.waitUntil(lambda: panel._listed and panel.task.isVisible(), timeout=20_000)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    return panel


@pytest.mark.parametrize("compared", [True, False])
def test_that_writing_has_its_views_and_a_leaderboard_where_there_is_one(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot, compared: bool
) -> None:
    if compared:
        keep_board(written_runs_study, made_board())
    panel = _of(written_runs_study, open_window, qtbot)
    qtbot.waitUntil(lambda: (panel.writer_compare.board.board is not None) == compared)
    assert "writing" in panel.views()
    assert ("writing-compare" in panel.views()) == compared
    panel.show_view("writing")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.writer.isVisible()
    assert {row.run.task for row in panel._rows} == {"writing"}
    if compared:
        panel.show_view("writing-compare")
        assert panel.writer_compare.isVisible()
        assert panel.writer_compare.board.table.rowCount() > 0


def test_that_a_study_where_nobody_wrote_has_no_such_views(
    open_train: OpenTrain, tiny_study: Study
) -> None:
    assert not any(view.startswith("writing") for view in open_train(tiny_study).views())


@pytest.mark.parametrize("writes", [True, False])
def test_that_unfolded_settings_come_into_sight(
    written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot, writes: bool
) -> None:
    panel = _of(written_runs_study, open_window, qtbot)
    if writes:
        panel.show_view("writing")
    form = panel.writer if writes else panel.form
    panel.show_view("advanced")
    pause(50)
    first = next(iter(field for field in form.fields.values() if field.isVisibleTo(form)))
    assert _seen(first, form._scroll) > 0
    assert _seen(form.advanced, form._scroll) > form._scroll.viewport().height() // 2


@pytest.mark.parametrize("height", range(620, 1000, 38))
def test_that_no_card_of_a_run_shows_by_its_edge_alone(
    open_train: OpenTrain, tiny_study: Study, with_run: Callable[..., Path], height: int
) -> None:
    with_run()
    panel = open_train(tiny_study)
    panel.window().resize(1440, height)
    for _ in range(4):
        QApplication.processEvents()
        pause(20)
    scroll = panel.monitor.findChild(QScrollArea)
    assert scroll is not None
    cards = [each for each in scroll.widget().findChildren(QFrame) if each.isVisible()]
    cards = [each for each in cards if each.property("role") == "card"]
    assert cards
    scrolled = scroll.widget().height() > scroll.viewport().height()
    slivers = [seen for each in cards if 0 < (seen := _seen(each, scroll)) < 40]
    assert not (scrolled and slivers)


def test_that_attributes_nobody_answered_are_not_among_all(
    open_train: OpenTrain, tiny_study: Study
) -> None:
    judged = operations.study_choices(tiny_study).learned
    tiny_study.add_attribute("brave")
    found = operations.study_choices(tiny_study)
    assert set(found.attributes) - set(found.learned) == {"brave"}
    assert found.learned == judged
    panel = open_train(tiny_study)
    assert panel.form.attributes.currentText() == f"All {len(judged)} attributes"
    study = panel.context.study
    assert study is not None
    for trial in study.trials():
        study.withdraw(trial.id)
    assert "brave" in operations.study_choices(study).learned  # as whoever begins would
