"""The tables of the Train panel fit their room: no name is cut, no row shows in part."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.train.panel import TrainPanel
from tests.ui import comparisons
from tests.ui.train.conftest import CODES, OpenTrain

MakeRun = Callable[..., Path]
SIZES = [(960, 640), (1280, 720), (1440, 900), (2560, 1440)]


def resized(panel: TrainPanel, qtbot: QtBot, size: tuple[int, int]) -> None:
    panel.window().resize(*size)
    qtbot.wait(50)  # the layouts settle in the next rounds of the event loop
    qtbot.waitUntil(panel.idle, timeout=10_000)


def check(table: QTableView, needed: set[str]) -> None:
    """Columns are as wide as what they tell, the needed ones are there, rows are whole."""
    model, header = table.model(), table.horizontalHeader()
    shown = [c for c in range(model.columnCount()) if not table.isColumnHidden(c)]
    for column in shown:
        needs = max(table.sizeHintForColumn(column), header.sectionSizeHint(column))
        assert table.columnWidth(column) >= needs
    names = {str(model.headerData(column, header.orientation())).rstrip(" ↓↑") for column in shown}
    assert needed <= names
    assert sum(map(table.columnWidth, shown)) <= table.viewport().width()
    assert table.viewport().height() % table.verticalHeader().defaultSectionSize() == 0


def test_that_the_runs_fit_every_window(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    for day in range(1, 7):
        with_run(f"202501{day:02d}-120000-e2p", method="embedding-to-prefix")
    panel = open_train(tiny_study)
    for size in SIZES:
        resized(panel, qtbot, size)
        check(panel.table, {"Method", "Test accuracy"})
    check(panel.table, {"Method", "Started", "State", "Backbone", "Split", "Seed"})
    assert panel.table.viewport().height() >= 6 * 36  # there is room for all of them


def test_that_a_leaderboard_fits_every_window(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    comparisons.comparison(tiny_study.path, CODES, curves=False)
    panel = open_train(tiny_study)
    panel.show_view("compare")
    for size in SIZES[1:]:
        resized(panel, qtbot, size)
        check(panel.compare.table, {"Method", "Accuracy", "Gain", "Gate"})


def test_that_what_gave_way_is_told_by_the_row(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run()
    panel = open_train(tiny_study)
    resized(panel, qtbot, (960, 640))
    assert panel.table.isColumnHidden(9)
    tip = panel.table.model().index(0, 1).data(3)
    assert "Seed: 0" in tip
    assert "Backbone: prism-mini" in tip


def test_that_charts_grow_with_the_window(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run()
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.loss.isVisible, timeout=10_000)
    resized(panel, qtbot, (1280, 720))
    small = panel.monitor.loss.height()
    resized(panel, qtbot, (2560, 1440))
    assert panel.monitor.loss.height() > 1.5 * small
