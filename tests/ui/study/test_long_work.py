"""Work of the Study panel that takes long: seen, cancelled, and never waited for by the window."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.demo.demo_study import build_demo
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import operations
from prism_desktop.ui.job import Job
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.widgets.progress import ProgressStrip
from prism_desktop.ui.window import Window
from tests.fixtures.study import MakeStudy, draw_faces
from tests.ui.conftest import OpenWindow


def _panel(window: Window, qtbot: QtBot) -> StudyPanel:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    return panel


def test_that_looking_for_images_shows_progress(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    panel.upkeep.relink(tmp_path)
    assert window.progress.findChild(ProgressStrip) is not None
    qtbot.waitUntil(panel.idle)


def test_that_counting_is_given_up_when_another_folder_is_typed(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_faces(tmp_path / "few", 3)
    stopped, count = threading.Event(), operations.count_images

    def endless(folder: Path) -> Iterator[object]:
        if folder == tmp_path / "few":
            yield from count(folder)
            return
        try:
            while True:
                yield Progress(0, None, "Counting images")
        finally:
            stopped.set()

    monkeypatch.setattr(operations, "count_images", endless)
    panel = _panel(open_window(), qtbot)
    panel.home.new.click()
    panel.new.images.setText(str(tmp_path))
    qtbot.waitUntil(lambda: panel.new._counting is not None)
    panel.new.images.setText(str(tmp_path / "few"))
    qtbot.waitUntil(lambda: panel.new.images_field.help.text() == "3 images found.")
    assert stopped.wait(5)


def test_that_closing_a_study_does_not_wait_for_its_work(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, gate, open_at_the_end = open_window(tiny_study), threading.Event(), []
    study = window.context.study
    assert study is not None

    def work() -> Iterator[Progress]:
        yield Progress(0, None, "Working")
        gate.wait(10)
        open_at_the_end.append(len(study.images()) > 0)

    window.context.run(work(), "Slow", owner=window)
    waited: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(Job, "wait", lambda _, seconds: bool(waited.append(seconds)))
        window.context.close_study()
    assert not waited
    assert window.context.study is None
    assert not window.context.idle()
    gate.set()
    qtbot.waitUntil(window.context.idle)
    assert open_at_the_end == [True]
    with Study.open(tiny_study.path):  # not locked any more
        pass


def test_that_the_demo_is_only_offered_when_another_study_is_open_by_then(
    open_window: OpenWindow,
    qtbot: QtBot,
    make_study: MakeStudy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other, gate = make_study(), threading.Event()

    def slow(folder: Path, *, texts: bool = False) -> Iterator[object]:
        gate.wait(10)
        yield from build_demo(folder, images=12)

    monkeypatch.setattr(operations, "demo", slow)
    window = open_window()
    panel = _panel(window, qtbot)
    panel.make_demo(tmp_path / "Demo.prism")
    other.close()
    with qtbot.waitSignal(window.context.study_opened):
        window.context.open_study(other.path)
    gate.set()
    qtbot.waitUntil(lambda: "Demo is ready" in window.messages.text.text(), timeout=30_000)
    assert window.context.study is not None
    assert window.context.study.path == other.path
    window.messages._act()
    qtbot.waitUntil(
        lambda: (
            window.context.study is not None
            and window.context.study.path == tmp_path / "Demo.prism"
        )
    )


def test_that_images_imported_later_can_be_copied_in(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    draw_faces(tmp_path / "more", 3, seed=99)
    window = open_window(tiny_study)
    panel = _panel(window, qtbot)
    panel.overview.importing.copy.setChecked(True)
    panel.overview.importing.import_folder(tmp_path / "more")
    study = window.context.study
    assert study is not None
    qtbot.waitUntil(lambda: panel.idle() and len(study.images()) > 24)
    assert [image.copied for image in study.images()].count(True) == len(study.images()) - 24
