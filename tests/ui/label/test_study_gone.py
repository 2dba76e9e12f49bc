"""A study that vanishes under a labeler's fingers: every key press is in the rescue file, the
window says where that is, and nothing more is taken for saved."""

import json
import shutil

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine import paths
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import leave_dialogs
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, begin, press


def test_that_key_presses_after_a_study_vanished_are_in_the_rescue_file(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [attribute.name for attribute in fresh.attributes()]
    path = fresh.path
    window = open_window(fresh)
    panel = begin(window, qtbot)
    press(panel, qtbot, *[LEFT] * len(names))  # one trial that is stored
    controller = panel.trial.controller
    assert controller is not None
    assert controller.queue is not None
    coming = [(each.left, each.right) for each in controller.queue.coming(3)]
    done = controller.queue.done
    shutil.rmtree(path)
    for _ in range(3 * len(names)):  # faster than the disk can answer
        qtbot.keyClick(panel.trial, LEFT)
    qtbot.waitUntil(panel.trial.stuck.isVisible)
    held_back = controller.held_back
    recorded = [each for each in controller._unsaved if type(each).__name__ == "RecordTrial"]
    qtbot.waitUntil(lambda: window.context.idle(), timeout=10_000)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Right)  # taken for nothing
    assert controller.held_back == held_back
    files = list(paths.rescued().iterdir())
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    given = {(row["left_id"], row["right_id"]) for row in rows}
    assert len(given) == 1 + len(recorded)
    assert given >= set(coming[: len(recorded)])
    assert {row["outcome"] for row in rows} == {"left"}
    assert len({row["order"] for row in rows}) == len(given)
    for told in (window.messages.text.text(), panel.trial._stuck_text.text()):
        assert str(paths.rescued()) in told
        assert f"All {len(given)} answers" in told or len(given) == 1
    assert not path.exists()
    assert done == 1
    asked: list[str] = []
    monkeypatch.setattr(
        leave_dialogs, "sure_to_leave", lambda _, told: bool(asked.append(told)) or len(asked) > 1
    )
    window.close()
    assert window.isVisible()
    window.close()  # the second time, it is agreed to
    assert not window.isVisible()
    assert all(str(paths.rescued()) in told for told in asked)
    assert len(asked) == 2
