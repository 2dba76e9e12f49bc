"""The window on a disk that is full or read-only: each thing asked for ends in a sentence, nothing
stored is lost, and the window goes on.

The disks are real, small ones, which only root may mount.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui import leave_dialogs
from prism_desktop.ui.window import Window
from tests.cli.test_fault_table import disk, full, read_only
from tests.fixtures.study import MakeStudy, draw_faces
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, begin, press, rest, trials
from tests.ui.study.assistant_steps import open_assistant, study_panel

__all__ = ["disk"]


@pytest.fixture
def study(disk: Path, make_study: MakeStudy) -> Iterator[Path]:
    """A study on the small disk, in which nothing was labeled."""
    if not disk.is_mount():
        pytest.skip("only root may mount a disk")
    with make_study(comparisons=0, ratings=0) as made:
        path = made.path
    made = shutil.copytree(path, disk / "s.prism")
    yield made
    shutil.rmtree(made)


def _told(window: Window, qtbot: QtBot, *words: str) -> None:
    """Wait until the window says so, and rests."""
    qtbot.waitUntil(lambda: all(w in window.messages.text.text() for w in words), timeout=20_000)
    assert "unexpected" not in window.messages.text.text()
    qtbot.waitUntil(window.context.idle)


def _goes_on(window: Window, qtbot: QtBot) -> None:
    """The study is open, can be written and checks clean."""
    study = window.context.study
    assert study is not None
    study.update_labeler("L1", display_name="Ann")
    assert next(labeler.display_name for labeler in study.labelers()) == "Ann"
    assert [p for p in study.check() if p.kind != "backup"] == []
    qtbot.waitUntil(window.context.idle)


def _answers(window: Window) -> int:
    """How many single judgments L1 has on the disk, those of a pair half answered among them."""
    study = window.context.study
    assert study is not None
    begun = study.pending("L1", "comparison")
    complete = sum(len(each.answers) for each in trials(window))
    return complete + (0 if begun is None else len(begun.given.answers))


@pytest.mark.parametrize("what", ["a table", "images"])
def test_that_an_import_onto_a_full_disk_is_a_sentence_and_stores_nothing(
    what: str, study: Path, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    faces = [f"face-{number:03d}.jpg" for number in range(12)]
    table.write_text("rater,image,smart\n" + "".join(
        f"new-{rater},{face},{(rater + int(face[6:8])) % 5 + 1}\n"
        for rater in range(200)
        for face in faces
    ))  # fmt: skip
    draw_faces(tmp_path / "more", 3, seed=9)
    window = open_window(study)
    opened = window.context.study
    assert opened is not None
    before = opened.labelers(), opened.images(), opened.imports()
    page = open_assistant(window, qtbot, [table]) if what == "a table" else None
    with full(study.parent):
        if page is None:
            study_panel(window).import_images(tmp_path / "more", copy=True)
        else:
            page.run.click()
        _told(window, qtbot, "is full")
    assert (opened.labelers(), opened.images(), opened.imports()) == before
    _goes_on(window, qtbot)
    if page is not None:
        page.run.click()  # as it was, once there is room
        qtbot.waitUntil(lambda: len(opened.imports()) > len(before[2]), timeout=20_000)


@pytest.mark.parametrize("kind", [pytest.param("csv", marks=pytest.mark.soak), "xlsx"])
def test_that_an_export_to_a_read_only_or_full_disk_is_a_sentence(
    kind: str, disk: Path, tiny_study: Study, open_window: OpenWindow, qtbot: QtBot
) -> None:
    if not disk.is_mount():
        pytest.skip("only root may mount a disk")
    window = open_window(tiny_study)
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    with read_only(disk):
        panel.export(disk / "out", kind)
        _told(window, qtbot, "cannot be written", "Read-only")
    assert not list(disk.iterdir())
    with full(disk):
        panel.export(disk / "out", kind)
        _told(window, qtbot, "no room left")
    assert not [path for path in disk.rglob("*") if path.is_file()]
    panel.export(disk / "out", kind)
    _told(window, qtbot, "codebook")
    shutil.rmtree(disk / "out")


def test_that_answers_on_a_full_disk_are_held_back_told_and_saved_once_there_is_room(
    study: Path, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(study)
    panel = begin(window, qtbot)
    opened = window.context.study
    assert opened is not None
    press(panel, qtbot, *[LEFT] * len(opened.attributes()))
    saved = _answers(window)
    asked: list[int] = []
    monkeypatch.setattr(leave_dialogs, "sure_to_lose", lambda _, count: bool(asked.append(count)))
    with full(study.parent):
        for _ in range(2_000):  # the log of SQLite has room of its own at first
            qtbot.keyClick(panel.trial, LEFT)
            qtbot.wait(1)
            if panel.trial.stuck.isVisible():
                break
        assert panel.trial.stuck.isVisible()
        assert "full" in panel.trial._stuck_text.text()
        window.close()
        assert window.isVisible()
        assert asked
        assert asked[0] >= 1
        on_disk = _answers(window)
        assert on_disk >= saved
    assert panel.trial.controller is not None
    panel.trial.controller.save_again()
    qtbot.waitUntil(lambda: not panel.held_back() and panel.idle())
    rest(panel, qtbot)
    assert _answers(window) == on_disk + asked[0]
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start and panel.idle())
    _goes_on(window, qtbot)


def test_that_a_backup_that_could_not_be_made_at_opening_is_told_beside_the_backups(
    study: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    with contextlib.closing(sqlite3.connect(study / "study.sqlite3")) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'created'")
        connection.commit()
    shutil.rmtree(study / "backups")
    (study / "backups").write_text("")  # a file where the folder belongs
    window = open_window(study)
    opened = window.context.study
    assert opened is not None
    qtbot.waitUntil(lambda: opened.backup_failure is not None)
    _goes_on(window, qtbot)
    panel = study_panel(window)
    qtbot.waitUntil(lambda: "could not be made" in panel.overview.storage.backup_text.text())
