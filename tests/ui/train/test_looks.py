"""The Train panel looks as it did."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.theme import Mode
from tests.ui import comparisons, golden
from tests.ui.train.conftest import CODES, OpenTrain

MakeRun = Callable[..., Path]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_finished_runs_look_as_they_did(
    open_train: OpenTrain,
    with_run: MakeRun,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    mode: Mode,
) -> None:
    with_run()
    with_run("20260101-110000-consensus", method="consensus", seed=1)
    panel = open_train(tiny_study)
    window = panel.window()
    panel.context.theme.apply(mode)
    window.resize(1440, 900)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    qtbot.wait(300)  # curves are drawn and the axes laid out in the next rounds of the event loop
    qtbot.waitUntil(panel.idle, timeout=10_000)
    focused = window.focusWidget()
    if focused is not None:
        focused.clearFocus()  # the cursor of a field blinks
    qtbot.wait(50)
    golden.check(window, f"train-{mode}", tmp_path)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_a_comparison_looks_as_it_did(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, tmp_path: Path, mode: Mode
) -> None:
    comparisons.comparison(tiny_study.path, CODES)
    panel = open_train(tiny_study)
    window = panel.window()
    panel.context.theme.apply(mode)
    window.resize(1440, 900)
    panel.show_view("compare")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    focused = window.focusWidget()
    if focused is not None:
        focused.clearFocus()
    qtbot.wait(100)
    golden.check(window, f"compare-{mode}", tmp_path)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of popups, offscreen
def test_that_the_list_of_methods_looks_as_it_did(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_train(tiny_study)
    panel.form.several.showPopup()
    popup = panel.form.several.popup
    popup.list.view.setFocus()  # the cursor of a field blinks
    qtbot.wait(50)
    golden.check(popup, "methods-light", tmp_path)
    popup.hide()
