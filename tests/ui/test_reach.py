"""What can be reached by name and by key, and that nothing moves while one looks at it."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.study_reader import StudyReader
from prism_desktop.ui.commands import caption
from prism_desktop.ui.fuzzy_match import best, distance
from prism_desktop.ui.key_list import KeyList, all_keys
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.palette import DARK
from prism_desktop.ui.study.home_page import RecentRow
from prism_desktop.ui.window import PANELS, Window, fitted
from tests.ui.conftest import OpenWindow


def _shortcuts(window: Window) -> set[str]:
    """Every key that something in the window listens to, but for underlined letters."""
    found = {each.key().toString() for each in window.findChildren(QShortcut)}
    for control in window.findChildren(QAbstractButton):
        key = control.shortcut()
        if key != QKeySequence.mnemonic(control.text()):
            found.add(key.toString())
    return found - {""}


def _type(window: Window, text: str) -> None:
    QTest.keyClicks(window.palette_card.search, text)


def test_that_every_key_of_every_panel_is_listed(
    open_window: OpenWindow, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    for name in PANELS:
        window.show_panel(name)
    listed = {QKeySequence(key.keys).toString() for key in all_keys(window.context)}
    used = _shortcuts(window)
    assert {"Ctrl+K", "F1", "Ctrl+1", "Alt+1", "Ctrl+E", "Alt+Left", "Ctrl+Return"} <= used
    assert used <= listed


def test_that_the_palette_offers_every_button_of_every_panel(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    for name in PANELS:
        panel = window.show_panel(name)
        qtbot.waitUntil(window.context.idle, timeout=30_000)
        offered = {each.name for each in window.commands.all()}
        seen = [b for b in panel.findChildren(QAbstractButton) if b.isVisible() and caption(b)]
        assert seen
        assert {caption(control) for control in seen} <= offered


def test_that_the_palette_goes_to_a_labeler_by_keys_alone(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    code = next(each.code for each in tiny_study.labelers() if not each.simulated)
    window = open_window(tiny_study)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    card = window.palette_card
    assert card.search.hasFocus()
    qtbot.waitUntil(lambda: any(each.place == "Labeler" for each in card.offered))
    _type(window, f"rate as {code}")
    qtbot.keyClick(card.search, Qt.Key.Key_Return)
    panel = window.panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.start.labeler == code and panel.start.kind == "rating")
    assert not card.isVisible()


def test_that_the_palette_finds_a_face_without_reading_all_images_and_shows_whole_lines(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = tiny_study.images()[7].name
    window = open_window(tiny_study)
    qtbot.waitUntil(window.context.idle, timeout=20_000)
    read = []
    monkeypatch.setattr(StudyReader, "images", lambda _: read.append(1) or ())
    card = window.palette_card
    window.find_anything()
    qtbot.waitUntil(lambda: any(each.place == "Labeler" for each in card.offered))
    rows = card.list.viewport().height() / card.list.sizeHintForRow(0)
    assert rows == int(rows) > 10
    for part in (card.search, card.list, card.why):
        assert card.rect().contains(QRect(part.mapTo(card, QPoint()), part.size()))
    _type(window, name.upper())
    qtbot.waitUntil(lambda: [each.name for each in card.offered if each.place == "Face"] == [name])
    card.search.setText("f%_e")
    qtbot.waitUntil(window.context.idle)
    assert not [each for each in card.offered if each.place == "Face"]
    assert not read
    card.leave()


def test_that_what_cannot_be_done_is_listed_with_its_reason_and_not_done(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    window.find_anything()
    _type(window, "start training")
    card = window.palette_card
    assert card.offered[0].name == "Start training"
    assert card.why.text() == "No study is open."
    qtbot.keyClick(card.search, Qt.Key.Key_Return)
    assert card.isVisible()
    assert window.panel("train") is None
    qtbot.keyClick(card.search, Qt.Key.Key_Escape)
    assert not card.isVisible()


def test_that_letters_in_order_find_a_name_and_the_nearest_comes_first() -> None:
    names = ["Go to Train", "Start training", "Two labelers", "Export the study's tables…"]
    assert best("train", names, str, 5) == ["Go to Train", "Start training"]
    assert best("exst", names, str, 5) == ["Export the study's tables…"]
    assert best("study export", names, str, 5) == ["Export the study's tables…"]
    assert distance("zebra", "Two labelers") is None


def test_that_keys_are_found_by_what_they_do_and_those_of_labeling_as_they_are_now(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    window.context.settings.keys = {"skip": "X"}
    qtbot.mouseClick(window._keys, Qt.MouseButton.LeftButton)
    listed = window.findChild(KeyList)
    assert listed is not None
    QTest.keyClicks(listed.search, "skip")
    assert [(key.does, key.keys) for key in listed.shown()] == [
        ("Skip the question", "X"),
        ("Skip the rest of the face or pair", "Shift+S"),
    ]
    listed.close()


def _places(window: Window) -> list[QRect]:
    """Where everything of the panel and the rail is, in the window."""
    parts = [*window.stack.findChildren(QWidget), *window._rail_buttons.values()]
    return [QRect(part.mapTo(window, QPoint()), part.size()) for part in parts if part.isVisible()]


def test_that_nothing_moves_when_a_message_or_work_comes_and_goes(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    qtbot.waitUntil(window.context.idle)
    before = _places(window)
    window.context.message("The disk is full. Your answers are kept.", "bad", ("Why", lambda: None))
    qtbot.waitUntil(window.messages.isVisible)
    assert _places(window) == before

    def work() -> Iterator[Progress]:
        while True:
            yield Progress(1, 10, "Reading")

    job = window.context.run(work(), "Reading", owner=window)
    qtbot.wait(60)
    assert _places(window) == before
    window.messages.hide_message()
    with qtbot.waitSignal(job.ended):
        job.cancel()
    qtbot.wait(20)
    assert _places(window) == before


def test_that_a_message_stays_as_it_is_under_the_pointer(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    bar = window.messages
    bar.show_message("good", "The first.", ("Open", lambda: None))
    bar.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    bar.show_message("bad", "The second.")
    bar._time_out()
    assert bar.isVisible()
    assert bar.text.text() == "The first."
    bar.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    bar.hide_message()
    assert bar.text.text() == "The second."


def test_that_the_focus_waits_where_the_work_is_and_comes_back(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    window.activateWindow()
    panel = window.show_panel("study")
    measure = QPushButton("Measure", panel)
    measure.show()
    measure.setFocus()
    qtbot.waitUntil(measure.hasFocus)
    measure.setEnabled(False)
    qtbot.wait(20)
    assert window.stack.isAncestorOf(window.focusWidget())
    measure.setEnabled(True)
    qtbot.waitUntil(measure.hasFocus)


def test_that_the_rail_stays_where_it_is_in_every_panel(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    window.resize(960, 640)
    found = set()
    for name in PANELS:
        window.show_panel(name)
        qtbot.waitUntil(window.context.idle, timeout=30_000)
        places = tuple(button.geometry().getRect() for button in window._rail_buttons.values())
        found.add((places, window.size().toTuple()))
    assert len(found) == 1


def test_that_a_window_from_another_screen_fits_this_one() -> None:
    room = QRect(0, 0, 1280, 720)
    for wanted in (
        QRect(2600, 100, 1200, 600),
        QRect(-900, -500, 2560, 1440),
        QRect(300, 300, 1200, 700),
    ):
        assert room.contains(fitted(wanted, room))
    inside = QRect(100, 100, 800, 500)
    assert fitted(inside, room) == inside
    small = fitted(QRect(0, 0, 1440, 900), QRect(0, 0, 960, 540)).size()
    assert small.boundedTo(QSize(960, 540)) == small


def test_that_system_tells_which_colours_it_has_now(open_window: OpenWindow) -> None:
    window = open_window()
    window.set_mode("system")
    now = "dark" if window.context.theme.tokens is DARK else "light"
    assert f"({now})" in window._mode_button.text()
    assert f"{now} at present" in window._mode_button.toolTip()


def test_that_the_whole_row_of_a_recent_study_opens_it_and_tells_what_it_holds(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    info = tiny_study.info()
    window = open_window(tiny_study)
    qtbot.waitUntil(lambda: bool(window.context.settings.seen(info.path)))
    qtbot.waitUntil(window.context.idle)
    with qtbot.waitSignal(window.context.study_closed):
        window.context.close_study()
    row = window.findChild(RecentRow)
    assert row is not None
    assert f"{info.images} images" in row.held.text()
    assert f"{info.comparison_trials + info.rating_trials} answers" in row.held.text()
    assert row.held.text().endswith("just now")
    qtbot.waitUntil(lambda: row.isVisible() and window.context.idle())
    with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(row.width() // 2, 4))
