"""The history of answers in the window, after real key presses."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.panel import LabelPanel
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import CONTROL, DOWN, LEFT, RIGHT, begin, press, rest, trials


def test_that_answers_with_their_edits_are_listed_with_their_faces(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    assert isinstance(panel, LabelPanel)
    press(panel, qtbot, LEFT, RIGHT, LEFT, DOWN)
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL)  # the second answer of the second trial
    press(panel, qtbot, LEFT)
    rest(panel, qtbot)
    stored = trials(window)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start and panel.idle())
    qtbot.mouseClick(panel.start.given, Qt.MouseButton.LeftButton)
    page = panel.history
    qtbot.waitUntil(lambda: page.table.rowCount() == 3 and panel.idle(), timeout=20_000)
    fates = [page.table.item(row, 4).text() for row in range(3)]
    assert "corrects 2" in fates[0]
    assert "corrected by 3" in fates[1]
    assert fates[2] == "counts"
    assert "1 of them corrected or taken back" in page.told.text()
    page.table.setCurrentCell(0, 0)
    assert f"smart: {stored[-1].answers['smart']}" in page.answers.text()
    qtbot.waitUntil(lambda: not page.faces[1].pixmap().isNull(), timeout=20_000)
    page.left.emit()
    assert panel.pages.currentWidget() is panel.start
