"""The clock stands while a labeler is away, the trial says so, and nothing that was given goes."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.records import PendingAnswers, TrialRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.window import Window
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, RIGHT, begin, press, rest, trials

ABSENCE = 200  # ms


def _other_panel(window: Window, panel: LabelPanel, qtbot: QtBot) -> None:
    window.show_panel("study")
    qtbot.wait(ABSENCE)
    window.show_panel("label")


def _behind(window: Window, panel: LabelPanel, qtbot: QtBot) -> None:
    """As the system tells a window that another one, or the lock of the screen, is in front."""
    QCoreApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    qtbot.wait(ABSENCE)
    QCoreApplication.sendEvent(window, QEvent(QEvent.Type.WindowActivate))


def _other_program(window: Window, panel: LabelPanel, qtbot: QtBot) -> None:
    panel.trial._application_changed(Qt.ApplicationState.ApplicationInactive)
    qtbot.wait(ABSENCE)  # the first key says that somebody is there again


def _skip_card(window: Window, panel: LabelPanel, qtbot: QtBot) -> None:
    qtbot.keyClick(panel.trial, Qt.Key.Key_S)
    qtbot.wait(ABSENCE)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)


LEAVING: dict[str, tuple[Callable[[Window, LabelPanel, QtBot], None], tuple[str, ...]]] = {
    "another panel": (_other_panel, ("left",)),
    "another window": (_behind, ("left",)),
    "another program": (_other_program, ("left",)),
    "the card of reasons": (_skip_card, ()),
}


@pytest.mark.parametrize("way", LEAVING)
def test_that_time_away_is_nobodys_answer(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, way: str
) -> None:
    leave, flags = LEAVING[way]
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT)
    leave(window, panel, qtbot)
    press(panel, qtbot, RIGHT)
    press(panel, qtbot, LEFT, LEFT)
    left, next_one = trials(window)
    assert left.flags == flags
    assert next_one.flags == ()
    first, second = left.time("attractive"), left.time("smart")
    assert first.onset == left.onset
    assert first.seconds is not None
    assert second.seconds is not None
    assert second.onset is not None
    assert left.onset is not None
    assert left.seconds is not None
    assert first.onset + first.seconds <= second.onset + 0.01
    # the wall clock went on meanwhile
    passed = (next_one.onset or 0.0) - second.onset
    assert passed - second.seconds >= 0.9 * ABSENCE / 1000
    assert left.seconds < passed + second.onset - left.onset - 0.9 * ABSENCE / 1000


def test_that_a_trial_that_was_paused_goes_on_in_the_next_session_and_says_so(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start and panel.idle())
    kept = _pending(window)
    assert kept.given.flags == ("left",)
    window.close()

    window = open_window(fresh.path)
    panel = begin(window, qtbot)
    assert panel.trial.track._present == "smart"
    press(panel, qtbot, RIGHT)
    (trial,) = trials(window)
    assert trial.flags == ("left", "interrupted")
    assert trial.answers == {"attractive": "left", "smart": "right"}
    assert trial.time("attractive") == kept.given.times["attractive"]
    assert trial.onset == kept.given.times["attractive"].onset
    later = trial.time("smart")
    assert later.onset is not None
    assert later.onset > (trial.onset or 0.0)
    _adds_up(trial)


def test_that_a_face_only_looked_at_and_a_question_skipped_outlast_the_window(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    begin(window, qtbot)
    window.close()
    window = open_window(fresh.path)
    panel = begin(window, qtbot)
    press(panel, qtbot, Qt.Key.Key_S, Qt.Key.Key_3)
    window.close()
    window = open_window(fresh.path)
    panel = begin(window, qtbot)
    assert panel.trial.track._present == "smart"
    press(panel, qtbot, RIGHT)
    (trial,) = trials(window)
    assert trial.flags == ("left", "interrupted")
    assert trial.skips == {"attractive": "I cannot judge this"}
    assert trial.answers == {"smart": "right"}
    _adds_up(trial)


def _adds_up(trial: TrialRecord) -> None:
    """A trial lasted as long as its questions, but for a frame or two between them."""
    asked = [trial.time(name).seconds or 0.0 for name in (*trial.answers, *trial.skips)]
    assert trial.seconds is not None
    assert trial.seconds >= sum(asked) - 1e-6


def _pending(window: Window) -> PendingAnswers:
    study = window.context.study
    assert study is not None
    kept = study.pending("L1", "comparison")
    assert kept is not None
    return kept


def test_that_the_keys_for_skipping_are_hinted_listed_and_found(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    found = {each.name: each for each in window.commands.all()}
    name = "Skip the rest of the face or pair, while labeling"
    assert found[name].hindrance == "Nothing is being labeled."
    panel = begin(window, qtbot)
    assert panel.trial._hints["skip rest"].cap._caps == ["Shift", "S"]
    found = {each.name: each for each in window.commands.all()}
    assert (found[name].hindrance, found[name].keys) == ("", "Shift+S")
    found[name].act()
    assert panel.trial.skipping.isVisible()
    qtbot.keyClick(panel.trial, Qt.Key.Key_1)
    rest(panel, qtbot)
    (trial,) = trials(window)
    assert trial.skip_reason == "I know this person"
