"""What comes in by drops, recipes and earlier imports, and what the imports card shows of it."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, read_recipe
from prism_desktop.engine.study.records import AttributeRecord, Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import operations
from prism_desktop.ui.study.panel import StudyPanel
from tests.fixtures.study import draw_faces
from tests.ui.conftest import OpenWindow
from tests.ui.study import plans
from tests.ui.study.assistant_steps import (
    TABLE,
    Report,
    drop,
    open_assistant,
    settled,
    study_panel,
)
from tests.ui.study.plans import FakeEngine


@pytest.mark.parametrize("panel", ["study", "label"])
def test_that_a_file_dropped_on_any_panel_opens_the_assistant(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    engine: FakeEngine,
    tmp_path: Path,
    panel: str,
) -> None:
    table = tmp_path / "week1.csv"
    table.write_text("rater,image,attractive\n")
    window = open_window(tiny_study)
    window.show_panel(panel)
    drop(window, [table])
    page = study_panel(window).assistant
    qtbot.waitUntil(lambda: page.plan is not None)
    assert page.files == (table,)
    assert window.stack.currentWidget() is study_panel(window)
    assert page.isVisible()


def test_that_a_folder_brings_its_images_first_and_then_its_tables(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    draw_faces(tmp_path / "lab" / "faces", 3, seed=9)
    table = tmp_path / "lab" / "ratings.csv"
    table.write_text("rater,image,attractive\n")
    (tmp_path / "lab" / "readme.md").write_text("nothing to import")
    window = open_window(tiny_study)
    drop(window, [tmp_path / "lab"])
    page = study_panel(window).assistant
    qtbot.waitUntil(lambda: page.plan is not None, timeout=20_000)
    assert page.files == (table,)
    study = window.context.study
    assert study is not None
    assert len(study.images()) == 27


def test_that_what_is_dropped_without_a_study_waits_for_one(
    open_window: OpenWindow, qtbot: QtBot, engine: FakeEngine, tmp_path: Path
) -> None:
    draw_faces(tmp_path / "faces", 12)
    table = tmp_path / "ratings.csv"
    table.write_text("rater,image,attractive\n")
    window = open_window()
    panel = study_panel(window)
    drop(window, [tmp_path / "faces", table])
    assert panel.pages.currentWidget() is panel.new
    assert panel.new.images.text() == str(tmp_path / "faces")
    assert "No study is open" in window.messages.text.text()
    panel.new.place.setText(str(tmp_path / "studies"))
    panel.new.create_button.click()
    qtbot.waitUntil(lambda: panel.assistant.plan is not None, timeout=20_000)
    assert panel.assistant.files == (table,)
    study = window.context.study
    assert study is not None
    assert len(study.images()) == 12


def test_that_a_recipe_is_saved_whole_and_used_again(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot)
    page.save_recipe(tmp_path / "mine")
    qtbot.waitUntil(window.context.idle)
    assert page.plan is not None
    assert read_recipe(tmp_path / "mine.toml") == page.plan.recipe
    (tmp_path / "other.toml").write_text('scale = "0-10"\n')
    page.use_recipe(tmp_path / "other.toml")
    qtbot.waitUntil(lambda: len(engine.asked) == 2)
    assert engine.asked[-1] == Recipe(scale="0-10")
    (tmp_path / "bad.toml").write_text("scale = 7\n")
    page.use_recipe(tmp_path / "bad.toml")
    qtbot.waitUntil(lambda: "is no recipe" in window.messages.text.text())
    assert len(engine.asked) == 2


def _report(recipe: Recipe, tmp_path: Path) -> Report:
    table = tmp_path / "week0.csv"
    table.write_text("rater,image,attractive\n")
    return Report(
        "i1", str(table), "ratings", 48, 48, mapping={"files": {str(table): "0" * 64}},
        created=1.0, recipe=recipe.to_toml(),
        doubts=(Doubt("time", "The date was left empty."), Doubt("unit", "Seconds, it seems.")),
    )  # fmt: skip


def test_that_the_recipe_of_a_file_with_the_same_columns_is_offered(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = plans.good(tiny_study.images(), [TABLE]).recipe.model_copy(update={"scale": "1-9"})
    report = _report(known, tmp_path)
    monkeypatch.setattr(Study, "imports", lambda _: (report,))
    page = open_assistant(open_window(tiny_study), qtbot)
    qtbot.waitUntil(page.offer.isVisible)
    assert page.offer_use.text() == "Read as week0.csv was"
    page.offer_use.click()
    settled(page, qtbot)
    assert engine.asked[-1] == known
    assert not page.offer.isVisible()


def test_that_an_import_is_read_anew_in_place_of_itself(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    panel.overview.imports.show_imports((_report(Recipe(scale="1-9"), tmp_path),))
    anew = _button(panel, "Read anew…")
    anew.click()
    page = panel.assistant
    qtbot.waitUntil(lambda: page.plan is not None)
    assert page.files == (tmp_path / "week0.csv",)
    assert (engine.asked, engine.replacing) == ([Recipe(scale="1-9")], ["i1"])
    page.start()
    qtbot.waitUntil(lambda: len(engine.applied) == 1)
    assert engine.replacing[-1] == "i1"
    qtbot.waitUntil(panel.idle)


def test_that_a_file_that_changed_since_its_import_is_told(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    report = _report(Recipe(scale="1-9"), tmp_path)
    panel.read_anew(report)
    words = "week0.csv has changed since it was imported."
    qtbot.waitUntil(lambda: window.messages.text.text() == words)
    qtbot.waitUntil(panel.idle)


@pytest.mark.parametrize("file", ["//host/share/week0.csv", "week0.csv"])
def test_that_a_study_s_files_are_not_looked_for_in_the_network(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
) -> None:
    window = open_window(tiny_study)
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    report = _report(Recipe(), tmp_path)
    monkeypatch.chdir(tmp_path)
    panel.read_anew(replace(report, mapping={"files": {file: "0" * 64}}))
    assert "week0.csv is not where it was" in window.messages.text.text()
    assert engine.asked == []


def _button(panel: StudyPanel, text: str) -> QPushButton:
    shown = panel.overview.findChildren(QPushButton)
    return next(each for each in shown if each.text() == text and not each.isHidden())


def test_that_doubts_of_an_import_are_shown_until_they_are_dismissed(
    open_window: OpenWindow,
    qtbot: QtBot,
    tiny_study: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dismissed: list[tuple[str, list[int]]] = []

    def dismiss(_: Study, import_id: str, places: list[int]) -> Changes:
        dismissed.append((import_id, list(places)))
        return Changes()

    monkeypatch.setattr(operations, "dismiss_doubts", dismiss)
    window = open_window(tiny_study)
    panel = study_panel(window)
    qtbot.waitUntil(panel.idle)
    report = _report(Recipe(), tmp_path)
    panel.overview.imports.show_imports((report,))
    texts = [each.text() for each in panel.overview.imports.findChildren(QLabel)]
    assert {"The date was left empty.", "Seconds, it seems."} <= set(texts)
    _button(panel, "Dismiss").click()
    _button(panel, "Dismiss all").click()
    qtbot.waitUntil(lambda: len(dismissed) == 2)
    assert dismissed == [("i1", [0]), ("i1", [0, 1])]
    one_left = Report(
        "i1", report.source, "ratings", 48, 48, doubts=report.doubts, dismissed=frozenset({0})
    )
    qtbot.waitUntil(panel.idle)
    panel.overview.imports.show_imports((one_left,))
    shown = [e.text() for e in panel.overview.imports.findChildren(QLabel) if not e.isHidden()]
    assert "Seconds, it seems." in shown
    assert "The date was left empty." not in [
        each.text() for each in panel.overview.imports.findChildren(QLabel) if each.isVisible()
    ]


def test_that_an_attribute_that_nobody_confirmed_can_be_confirmed(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True, slots=True)
    class Record(AttributeRecord):
        confirmed: bool = True

    confirmed: list[str] = []

    def confirm(_: Study, name: str) -> Changes:
        confirmed.append(name)
        return Changes()

    monkeypatch.setattr(operations, "confirm_attribute", confirm)
    panel = study_panel(open_window(tiny_study))
    qtbot.waitUntil(panel.idle)
    panel.overview.attributes.show_attributes((Record("smart"), Record("ITI", confirmed=False)))
    texts = [each.text() for each in panel.overview.attributes.findChildren(QLabel)]
    assert any("training leaves it out until you confirm it" in text for text in texts)
    _button(panel, "Confirm").click()
    qtbot.waitUntil(lambda: confirmed == ["ITI"])
    qtbot.waitUntil(panel.idle)


def test_that_closing_the_window_while_a_plan_is_made_leaves_nothing_behind(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.gates = [threading.Event()]
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot, wait=False)
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    assert page.planner.busy
    threading.Timer(0.1, engine.gates[0].set).start()
    window.close()
    qtbot.waitUntil(lambda: engine.closed == 1)


def test_that_a_study_that_others_have_open_takes_nothing_in(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    path = tiny_study.path
    window = open_window(path)  # while `tiny_study` holds it
    assert window.context.study is not None
    assert window.context.study.read_only
    page = open_assistant(window, qtbot)
    assert not page.run.isEnabled()
    assert "it can only be read" in page.why.text()
    page.start()
    assert engine.applied == []


def test_that_closing_the_study_while_a_plan_is_made_gives_it_up(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.gates = [threading.Event()]
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot, wait=False)
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    engine.gates[0].set()
    window.context.close_study()
    panel = study_panel(window)
    qtbot.waitUntil(window.context.idle)
    assert panel.pages.currentWidget() is panel.home
    assert (page.files, page.plan) == ((), None)
