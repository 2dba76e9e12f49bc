"""Practice before the first trial, and the word that enough was done."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.panel import LabelPanel
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import DOWN, LEFT, RIGHT, begin, image, press, rest, trials


def _practise(panel: LabelPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.begin("L1", "comparison")
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    rest(panel, qtbot)


def _label_panel(open_window: OpenWindow, study: Study) -> LabelPanel:
    panel = open_window(study).show_panel("label")
    assert isinstance(panel, LabelPanel)
    return panel


def test_that_nothing_of_a_practice_is_kept(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = _label_panel(open_window, fresh)
    study = panel._context.study
    assert study is not None
    _practise(panel, qtbot)
    assert "practice" in panel.trial.who.text()
    assert panel.trial.count.text() == "1 of 3"
    press(panel, qtbot, LEFT, RIGHT)
    press(panel, qtbot, DOWN)
    press(panel, qtbot, Qt.Key.Key_Backspace, Qt.Key.Key_Backspace)  # the keys of a real trial work
    assert panel.trial.count.text() == "1 of 3"
    press(panel, qtbot, DOWN, *[Qt.Key.Key_S, Qt.Key.Key_1] * 2)
    for key in (LEFT, LEFT):
        qtbot.keyClick(panel.trial, key)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    assert study.trials(current=False) == ()
    assert study.pending("L1", "comparison") is None
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Space)
    rest(panel, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    assert len(study.trials("L1")) == 1


def test_that_one_key_ends_the_practice(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = _label_panel(open_window, fresh)
    _practise(panel, qtbot)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    assert panel.pages.currentWidget() is panel.instructions
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)


def test_that_a_labeler_is_told_when_enough_was_done_and_may_go_on(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    fresh.set_target("comparison", 2)
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    for key in (LEFT, LEFT):
        qtbot.keyClick(panel.trial, key)
    assert panel.pages.currentWidget() is panel.instructions
    qtbot.keyClick(panel.instructions, Qt.Key.Key_G)
    assert panel.pages.currentWidget() is panel.trial
    rest(panel, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    assert len(trials(window)) == 3
    assert panel.trial.count.text() == "3 now · 3 in all"


def test_that_the_target_is_set_for_the_task_in_the_study(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    qtbot.mouseClick(panel.start.rating, Qt.MouseButton.LeftButton)
    panel.start.target.setValue(40)
    study = window.context.study
    assert study is not None
    qtbot.waitUntil(lambda: study.targets() == {"rating": 40} and panel.idle())
    assert panel.start.kind == "rating"
    assert panel.start.target.value() == 40
    begin(window, qtbot, "rating")
    assert panel.trial.count.text() == "0 now · 0 of 40"


def test_that_answers_to_a_trial_left_in_its_midst_are_there_again(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT)
    shown = image(panel)
    window.close()
    window = open_window(fresh.path)
    panel = begin(window, qtbot)
    assert image(panel) == shown
    press(panel, qtbot, RIGHT)
    (trial,) = trials(window)
    assert dict(trial.answers) == {"attractive": "left", "smart": "right"}


def test_that_a_trial_painted_late_says_so(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT)
    with monkeypatch.context() as patch:
        # the faces of the next trial are not decoded yet
        patch.setattr(panel.prefetch, "get", lambda *_: None)
        qtbot.keyClick(panel.trial, LEFT)
        qtbot.wait(120)
    panel.trial.stimulus.update()
    rest(panel, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    dropped = [trial.dropped_frames for trial in trials(window)]
    assert dropped[1] is not None
    assert dropped[1] >= 6  # of 60 in a second


def test_that_the_order_is_chosen_for_the_task_where_a_run_foretells_what_tells_most(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = _label_panel(open_window, fresh)
    study = panel._context.study
    assert study is not None
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert not panel.start.order.isEnabled()
    assert "Train Hierarchical Bayes" in panel.start.foretold.text()
    run = study.path / "runs" / "20260101-000000-hierarchical-bayes"
    run.mkdir(parents=True)
    (run / "telling.json").write_text("{}")
    panel._refresh()
    qtbot.waitUntil(lambda: panel.idle() and panel.start.order.isEnabled())
    panel.start.rating.click()
    panel.start.order.pick("telling")
    qtbot.waitUntil(lambda: study.orders()["rating"] == "telling" and panel.idle())
    assert study.orders()["comparison"] == "random"
    panel.start.comparison.click()
    assert panel.start.order.current == "random"
