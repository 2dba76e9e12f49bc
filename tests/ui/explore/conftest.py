"""A study with one fabricated run, and the Explore panel on it in a real window."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Event, Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import run_loader, run_reading
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_reading import RestOfRun
from prism_desktop.ui.window import Window
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

OpenExplore = Callable[..., ExplorePanel]
CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")


@pytest.fixture
def run(tiny_study: Study) -> Path:
    """A finished run of the tiny study."""
    return fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=CODES, attributes=NAMES
    )


@pytest.fixture
def open_explore(qtbot: QtBot, open_window: OpenWindow) -> OpenExplore:
    """Show the Explore panel in a window, on a study if one is given."""

    def show(study: Study | None = None) -> ExplorePanel:
        panel = open_window(study).show_panel("explore")
        assert isinstance(panel, ExplorePanel)
        qtbot.waitUntil(panel.idle, timeout=20_000)
        return panel

    return show


@pytest.fixture
def may_answer(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Every run is a large one, whose answers are not read before this is set."""
    read, told = run_reading.read_rest, threading.Event()

    def read_slowly(data: RunData) -> Iterator[Event[RestOfRun]]:
        while not told.wait(0.01):
            yield Progress(0, None, "")
        yield from read(data)

    monkeypatch.setattr(run_reading, "_LARGE", -1)
    monkeypatch.setattr(run_loader, "read_rest", read_slowly)
    return told


def unread(window: Window, qtbot: QtBot) -> ExplorePanel:
    """The panel of a window, once it shows a run whose answers are still to come."""
    panel = window.show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    qtbot.waitUntil(lambda: panel.data is not None, timeout=20_000)
    return panel


@pytest.fixture
def panel(open_explore: OpenExplore, run: Path, tiny_study: Study) -> ExplorePanel:
    """The panel on the tiny study and its run."""
    return open_explore(tiny_study)


def shown(panel: ExplorePanel, qtbot: QtBot, view: str) -> None:
    """Bring a view to the front and wait until it is filled."""
    panel.show_view(view)
    qtbot.waitUntil(panel.idle, timeout=60_000)  # some start a process
