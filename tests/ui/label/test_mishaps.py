"""Labeling when something goes wrong: a full disk, a lost file, a click in the wrong place."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine import paths
from prism_desktop.engine.errors import DiskFullError
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import leave_dialogs
from prism_desktop.ui.label import operations
from prism_desktop.ui.label.answer_buttons import AnswerButton
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.trial_queue import Snapshot
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.study.panel import StudyPanel
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, SHIFT, begin, image, press, rest, trials


class _FullDisk:
    """The store refuses every trial until `make_room`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch, self._record = monkeypatch, Study.record
        monkeypatch.setattr(Study, "record", self._refuse)

    def make_room(self) -> None:
        self._patch.setattr(Study, "record", self._record)

    def _refuse(self, *_: object, **__: object) -> None:
        raise DiskFullError("The disk is full. Make room and try again.")


def _hold_back(panel: LabelPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> _FullDisk:
    disk = _FullDisk(monkeypatch)
    for key in (LEFT, LEFT):
        qtbot.keyClick(panel.trial, key)
    qtbot.waitUntil(panel.trial.stuck.isVisible)
    return disk


def test_that_no_other_sitting_begins_while_answers_are_held_back(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    disk, controller = _hold_back(panel, qtbot, monkeypatch), panel.trial.controller
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start and panel.idle())
    panel.start.start.click()
    assert panel.pages.currentWidget() is panel.trial
    assert panel.trial.stuck.isVisible()
    assert panel.trial.controller is controller
    disk.make_room()
    assert controller is not None
    controller.save_again()
    rest(panel, qtbot)
    assert len(trials(window)) == 1


def test_that_nothing_moves_when_an_answer_could_not_be_saved(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    page = panel.trial
    parts = (page.question, page.stimulus, page.answers)
    before = [part.geometry() for part in parts]
    disk = _hold_back(panel, qtbot, monkeypatch)
    qtbot.waitUntil(page.stuck.isVisible)
    assert [part.geometry() for part in parts] == before
    assert page.rect().contains(page.stuck.geometry())
    assert not any(page.stuck.geometry().intersects(part.geometry()) for part in parts[1:])
    disk.make_room()
    assert page.controller is not None
    page.controller.save_again()
    qtbot.waitUntil(lambda: not page.stuck.isVisible())
    assert [part.geometry() for part in parts] == before


def test_that_leaving_asks_before_answers_are_lost(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    disk, asked = _hold_back(panel, qtbot, monkeypatch), []
    monkeypatch.setattr(leave_dialogs, "sure_to_lose", lambda _, count: bool(asked.append(count)))
    window.close()
    assert window.isVisible()
    study = window.show_panel("study")
    assert isinstance(study, StudyPanel)
    study.overview.close_button.click()
    assert window.context.study is not None
    assert asked == [1, 1]
    disk.make_room()
    assert panel.trial.controller is not None
    panel.trial.controller.save_again()
    qtbot.waitUntil(lambda: not panel.held_back() and panel.idle())
    study.overview.close_button.click()
    qtbot.waitUntil(lambda: window.context.study is None and window.context.idle())
    assert asked == [1, 1]


def test_that_a_failure_after_the_sitting_is_said(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    _FullDisk(monkeypatch)
    for key in (LEFT, LEFT):
        qtbot.keyClick(panel.trial, key)
    window.context.close_study()
    qtbot.waitUntil(lambda: "not saved" in window.messages.text.text())


@pytest.mark.parametrize("way", ["close the study", "close the window"])
def test_that_answers_left_unsaved_are_in_a_rescue_file_that_can_be_imported(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    path = fresh.path
    window = open_window(fresh)
    panel = begin(window, qtbot)
    disk = _hold_back(panel, qtbot, monkeypatch)
    monkeypatch.setattr(leave_dialogs, "sure_to_lose", lambda *_: True)
    if way == "close the window":
        window.close()
    else:
        study = window.show_panel("study")
        assert isinstance(study, StudyPanel)
        study.overview.close_button.click()
        qtbot.waitUntil(lambda: "not saved in the study" in window.messages.text.text())
        qtbot.waitUntil(window.context.idle)
    disk.make_room()
    (file,) = paths.rescued().glob("*.jsonl")
    with Study.open(path) as again:
        assert again.trials() == ()
        for _ in import_files(again, [file]):
            pass
        (trial,) = again.trials()
        assert trial.answers == {"attractive": "left", "smart": "left"}
        assert trial.time("smart").seconds is not None


def test_that_a_half_answered_pair_of_a_study_that_vanished_is_in_the_rescue_file(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leave_dialogs, "sure_to_leave", lambda *_: True)
    window = open_window(fresh)
    panel = begin(window, qtbot)
    shutil.rmtree(fresh.path)
    qtbot.keyClick(panel.trial, LEFT)
    qtbot.waitUntil(panel.trial.stuck.isVisible)
    qtbot.waitUntil(window.context.idle, timeout=10_000)
    (file,) = paths.rescued().glob("*.jsonl")
    (row,) = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert (row["attribute"], row["outcome"], row["status"]) == ("attractive", "left", "answered")
    assert row["seconds"] is not None
    window.close()


def test_that_a_click_beside_the_skip_card_only_puts_it_away(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, Qt.Key.Key_S)
    panel.trial.stimulus.chosen.emit("left")
    assert not panel.trial.skipping.isVisible()
    assert panel.trial.controller is not None
    assert panel.trial.controller.queue is not None
    assert panel.trial.controller.queue.attribute == "attractive"


def test_that_nothing_on_the_page_takes_the_keys_from_the_trial(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    _hold_back(panel, qtbot, monkeypatch).make_room()
    (again,) = panel.trial.stuck.findChildren(QPushButton)
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    rest(panel, qtbot)
    assert window.focusWidget() is panel.trial
    assert {each.focusPolicy() for each in panel.trial.answers.findChildren(AnswerButton)} == {
        Qt.FocusPolicy.NoFocus
    }


def test_that_a_sitting_prepared_for_a_closed_study_does_not_begin(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    window = open_window(fresh)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start and panel.idle())
    panel.begin("L1", "comparison")
    panel._refresh()
    window.context.close_study()
    qtbot.waitUntil(window.context.idle)
    qtbot.wait(20)
    assert panel.pages.currentWidget() is panel.no_study
    assert panel.trial.controller is None


def test_that_the_hints_name_the_keys_in_force(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, settings: Settings
) -> None:
    window = open_window(fresh)
    window.show_panel("label")
    settings.keys = {"skip": "X"}
    panel = begin(window, qtbot)
    assert panel.trial._hints["skip"].cap._caps == ["X"]


def test_that_an_action_without_a_key_is_refused(open_window: OpenWindow, fresh: Study) -> None:
    panel = open_window(fresh).show_panel("label")
    assert isinstance(panel, LabelPanel)
    panel.keys.fields["pause"].setKeySequence("")
    assert not panel.keys.done.isEnabled()
    assert "Pause" in panel.keys.trouble.text()
    panel.keys.reset()
    panel.keys.fields["undo too"].setKeySequence("")  # there is another key for it
    assert panel.keys.done.isEnabled()


def test_that_a_face_that_cannot_be_read_is_skipped_or_found_and_never_answered(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    files = {Path(image.path): Path(image.path).read_bytes() for image in fresh.images()}
    for file in files:
        file.write_bytes(b"not an image")
    window = open_window(fresh)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel._instruct = False
    panel.begin("L1", "comparison")
    qtbot.waitUntil(lambda: panel.trial.stimulus.unreadable)
    qtbot.waitUntil(panel.idle)
    qtbot.keyClick(panel.trial, LEFT)
    assert "cannot be read" in window.messages.text.text()
    assert trials(window) == ()
    first = image(panel)
    qtbot.keyClick(panel.trial, Qt.Key.Key_S, SHIFT)
    qtbot.keyClick(panel.trial, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: len(trials(window)) == 1 and image(panel) not in ((), first))
    (skipped,) = trials(window)
    assert (skipped.status, skipped.skip_reason) == ("skipped", "The image is bad")
    assert skipped.seconds is None
    for file, content in files.items():
        file.write_bytes(content)
    window.context.changed.emit(Changes(images=True))
    rest(panel, qtbot)  # the faces are seen
    press(panel, qtbot, *[LEFT] * len(skipped.skips))
    answered = trials(window)[1]
    assert answered.answers == dict.fromkeys(skipped.skips, "left")
    assert answered.onset is not None


def test_that_the_end_is_said_once_the_last_answers_are_saved(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    panel = begin(window, qtbot)
    disk, controller = _hold_back(panel, qtbot, monkeypatch), panel.trial.controller
    assert controller is not None
    assert controller.queue is not None
    controller.queue._slots.clear()  # as if that had been the last
    monkeypatch.setattr(operations, "_snapshot", lambda _: Snapshot((), {}))
    panel.trial.refresh()
    assert panel.trial.question.text() == "One moment…"
    disk.make_room()
    controller.save_again()
    qtbot.waitUntil(lambda: "last one" in panel.trial.question.text())


def test_that_a_window_closed_while_its_study_closes_closes_quietly(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(fresh)
    go_on, close = threading.Event(), Study.close
    monkeypatch.setattr(Study, "close", lambda study: go_on.wait(10) and close(study))
    window.context.close_study()
    qtbot.waitUntil(lambda: window.context.writer.busy)
    go_on.set()
    window.close()  # with an answer that nobody waits for any more
    assert window.context.study is None
