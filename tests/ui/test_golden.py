"""The Study and Label panels look as they did."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.study import overview
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.window import Window
from tests.fixtures.texts import made_of
from tests.ui import golden
from tests.ui.conftest import OpenWindow


@pytest.fixture(autouse=True)
def steady_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day on which a test runs does not show."""
    monkeypatch.setattr(overview, "made", lambda _: "Made 1 January 2026")


def _window(open_window: OpenWindow, mode: Mode, study: Study | None = None) -> Window:
    window = open_window(study)
    window.context.theme.apply(mode)
    return window


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_the_study_panel_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path, mode: Mode
) -> None:
    window = _window(open_window, mode, tiny_study)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(lambda: panel.idle() and bool(panel.overview.name.text()))
    panel.overview.storage.place.setText("/studies/tiny.prism")
    panel.overview.start.clearFocus()
    qtbot.wait(50)
    golden.check(window, f"study-{mode}", tmp_path)


def test_that_the_home_page_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = _window(open_window, "light")
    qtbot.wait(50)
    golden.check(window, "home-light", tmp_path)


@pytest.mark.parametrize("kind", ["comparison", "rating"])
def test_that_a_trial_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path, kind: str
) -> None:
    window = _window(open_window, "light", tiny_study)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.show_view(kind)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial and panel.idle())
    _show_first_faces(panel, window, qtbot, 2 if kind == "comparison" else 1)
    golden.check(window, f"label-{kind}", tmp_path)


@pytest.mark.parametrize("kind", ["comparison", "rating"])
def test_that_a_trial_of_texts_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    texts = [
        NewText("a", "Thank you for waiting. It comes on Tuesday.", "Why is my parcel late?"),
        NewText("b", "שלום, it is late. <b>Sorry</b>\u202e.", "Why is my parcel late?"),
    ]
    window = _window(open_window, "dark", made_of(tmp_path / "texts.prism", texts))
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.show_view(kind)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial and panel.idle())
    known = {text.name: text.id for text in window.context.study.texts()}  # type: ignore[union-attr]
    panel.trial.stimulus.show_images(
        (known["a"], known["b"]) if kind == "comparison" else (known["b"],)
    )
    qtbot.wait(50)
    golden.check(window, f"texts-{kind}", tmp_path)


def test_that_the_skip_menu_looks_as_it_did(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    window = _window(open_window, "dark", tiny_study)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.show_view("rating")
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial and panel.idle())
    qtbot.keyClick(panel.trial, Qt.Key.Key_S)
    qtbot.wait(50)
    golden.check(panel.trial.skipping, "skip-dark", tmp_path)


def _show_first_faces(panel: LabelPanel, window: Window, qtbot: QtBot, count: int) -> None:
    """Which faces come next is drawn for each study anew; here it must not matter."""
    study = window.context.study
    assert study is not None
    images = study.images()[:count]
    stimulus = panel.trial.stimulus
    stimulus.show_images(tuple(image.id for image in images))

    # the layout may still move, and with it the size at which faces are decoded
    def painted() -> bool:
        panel.prefetch.want([(image.id, image.path) for image in images], stimulus.box())
        return stimulus._announced

    qtbot.waitUntil(painted)
