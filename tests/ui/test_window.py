"""The shell: rail, theme, messages, progress, closing."""

import threading
from collections.abc import Iterator

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import StudyError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.palette import DARK, LIGHT
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.theme import style_sheet
from prism_desktop.ui.widgets.progress import ProgressStrip, TimeLeft, time_left
from tests.ui.conftest import OpenWindow


def test_that_the_panels_are_reached_by_keys(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    for number, name in enumerate(("study", "label"), start=1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda name=name: window.stack.currentWidget() is window.panel(name))


def test_that_the_theme_is_switched_and_remembered(
    open_window: OpenWindow, settings: Settings
) -> None:
    window = open_window()
    theme = window.context.theme
    window._mode_button.click()
    assert theme.mode == settings.mode == "dark"
    assert theme.tokens is DARK
    assert DARK.surface in window.styleSheet()
    window._mode_button.click()
    window._mode_button.click()
    assert theme.tokens is LIGHT


def test_that_every_colour_of_the_style_sheet_is_known() -> None:
    for tokens in (LIGHT, DARK):
        assert "$" not in style_sheet(tokens)


def test_that_an_error_stays_until_it_is_dismissed(open_window: OpenWindow) -> None:
    window = open_window()
    window.context.message("The disk is full. Your answers are kept.", "bad")
    assert window.messages.isVisible()
    assert not window.messages._timer.isActive()
    window.messages.hide_message()
    assert not window.messages.isVisible()


def test_that_work_shows_progress_and_can_be_cancelled(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window, gate = open_window(), threading.Event()

    def work() -> Iterator[Progress]:
        for number in range(10_000):
            yield Progress(number, 10_000, "Reading images")
            gate.wait(0.005)

    job = window.context.run(work(), "Import", owner=window)
    strip = window.progress.findChild(ProgressStrip)
    assert strip is not None
    qtbot.waitUntil(lambda: "of 10,000" in strip.detail.text())
    assert strip.what.text() == "Reading images"
    with qtbot.waitSignal(job.ended, timeout=5000) as ended:
        qtbot.mouseClick(strip.cancel, Qt.MouseButton.LeftButton)
    assert ended.args == [True]


def test_that_closing_ends_jobs_and_lets_go_of_the_study(
    open_window: OpenWindow, tiny_study: Study
) -> None:
    window, closed = open_window(tiny_study), threading.Event()

    def work() -> Iterator[Progress]:
        try:
            while True:
                yield Progress(0, None, "Waiting")
        finally:
            closed.set()

    window.context.run(work(), "Endless", owner=window)
    window.close()
    assert closed.is_set()
    with Study.open(tiny_study.path):  # not locked any more
        pass


def test_that_a_locked_study_opens_read_only_and_says_so(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window()
    with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
        window.context.open_study(tiny_study.path)
    assert window.context.study is not None
    assert window.context.study.read_only
    assert "read-only" in window.messages.text.text()


def test_that_the_place_and_size_are_remembered(
    open_window: OpenWindow, settings: Settings
) -> None:
    window = open_window()
    window.resize(1100, 700)
    window.close()
    assert settings.geometry is not None


def test_that_time_left_is_told_in_words() -> None:
    estimate = TimeLeft()
    assert estimate.left(Progress(0, 100, "a"), now=0.0) is None
    assert estimate.left(Progress(50, 100, "a"), now=10.0) == 10.0
    assert estimate.left(Progress(1, 100, "b"), now=11.0) is None
    assert [time_left(seconds) for seconds in (1, 12, 200, 7200)] == [
        "almost done",
        "15 s left",
        "3 min left",
        "2.0 h left",
    ]


def test_that_what_fails_after_the_window_is_hidden_is_said_when_it_is_opened_again(
    open_window: OpenWindow,
) -> None:
    first = open_window()

    def fail() -> None:
        raise StudyError("The disk is full; the last answer could not be saved.")

    first.context.writer.ask(fail, owner=first)
    first.close()
    said: list[str] = []
    second = open_window().context
    second.messaged.connect(lambda kind, text, _: said.append(f"{kind}: {text}"))
    second.say_unsaid()
    second.say_unsaid()
    assert said == ["bad: The disk is full; the last answer could not be saved."]
