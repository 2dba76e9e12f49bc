"""Whatever takes longer than a glance says what it does, until it is done."""

import ast
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

import prism_desktop.ui
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study import opening, schema
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import operations
from prism_desktop.ui import window as window_module
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import operations as labeling
from prism_desktop.ui.study.new_study_page import NewStudy
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.widgets.progress import ProgressStrip, WaitStrip
from prism_desktop.ui.window import Window
from tests.fixtures import source_trees
from tests.fixtures.study import draw_faces
from tests.ui.conftest import OpenWindow

UPGRADES = Path(__file__).parents[1] / "upgrades"
_THREADS = ("context", "_context", "worker", "writer")


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every question, write and job of the window: where it is, the call, and its kind."""
    folder = Path(prism_desktop.ui.__file__).parent
    for file in source_trees.files(folder):
        for node in source_trees.nodes(file):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = node.func.value
            name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
            if (name in _THREADS and node.func.attr in ("ask", "write")) or (
                name == "self" and file.name == "context.py" and node.func.attr == "ask"
            ):
                yield f"{file.name}:{node.lineno}", node, "question"
            elif name == "jobs" and node.func.attr == "start":
                yield f"{file.name}:{node.lineno}", node, "job"


def test_that_every_question_and_job_carries_words_of_what_it_does() -> None:
    calls = list(_calls())
    assert len(calls) > 40
    silent = [
        where
        for where, call, kind in calls
        if not (
            any(each.arg == "what" for each in call.keywords)
            if kind == "question"
            else len(call.args) >= 2
        )
    ]
    assert not silent


def _told(window: Window) -> list[str]:
    """What the foot of the window says is going on."""
    strips = [
        *window.progress.findChildren(WaitStrip),
        *window.progress.findChildren(ProgressStrip),
    ]
    return [strip.what.text() for strip in strips if strip.isVisible()]


def _slowed(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Event:
    """An operation that does not end before the gate is opened."""
    module = operations if hasattr(operations, name) else labeling
    gate, real = threading.Event(), getattr(module, name)

    def slow(*given: Any, **named: Any) -> Any:
        gate.wait(20)
        return real(*given, **named)

    monkeypatch.setattr(module, name, slow)
    return gate


def _panel(window: Window) -> StudyPanel:
    panel = window.panel("study")
    assert isinstance(panel, StudyPanel)
    return panel


def _undo(window: Window, _: Path) -> None:
    report = ImportReport("unknown", "a.csv", "ratings", 1, 1)
    _panel(window).overview.imports._undo(report)


def _make(window: Window, folder: Path) -> None:
    _panel(window).make_study(NewStudy(folder / "New.prism", "New", None, ("smart",), copy=False))


_WAITS: dict[str, tuple[str, Callable[[Window, Path], None]]] = {
    "Undoing the import…": ("undo_import", _undo),
    "Making the study New…": ("create_study", _make),
    "Reading the study…": ("overview", lambda window, _: _panel(window)._refresh()),
    "Saving the target…": (
        "set_target",
        lambda window, _: window.show_panel("label").start._set_target("rating", 9),  # type: ignore[attr-defined]
    ),
}


@pytest.mark.parametrize("told", _WAITS)
def test_that_what_takes_long_is_told_until_it_is_done(
    told: str,
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, act = _WAITS[told]
    window = open_window(tiny_study)
    qtbot.waitUntil(lambda: window.context.idle() and not _told(window))
    gate = _slowed(monkeypatch, name)
    act(window, tmp_path)
    qtbot.waitUntil(lambda: told in _told(window))
    gate.set()
    qtbot.waitUntil(lambda: window.context.idle() and not _told(window), timeout=20_000)


def test_that_opening_and_closing_a_study_are_told(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_study.close()
    window, gate = open_window(), _slowed(monkeypatch, "open_known")
    name = Path(tiny_study.path).stem
    window.context.open_study(Path(tiny_study.path))
    qtbot.waitUntil(lambda: f"Opening {name}…" in _told(window))
    gate.set()
    qtbot.waitUntil(lambda: window.context.study is not None and not _told(window))
    study, shut = window.context.study, threading.Event()
    assert study is not None
    close = study.close
    monkeypatch.setattr(study, "close", lambda: (shut.wait(20), close())[1])
    window.context.close_study()
    qtbot.waitUntil(lambda: f"Closing {name}…" in _told(window))
    shut.set()
    qtbot.waitUntil(lambda: window.context.idle() and not _told(window))


def test_that_what_is_there_at_a_glance_is_not_told(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, told = open_window(), []
    qtbot.waitUntil(window.context.idle)
    window.context.waiting.connect(lambda _, what: told.append(what))
    for _ in range(50):
        window.context.ask(lambda: None, owner=window, what="Blinking")
    qtbot.waitUntil(window.context.idle)
    assert not told


@pytest.mark.parametrize("copy", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_that_a_study_being_made_from_photographs_is_told_at_each_step(
    open_window: OpenWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    copy: bool,
) -> None:
    draw_faces(tmp_path / "faces", 3)
    window = open_window()
    panel = _panel(window)
    gates = {name: _slowed(monkeypatch, name) for name in ("create_study", "open_known")}
    read = threading.Event()

    def slow(*given: Any) -> Iterator[Any]:
        yield Progress(1, 3, "Copying images" if copy else "Reading images")
        read.wait(20)
        yield from import_images(given[0], given[1], copy=given[2])

    monkeypatch.setattr(operations, "import_images", slow)
    panel.home.new.click()
    panel.new.images.setText(str(tmp_path / "faces"))
    panel.new.place.setText(str(tmp_path))
    panel.new.copy.setChecked(copy)
    panel.new.create_button.click()
    panel.new.create_button.click()  # it is being made; nothing is made twice
    qtbot.waitUntil(lambda: "Making the study faces…" in _told(window))
    gates["create_study"].set()
    qtbot.waitUntil(lambda: "Opening faces…" in _told(window), timeout=10_000)
    gates["open_known"].set()
    step = "Copying images" if copy else "Reading images"

    def counted() -> list[str]:
        strips = window.progress.findChildren(ProgressStrip)
        return [strip.detail.text() for strip in strips if strip.what.text() == step]

    qtbot.waitUntil(lambda: counted() == ["1 of 3"], timeout=10_000)
    read.set()
    qtbot.waitUntil(lambda: window.context.idle() and not _told(window), timeout=10_000)
    assert sorted(path.name for path in tmp_path.glob("*.prism")) == ["faces.prism"]


def test_that_counting_the_images_of_a_large_folder_is_told(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, count = threading.Event(), operations.count_images

    def slow(folder: Path) -> Iterator[Any]:
        yield Progress(4000, None, "Counting images")
        gate.wait(20)
        yield from count(folder)

    monkeypatch.setattr(operations, "count_images", slow)
    page = _panel(open_window()).new
    page.images.setText(str(tmp_path))
    qtbot.waitUntil(lambda: "Counting images among 4,000 files" in page.images_field.help.text())
    gate.set()
    qtbot.waitUntil(lambda: page.images_field.help.text() == "0 images found.")


def test_that_opening_an_older_study_says_that_it_is_brought_up_to_date(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, gate, real = tmp_path / "Old.prism", threading.Event(), opening.migrate
    folder.mkdir()
    with closing(sqlite3.connect(folder / "study.sqlite3")) as database:
        database.executescript((UPGRADES / "schema-0001.sql").read_text("utf-8"))
    told: list[str] = []

    def slow(file: Path) -> None:
        gate.wait(20)
        real(file)

    monkeypatch.setattr(opening, "migrate", slow)
    window = open_window()
    window.context.waiting.connect(lambda _, what: told.append(what))
    with qtbot.waitSignal(window.context.study_opened, timeout=20_000):
        window.context.open_study(folder)
        newest = schema.SCHEMA_VERSION
        now = f"Bringing Old up to date, from version 1 to {newest}, step 2 of 2…"
        qtbot.waitUntil(lambda: now in _told(window), timeout=20_000)
        gate.set()
    qtbot.waitUntil(lambda: not _told(window), timeout=20_000)
    assert told[0].startswith(("Opening Old", "Backing up Old", "Bringing Old"))


def test_that_an_upgrade_tells_its_backup_first(tmp_path: Path) -> None:
    folder, told = tmp_path / "Old.prism", list[str]()
    folder.mkdir()
    with closing(sqlite3.connect(folder / "study.sqlite3")) as database:
        database.executescript((UPGRADES / "schema-0002.sql").read_text("utf-8"))
    Study.open(folder, tell=told.append).close()
    assert [each.split()[0] for each in dict.fromkeys(told)] == ["Backing", "Backing", "Bringing"]
    assert told[1].endswith("step 1 of 2, 100%")
    again: list[str] = []
    Study.open(folder, tell=again.append).close()
    assert not again


@pytest.mark.parametrize("name", ["train", "explore"])
def test_that_a_panel_whose_building_takes_long_is_told_before_it_begins(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    window, seen = open_window(), list[tuple[list[str], int]]()
    real = window_module._CLASSES[name]
    painted = _Painted()

    def load() -> Callable[[AppContext], QWidget]:
        seen.append((_told(window), painted.count))
        return real()

    monkeypatch.setitem(window_module._CLASSES, name, load)
    window.progress.wait("window", "Waiting")
    strip = window.progress.findChild(WaitStrip)
    assert strip is not None
    window.progress.wait("window", "")
    strip.installEventFilter(painted)
    window.show_panel(name)
    ((told, count),) = seen
    assert told == [f"Opening {name.capitalize()}…"]
    assert count > 0  # so that it can be read while nothing else is painted
    assert not _told(window)


class _Painted(QObject):
    """How often what it watches was painted."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        self.count += event.type() == QEvent.Type.Paint
        return False
