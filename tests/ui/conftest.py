"""The window under test: real, offscreen, with settings of its own.

And the check that nothing of it stays behind.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from prism_desktop.engine.events import Done
from prism_desktop.engine.processes import pool
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.app import make_application
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import taste_view, worth_data
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.window import Window

OpenWindow = Callable[..., Window]


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """pytest-qt's application, dressed as ours."""
    return make_application(["prism-desktop"])


@pytest.fixture(autouse=True)
def no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The taste view looks at no words, for which its process would load torch and a network."""
    monkeypatch.setattr(taste_view, "WORDS", ())


@pytest.fixture(autouse=True)
def nothing_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The view of more labels plans no trials, for which it would start a process each time."""
    monkeypatch.setattr(worth_data, "next_trials", lambda *_: iter([Done(())]))


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves a thread or a top-level widget behind.

    A training process may wait for the next run.
    """
    before = _running()
    yield
    widgets = _widgets_left()
    end = time.monotonic() + 5
    while (threads := _running() - before) and time.monotonic() < end:
        time.sleep(0.01)
    assert not threads, f"Threads left behind: {threads}"
    assert not widgets, f"Widgets left behind: {widgets}"


def _running() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name != pool.EXPIRY}


def _widgets_left() -> list[str]:
    if QApplication.instance() is None:
        return []
    left = _top_level()
    if left:  # what only Python still holds is no leak
        gc.collect()
        left = _top_level()
    names = [f"{type(widget).__name__} {widget.objectName()}" for widget in left]
    for widget in left:
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return names


def _top_level() -> list[QWidget]:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    return [widget for widget in QApplication.topLevelWidgets() if not widget.parent()]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings in the test's own folder."""
    return Settings(tmp_path / "window.ini")


@pytest.fixture
def context(qapp: QApplication, settings: Settings) -> Iterator[AppContext]:
    """What panels share, without a window."""
    theme = Theme(qapp, "light")
    theme.apply()
    made = AppContext(settings, theme)
    yield made
    made.close()
    theme.deleteLater()


@pytest.fixture
def open_window(qtbot: QtBot, qapp: QApplication, settings: Settings) -> Iterator[OpenWindow]:
    """Show a window, on a study if one is given; closed after the test if not before."""
    windows: list[Window] = []

    def show(study: Study | Path | None = None) -> Window:
        theme = Theme(qapp, "light")
        theme.apply()
        window = Window(AppContext(settings, theme))
        windows.append(window)
        window.resize(1280, 800)
        with qtbot.waitExposed(window):
            window.show()
        if study is not None:
            if isinstance(study, Study):
                study.close()  # the window takes it over
            with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
                window.context.open_study(Path(study.path if isinstance(study, Study) else study))
        return window

    yield show
    for window in windows:
        if not isValid(window):
            window.context.close()
            continue
        # a test that fails during a training must not be asked
        window.context.in_training = window.context.in_queue = lambda: 0
        window.context.labeler_mode.emit("")  # nor one that ends while a protocol leads
        window.close()
        window.context.deleteLater()
        window.deleteLater()
