"""A damaged study in the window: what is passed over is named where the user is, the check lists
everything, and Repair mends the database."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.check_dialog import CheckDialog
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.window import Window
from tests.engine.study.damage import altered
from tests.ui.conftest import OpenWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of dialogs


def _panel(window: Window, qtbot: QtBot) -> StudyPanel:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    return panel


def _dialog(window: Window, qtbot: QtBot) -> CheckDialog:
    """The dialog, once it has looked."""
    dialog = window.findChild(CheckDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: window.context.idle() and "…" not in dialog.told.text(), timeout=20_000)
    return dialog


def _texts(dialog: CheckDialog) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel) if each.isVisible())


def test_that_odd_rows_and_runs_are_named_and_mended_in_the_window(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    before = len(tiny_study.trials(current=False))
    path = altered(tiny_study, "UPDATE answer SET value = 7 WHERE trial_id = 2")
    run = path / "runs" / "20260101-000000-odd"
    run.mkdir()
    for name in ("config.json", "summary.json"):
        (run / name).write_text("{")
    window = open_window(path)
    panel = _panel(window, qtbot)
    told = panel.overview.passed_over
    assert told.isVisible()
    assert "are no step of their scale" in told.text()
    assert "20260101-000000-odd cannot be read" in told.text()
    qtbot.mouseClick(panel.overview.check, Qt.MouseButton.LeftButton)
    dialog = _dialog(window, qtbot)
    qtbot.waitUntil(lambda: "are no step of their scale" in _texts(dialog))
    assert "20260101-000000-odd" in _texts(dialog)
    assert "first makes a backup" in _texts(dialog)
    qtbot.mouseClick(dialog.repair, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "written anew" in window.messages.text.text(), timeout=20_000)
    _panel(window, qtbot)
    assert "no step" not in told.text()
    study = window.context.study
    assert study is not None
    assert len(study.trials(current=False)) == before - 1
    assert len(list((path / "repairs").glob("*.jsonl"))) >= 1
    assert study.backups()


def test_that_a_sound_study_is_said_to_be_sound(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    assert not panel.overview.passed_over.isVisible()
    qtbot.mouseClick(panel.overview.storage.check, Qt.MouseButton.LeftButton)
    dialog = _dialog(window, qtbot)
    qtbot.waitUntil(lambda: "The study is sound" in _texts(dialog))
    assert not dialog.repair.isVisible()
    qtbot.mouseClick(dialog.close_button, Qt.MouseButton.LeftButton)


def test_that_a_study_that_cannot_be_opened_can_be_repaired_from_the_window(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    count = len(tiny_study.trials())
    tiny_study.close()
    path = Path(shutil.copytree(tiny_study.path, tmp_path / "sent.prism"))
    with closing(sqlite3.connect(path / "study.sqlite3")) as connection:
        connection.execute(
            "CREATE TRIGGER planted AFTER INSERT ON trial BEGIN DELETE FROM answer; END"
        )
        connection.commit()
    window = open_window()
    window.context.open_study(path)
    qtbot.waitUntil(lambda: "not made as this program makes it" in window.messages.text.text())
    qtbot.mouseClick(window.messages._action, Qt.MouseButton.LeftButton)
    dialog = _dialog(window, qtbot)
    qtbot.waitUntil(lambda: "planted" in _texts(dialog))
    qtbot.mouseClick(dialog.repair, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.context.study is not None, timeout=20_000)
    qtbot.waitUntil(window.context.idle, timeout=20_000)
    assert window.context.study is not None
    assert len(window.context.study.trials()) == count
    assert window.context.study.check() == []
