"""Going back to a backup in a real window."""

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.check_dialog import CheckDialog
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.study.restore_dialog import RestoreDialog
from tests.engine.study.test_store import rating
from tests.ui.conftest import OpenWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of dialogs


def test_that_one_goes_back_to_a_chosen_backup_and_the_present_state_is_kept(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    count = len(tiny_study.trials(current=False))
    kept = tiny_study.backup()
    tiny_study.record(rating(tiny_study, "L1"))
    tiny_study.close()
    window = open_window(tiny_study.path)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    panel.overview.storage.restore.click()
    dialog = panel.window().findChild(RestoreDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 1)
    assert dialog.table.item(0, 3).text() == str(count)
    dialog.table.setCurrentCell(0, 0)
    dialog.restore.click()
    context = window.context
    qtbot.waitUntil(lambda: context.study is not None and context.study is not tiny_study)
    qtbot.waitUntil(lambda: kept.name in window.messages.text.text(), timeout=20_000)
    study = context.study
    assert study is not None
    assert len(study.trials(current=False)) == count
    assert study.backups()[0].name.startswith("before-restore-")


def test_that_the_study_is_open_again_where_going_back_fails(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    count = len(tiny_study.trials(current=False))
    kept = tiny_study.backup()
    tiny_study.close()
    window = open_window(tiny_study.path)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    before = window.context.study
    kept.write_bytes(b"none" * 4000)
    panel.upkeep.restore(tiny_study.path, kept.name)
    context = window.context
    qtbot.waitUntil(lambda: context.study not in (None, before), timeout=20_000)
    assert context.study is not None
    assert len(context.study.trials(current=False)) == count
    assert "damaged" in window.messages.text.text()


def test_that_a_study_that_cannot_be_opened_leads_to_its_backups(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    tiny_study.backup()
    tiny_study.close()
    (tiny_study.path / "study.sqlite3").write_bytes(b"none" * 4000)
    window = open_window(None)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    panel.upkeep.check(tiny_study.path)
    check = panel.window().findChild(CheckDialog)
    assert check is not None
    qtbot.waitUntil(lambda: not check.restore.isHidden(), timeout=20_000)
    check.restore.click()
    dialog = panel.window().findChild(RestoreDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 1)
    dialog.table.setCurrentCell(0, 0)
    dialog.restore.click()
    qtbot.waitUntil(lambda: window.context.study is not None, timeout=20_000)
    assert window.context.study is not None
    assert window.context.study.check() == []
