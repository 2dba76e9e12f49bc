"""A session under a protocol in a real window, by key."""

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.labeling.answer_history import answer_history
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    BreakRules,
    ExposureRules,
    GapRule,
    PracticeRules,
    Protocol,
    RepeatRules,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label.instructions import STRENGTH
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.trial_queue import Slot
from prism_desktop.ui.widgets.keycap import KeyCap
from prism_desktop.ui.window import Window
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import CONTROL, DOWN, LEFT, RIGHT, SHIFT, press, rest, trials

SPACE = Qt.Key.Key_Space


def rules(**more: object) -> Protocol:
    blocks = (
        BlockRules(name="Pairs", kind="comparison", trials=4, attributes=("smart",)),
        BlockRules(name="Faces", kind="rating", trials=2, one_attribute_at_a_time=True),
    )
    usual: dict[str, object] = {"blocks": blocks, "repeats": RepeatRules(share=0.25, lag=2)}
    return Protocol.model_validate({**usual, **more})


@pytest.fixture
def led(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> Callable[[Protocol], tuple[Window, LabelPanel]]:
    """Open a study under a protocol and start."""

    def begin(protocol: Protocol) -> tuple[Window, LabelPanel]:
        fresh.put_protocol(protocol.toml())
        window = open_window(fresh)
        panel = window.show_panel("label")
        assert isinstance(panel, LabelPanel)
        qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
        panel.begin("L1", "comparison")
        qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
        return window, panel

    return begin


def title(panel: LabelPanel) -> str:
    item = panel.instructions.card.body.itemAt(0)
    widget = item.widget() if item is not None else None
    return widget.text() if widget is not None else ""  # type: ignore[attr-defined]


def go_on(panel: LabelPanel, qtbot: QtBot) -> None:
    """Read a card and see the next trial."""
    qtbot.keyClick(panel.instructions, SPACE)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    rest(panel, qtbot)


def wait_card(panel: LabelPanel, qtbot: QtBot, wanted: str) -> None:
    qtbot.waitUntil(
        lambda: panel.pages.currentWidget() is panel.instructions and title(panel) == wanted
    )


def answer(panel: LabelPanel, qtbot: QtBot, key: Qt.Key) -> None:
    """Press a key that may lead to a card."""
    qtbot.keyClick(panel.trial, key)
    controller = panel.trial.controller
    assert controller is not None
    qtbot.waitUntil(lambda: not controller.unsaved)


def test_that_a_protocol_leads_through_practice_blocks_breaks_and_an_end(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    window, panel = led(
        rules(
            title="First impressions",
            instructions="Look at the faces.\n\nThen answer.",
            practice=PracticeRules(trials=1),
            breaks=BreakRules(every=2),
        )
    )
    assert title(panel) == "First impressions"
    assert not panel.start.comparison.isVisibleTo(panel.start)
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Practice")
    go_on(panel, qtbot)
    answer(panel, qtbot, LEFT)
    wait_card(panel, qtbot, "Part 1 of 3")
    go_on(panel, qtbot)
    press(panel, qtbot, LEFT)
    answer(panel, qtbot, RIGHT)
    wait_card(panel, qtbot, "Take a break")
    go_on(panel, qtbot)
    press(panel, qtbot, DOWN)
    answer(panel, qtbot, LEFT)
    for part in ("Part 2 of 3", "Part 3 of 3"):
        if part == "Part 2 of 3":
            wait_card(panel, qtbot, "Practice")
            go_on(panel, qtbot)
            press(panel, qtbot, Qt.Key.Key_2)
            answer(panel, qtbot, Qt.Key.Key_3)
        wait_card(panel, qtbot, part)
        go_on(panel, qtbot)
        press(panel, qtbot, Qt.Key.Key_1)
        answer(panel, qtbot, Qt.Key.Key_4)
    wait_card(panel, qtbot, "All done, thank you")
    mine = trials(window)
    assert [trial.block for trial in mine if not trial.flags][:4] == ["Pairs"] * 4
    assert [len(trial.answers) for trial in mine] == [1] * 5 + [2] + [1] * 4
    assert sum("practice" in trial.flags for trial in mine) == 2
    assert sum(trial.repeat_of is not None for trial in mine) == 1
    qtbot.keyClick(panel.instructions, SPACE)
    assert panel.pages.currentWidget() is panel.lock
    qtbot.keyClick(panel.lock, SPACE)  # nothing is left to go on with
    assert panel.pages.currentWidget() is panel.lock
    qtbot.mouseClick(panel.lock.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)


def test_that_no_key_brings_a_labeler_to_what_is_the_researchers(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    window, panel = led(rules(undo=False))
    messages = window.messages
    hints = (window._rail_frame, window._idle)
    assert not any(each.isVisible() for each in hints)
    caps = [cap for cap in panel.instructions.findChildren(KeyCap) if cap.isVisible()]
    assert caps
    assert not any("⌫" in cap._caps for cap in caps)  # no answer is taken back
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Escape)  # "Back"
    assert panel.pages.currentWidget() is panel.lock
    qtbot.keyClick(panel.lock, SPACE)
    assert panel.pages.currentWidget() is panel.instructions
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    go_on(panel, qtbot)
    window.close()
    assert window.isVisible()
    assert panel.pages.currentWidget() is panel.lock
    messages.hide_message()
    window.context.message("A run has an accuracy of 71%.", "good", ("See in Explore", window.show))
    assert not messages.isVisible()
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_K, Qt.Key.Key_F1, Qt.Key.Key_1):
        qtbot.keyClick(panel.lock, key, CONTROL)
        qtbot.keyClick(panel.lock, key)
    assert panel.pages.currentWidget() is panel.lock
    assert window.stack.currentWidget() is panel
    assert not window.palette_card.isVisible()
    qtbot.keyClick(panel.lock, SPACE)
    press(panel, qtbot, LEFT)
    assert len(trials(window)) == 1
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.mouseClick(panel.lock.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert window._rail_frame.isVisible()
    assert "71%" in messages.text.text()  # it waited


def test_that_shift_says_strongly_and_undo_is_refused_where_the_protocol_says_so(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    both = BlockRules(name="Pairs", kind="comparison", trials=3, attributes=("attractive", "smart"))
    window, panel = led(rules(strength=True, undo=False, blocks=(both,)))
    assert STRENGTH in [each.text() for each in panel.instructions.findChildren(QLabel)]
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Now it counts")
    go_on(panel, qtbot)
    press(panel, qtbot, LEFT, modifier=SHIFT)
    assert panel.trial.track._done == {"attractive": "A, strongly"}
    press(panel, qtbot, RIGHT)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Backspace)
    rest(panel, qtbot)
    press(panel, qtbot, LEFT)
    assert panel.trial.track._done == {"attractive": "A"}
    press(panel, qtbot, DOWN)
    found = trials(window)
    assert [dict(trial.strengths) for trial in found] == [
        {"attractive": 2, "smart": 1},
        {"attractive": 1},
    ]
    told = [dict(entry.answers) for entry in answer_history(found)]
    assert told == [
        {"attractive": "left", "smart": "tie"},
        {"attractive": "left, strongly", "smart": "right"},
    ]


def test_that_a_face_is_seen_after_the_cross_and_before_the_mask(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    window, panel = led(rules(exposure=ExposureRules(milliseconds=60, fixation_milliseconds=120)))
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    qtbot.keyClick(panel.instructions, SPACE)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    stage = panel.trial.stimulus
    qtbot.waitUntil(lambda: stage._phase == "fixation")
    began = time.perf_counter()
    qtbot.keyClick(panel.trial, LEFT)  # before the faces were seen
    controller = panel.trial.controller
    assert controller is not None
    assert controller.queue is not None
    slot = controller.queue.current
    assert slot is not None
    assert not slot.answers
    qtbot.waitUntil(lambda: slot.seen)
    assert time.perf_counter() - began > 0.05
    qtbot.waitUntil(lambda: stage._phase == "mask")
    qtbot.waitUntil(lambda: len(controller.frames.exposures) == 1)
    assert controller.frames.exposures[0] >= 55
    press(panel, qtbot, LEFT)
    assert len(trials(window)) == 1
    assert trials(window)[0].onset == slot.onset


def test_that_a_pause_is_no_part_of_what_was_seen(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    _, panel = led(rules(exposure=ExposureRules(milliseconds=400, fixation_milliseconds=150)))
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    qtbot.keyClick(panel.instructions, SPACE)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    stage, controller = panel.trial.stimulus, panel.trial.controller
    assert controller is not None
    qtbot.waitUntil(lambda: stage._phase == "fixation")
    _lose(panel)  # during the cross: it comes again, for its whole time
    assert panel.trial.waiting.isVisible()
    QTest.qWait(200)
    assert stage._phase == "fixation"
    qtbot.keyClick(panel.trial, SPACE)
    assert stage._turn.remainingTime() > 100
    seen = _slot(panel)
    qtbot.waitUntil(lambda: seen.seen)
    _lose(panel)  # what was seen ends here
    QTest.qWait(500)
    qtbot.keyClick(panel.trial, SPACE)
    assert stage._phase == "mask"
    QTest.qWait(50)
    assert len(controller.frames.exposures) == 1
    assert controller.frames.exposures[0] < 450


@pytest.mark.parametrize("small", [True, False])
def test_that_an_exposure_that_a_small_window_did_not_show_is_not_measured(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot, small: bool
) -> None:
    shown = ExposureRules(milliseconds=150)
    window, panel = led(rules(exposure=shown, pause_on_focus_loss=False))
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    qtbot.keyClick(panel.instructions, SPACE)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    stage, controller = panel.trial.stimulus, panel.trial.controller
    assert controller is not None
    qtbot.waitUntil(lambda: _slot(panel).seen)
    if small:
        window.showMinimized()  # no window takes its place: the keys stay here
    else:  # the timer of the mask finds out that the system shows nothing of the window
        window.windowHandle().isExposed = lambda: False  # type: ignore[method-assign]
    qtbot.waitUntil(lambda: stage._phase == "mask")
    if small:
        window.showNormal()
    else:
        del window.windowHandle().isExposed
    QTest.qWait(50)
    press(panel, qtbot, LEFT)
    assert controller.frames.exposures == []
    (trial,) = trials(window)
    assert trial.flags == ("left",)


def _lose(panel: LabelPanel) -> None:
    QApplication.sendEvent(panel.trial, QEvent(QEvent.Type.WindowDeactivate))


def _slot(panel: LabelPanel) -> Slot:
    controller = panel.trial.controller
    assert controller is not None
    assert controller.queue is not None
    assert controller.queue.current is not None
    return controller.queue.current


@pytest.mark.soak
def test_that_the_trial_waits_where_the_window_loses_the_labeler(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    window, panel = led(rules())
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    go_on(panel, qtbot)
    QApplication.sendEvent(panel.trial, QEvent(QEvent.Type.WindowDeactivate))
    assert panel.trial.waiting.isVisible()
    assert panel.trial.stimulus.covered
    qtbot.keyClick(panel.trial, LEFT)  # is swallowed
    assert panel.trial.waiting.isVisible()
    QTest.qWait(150)
    qtbot.keyClick(panel.trial, SPACE)
    assert not panel.trial.waiting.isVisible()
    press(panel, qtbot, LEFT)
    (trial,) = trials(window)
    assert trial.flags == ("left",)
    assert trial.seconds is not None


@pytest.mark.soak
def test_that_a_labeler_who_comes_back_is_asked_how_to_go_on(
    led: Callable[[Protocol], tuple[Window, LabelPanel]], qtbot: QtBot
) -> None:
    window, panel = led(rules(gaps=(GapRule(after_minutes=0, then="ask"),)))
    qtbot.keyClick(panel.instructions, SPACE)
    wait_card(panel, qtbot, "Part 1 of 3")
    go_on(panel, qtbot)
    press(panel, qtbot, LEFT, LEFT)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.mouseClick(panel.lock.leave, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.begin("L1", "comparison")
    wait_card(panel, qtbot, "Welcome back")
    qtbot.keyClick(panel.instructions, Qt.Key.Key_B)
    wait_card(panel, qtbot, "Part 1 of 3")
    assert trials(window) == ()
    assert len(trials(window, current=False)) == 2
