"""Labeling as labelers do it: real keys, a real store."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import DiskFullError
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.answer_buttons import SKIPPED, AnswerButton
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.preferences import Settings
from tests.fixtures.study import MakeStudy
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import (
    CONTROL,
    DOWN,
    LEFT,
    RIGHT,
    SHIFT,
    begin,
    image,
    press,
    rest,
    trials,
)


def test_that_five_trials_by_keys_are_stored_undone_redone_and_resumed(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT, RIGHT, LEFT, DOWN, RIGHT, RIGHT, DOWN, DOWN, LEFT, LEFT)
    stored = trials(window)
    assert [dict(trial.answers) for trial in stored] == [
        {"attractive": "left", "smart": "right"},
        {"attractive": "left", "smart": "tie"},
        {"attractive": "right", "smart": "right"},
        {"attractive": "tie", "smart": "tie"},
        {"attractive": "left", "smart": "left"},
    ]
    assert all(
        trial.onset and trial.seconds is not None and trial.source == "labeled" for trial in stored
    )
    assert [trial.order for trial in stored] == list(range(5))

    # 2 + 2 key presses of two trials, 1 of a third
    press(panel, qtbot, *[Qt.Key.Key_Z] * 5, modifier=CONTROL)
    assert len(trials(window)) == 2
    press(panel, qtbot, *[Qt.Key.Key_Z] * 3, modifier=CONTROL | SHIFT)
    assert len(trials(window)) == 4
    press(panel, qtbot, Qt.Key.Key_Backspace)
    assert len(trials(window)) == 3  # the fourth is open again
    fourth = image(panel)
    window.close()

    window = open_window(fresh.path)
    panel = begin(window, qtbot)
    assert image(panel) == fourth
    assert panel.trial.count.text().startswith("0 now · 3 of")
    press(panel, qtbot, LEFT, LEFT)
    assert len(trials(window)) == 4
    assert len(trials(window, current=False)) == 6  # the withdrawn one stays in the log


def test_that_ratings_are_given_by_number(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot, "rating")
    press(panel, qtbot, Qt.Key.Key_4, LEFT, Qt.Key.Key_1)
    (trial,) = trials(window)
    assert trial.kind == "rating"
    assert dict(trial.answers) == {"attractive": 4, "smart": 1}


def test_that_a_question_is_skipped_with_a_reason(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    shown = image(panel)
    press(panel, qtbot, Qt.Key.Key_S)
    assert panel.trial.skipping.isVisible()
    press(panel, qtbot, LEFT, Qt.Key.Key_2, RIGHT)
    (trial,) = trials(window)
    assert (trial.status, trial.skip_reason, dict(trial.answers)) == (
        "answered",
        None,
        {"smart": "right"},
    )
    assert trial.skips == {"attractive": "The image is bad"}
    assert image(panel) != shown
    press(panel, qtbot, Qt.Key.Key_Backspace)
    assert image(panel) == shown
    assert trials(window) == ()
    assert panel.trial.track._done == {"attractive": SKIPPED}
    press(panel, qtbot, Qt.Key.Key_Backspace, Qt.Key.Key_S, Qt.Key.Key_1)
    press(panel, qtbot, Qt.Key.Key_S, Qt.Key.Key_3)
    (trial,) = trials(window)
    assert (trial.status, dict(trial.answers)) == ("skipped", {})
    assert trial.skips == {"attractive": "I know this person", "smart": "I cannot judge this"}


def test_that_the_rest_of_a_trial_is_skipped_by_one_key_and_undone_by_one(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    fresh = make_study(comparisons=0, ratings=0)
    fresh.add_attribute("kind")
    window = open_window(fresh)
    panel = begin(window, qtbot, "rating")
    first = image(panel)
    press(panel, qtbot, Qt.Key.Key_1)
    press(panel, qtbot, Qt.Key.Key_S, modifier=SHIFT)
    assert panel.trial.skipping.title.text() == "Skip the rest of this face, because…"
    press(panel, qtbot, Qt.Key.Key_2)
    (trial,) = trials(window)
    assert trial.answers == {"attractive": 1}
    assert trial.skips == dict.fromkeys(("smart", "kind"), "The image is bad")
    assert image(panel) != first
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert image(panel) == first
    assert panel.trial.controller is not None
    assert panel.trial.controller.queue is not None
    assert panel.trial.controller.queue.attribute == "smart"
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL | SHIFT)
    assert trials(window) == (trial,)


def test_that_an_answer_that_cannot_be_saved_is_shown_kept_and_saved_later(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    record = Study.record

    def full(*_: object, **__: object) -> None:
        raise DiskFullError("The disk is full. Make room and try again.")

    monkeypatch.setattr(Study, "record", full)
    for key in (LEFT, LEFT):
        qtbot.keyClick(panel.trial, key)
    qtbot.waitUntil(panel.trial.stuck.isVisible)
    assert "could not be saved" in panel.trial._stuck_text.text()
    assert "disk is full" in window.messages.text.text()
    shown = image(panel)
    qtbot.keyClick(panel.trial, RIGHT)  # nothing more is taken until this one is safe
    assert image(panel) == shown
    monkeypatch.setattr(Study, "record", record)
    assert panel.trial.controller is not None
    panel.trial.controller.save_again()
    rest(panel, qtbot)
    assert not panel.trial.stuck.isVisible()
    assert [dict(trial.answers) for trial in trials(window)] == [
        {"attractive": "left", "smart": "left"}
    ]


def test_that_other_keys_can_be_chosen(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, settings: Settings
) -> None:
    settings.keys = {"left": "A", "right": "D"}
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT, Qt.Key.Key_A, Qt.Key.Key_D)
    assert [dict(trial.answers) for trial in trials(window)] == [
        {"attractive": "left", "smart": "right"}
    ]


def test_that_the_same_key_for_two_things_is_refused(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = open_window(fresh).show_panel("label")
    assert isinstance(panel, LabelPanel)
    panel.keys.fields["left"].setKeySequence("Right")
    assert not panel.keys.done.isEnabled()
    assert "The left face" in panel.keys.trouble.text()


def test_that_instructions_come_first_and_after_a_gap_but_not_after_a_pause(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    study = make_study()  # its trials are a day old
    window = open_window(study)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.begin("L1", "comparison")
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    qtbot.keyClick(panel.instructions, Qt.Key.Key_N)
    rest(panel, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.begin("L1", "comparison")
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)


def test_that_a_key_held_down_answers_once(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    for repeated in (False, True, True, True):
        event = QKeyEvent(QEvent.Type.KeyPress, LEFT, Qt.KeyboardModifier.NoModifier, "", repeated)
        panel.trial.keyPressEvent(event)
    assert panel.trial.controller is not None
    assert panel.trial.controller.queue is not None
    assert panel.trial.controller.queue.attribute == "smart"


def test_that_a_person_adds_themself_to_a_study_of_simulated_labelers(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    study = make_study(labelers=0)
    study.add_labeler("S1", simulated=True)
    panel = open_window(study).show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert panel.start.labeler is None
    qtbot.keyClicks(panel.start.name, "Me")
    qtbot.keyClick(panel.start.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.start.labeler == "Me")
    assert panel.start.start.isEnabled()


def test_that_the_number_pad_counts_as_digits() -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_3, Qt.KeyboardModifier.KeypadModifier, "3")
    assert Keys().action(event) == "rate 3"


def test_that_answers_stand_below_their_faces(
    open_window: OpenWindow, qtbot: QtBot, make_study: MakeStudy
) -> None:
    panel = begin(open_window(make_study(comparisons=0, ratings=0)), qtbot)
    row = panel.trial.answers

    def middles() -> list[int]:
        buttons = sorted(row.findChildren(AnswerButton), key=lambda button: button.x())
        return [button.geometry().center().x() for button in buttons]

    def stand_below(left: int, right: int) -> bool:
        row.set_centres(left, right)  # again and again: faces that are still coming set theirs
        return abs(middles()[0] - left) <= 2 and abs(middles()[2] - right) <= 2

    qtbot.waitUntil(lambda: stand_below(300, row.width() - 200))
    row.set_centres(row.width() // 2 - 10, row.width() // 2 + 10)  # too near for three buttons
    qtbot.waitUntil(lambda: abs(middles()[1] - row.width() // 2) <= 2)
    assert middles()[2] - middles()[0] < 400
