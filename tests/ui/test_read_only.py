"""A window that may only look: every control that changes something is disabled and says why, and
pressing all the others changes nothing."""

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QFileDialog,
    QMessageBox,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.engine import access
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.window import Window
from tests.fixtures.disk_state import disk_state
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of sizes

CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")
# what leaves the study, and what only opens a menu, which would wait for a choice
_LEFT_ALONE = {"Close study", "Open", "New study", "Cancel", "Export"}
Panel = StudyPanel | LabelPanel | TrainPanel | ExplorePanel


@pytest.fixture
def looked_at(
    tiny_study: Study, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Window:
    """A window on a study with a run, which another window has open."""
    made = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, made, labelers=CODES, attributes=NAMES)
    found = ("CPU, 2 threads", "Chosen because no GPU was found.")
    monkeypatch.setattr(operations, "find_device", lambda: iter([Done(found)]))
    window = open_window()
    with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
        window.context.open_study(tiny_study.path)  # the study is open for writing here
    return window


def _panel(window: Window, name: str, qtbot: QtBot) -> Panel:
    panel = window.show_panel(name)
    assert isinstance(panel, Panel)
    qtbot.waitUntil(panel.idle, timeout=30_000)
    return panel


def _pressable(of: QWidget) -> list[QAbstractButton]:
    return [
        each for each in of.findChildren(QAbstractButton) if each.isVisible() and each.isEnabled()
    ]


def _press(button: QAbstractButton) -> None:
    """Press it; of one that opens a menu, which waits for a hand, everything in that."""
    menu = button.menu() if isinstance(button, QToolButton) else None
    if menu is None:
        button.click()
        return
    menu.aboutToShow.emit()
    for action in menu.actions():
        action.trigger()


def test_that_what_changes_something_is_disabled_and_says_why(
    looked_at: Window, qtbot: QtBot
) -> None:
    study = _panel(looked_at, "study", qtbot)
    label = _panel(looked_at, "label", qtbot)
    train = _panel(looked_at, "train", qtbot)
    explore = _panel(looked_at, "explore", qtbot)
    assert isinstance(study, StudyPanel)
    assert isinstance(label, LabelPanel)
    assert isinstance(train, TrainPanel)
    assert isinstance(explore, ExplorePanel)
    overview, monitor = study.overview, train.monitor
    for control in (
        overview.bring, overview.labelers.add, overview.attributes.add, overview.storage.back_up,
        overview.importing.run, overview.importing.pick,
        label.start.start, label.start.add, label.start.target,
        train.form.start, monitor.discard, monitor.pause, monitor.stop, monitor.resume,
        train.compare.plots.measure, explore.add,
    ):  # fmt: skip
        assert not control.isEnabled(), control
        assert "another window" in control.toolTip().lower(), control
        control.setEnabled(True)  # whoever else says so
        control.setToolTip("Of its own")
        assert not control.isEnabled(), control
        assert "another window" in control.toolTip().lower(), control


@pytest.mark.parametrize("task", ["comparison", "rating"])
def test_that_a_task_that_is_shown_takes_no_answers_and_says_why(
    task: str, looked_at: Window, qtbot: QtBot, tiny_study: Study
) -> None:
    label = _panel(looked_at, "label", qtbot)
    assert isinstance(label, LabelPanel)
    label.show_view(task)
    qtbot.waitUntil(lambda: label.pages.currentWidget() is label.trial, timeout=30_000)
    qtbot.waitUntil(lambda: bool(label.trial.answers.findChildren(QAbstractButton)), timeout=30_000)
    qtbot.waitUntil(label.idle, timeout=30_000)
    before = disk_state(tiny_study.path)
    for each in label.trial.answers.findChildren(QAbstractButton):
        assert not each.isEnabled()
        assert "another window" in each.toolTip().lower()
    told: list[str] = []
    looked_at.context.labeler_told.connect(lambda kind, text: told.append(text))
    for action in ("left", "rate 1", "skip", "undo", "redo"):
        assert label.trial.act(action)
    assert len(told) == 5
    assert all("another window" in text.lower() for text in told)
    assert label.trial.skipping.isHidden()
    assert label.held_back() == 0
    assert disk_state(tiny_study.path) == before


@pytest.mark.parametrize(
    "name", ["study", "label", "train", pytest.param("explore", marks=pytest.mark.soak)]
)
def test_that_pressing_whatever_can_be_pressed_changes_nothing(
    name: str,
    looked_at: Window,
    qtbot: QtBot,
    tiny_study: Study,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for asks in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, asks, lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "exec", lambda *_: 0)
    monkeypatch.setattr(QFileDialog, "open", lambda *_: None)
    monkeypatch.setattr(QMessageBox, "exec", lambda *_: 0)
    monkeypatch.setattr(QDialog, "exec", lambda *_: 0)
    before, pressed = disk_state(tiny_study.path), 0
    panel = _panel(looked_at, name, qtbot)
    for view in panel.views():
        panel.show_view(view)
        qtbot.waitUntil(panel.idle, timeout=30_000)
        for each in _pressable(panel):
            text = each.text().replace("&", "")
            if text in _LEFT_ALONE or not each.isVisible() or not each.isEnabled():
                continue
            _press(each)
            pressed += 1
            qtbot.waitUntil(panel.idle, timeout=30_000)
            assert disk_state(tiny_study.path) == before, (view, text, each.toolTip())
    assert pressed


def test_that_the_controls_can_be_used_again_in_a_study_that_may_be_written(
    looked_at: Window, qtbot: QtBot, tiny_study: Study
) -> None:
    tiny_study.close()
    with qtbot.waitSignal(looked_at.context.study_opened, timeout=20_000):
        looked_at.context.open_study(tiny_study.path)
    panel = _panel(looked_at, "study", qtbot)
    assert isinstance(panel, StudyPanel)
    assert panel.overview.labelers.add.isEnabled()
    assert panel.overview.labelers.add.toolTip() == ""
    assert access.reason(tiny_study.path) == ""
