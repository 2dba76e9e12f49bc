"""The import assistant in a real window, with plans made by hand."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, read_recipe
from prism_desktop.engine.study.records import AttributeRecord, Changes, ImportReport
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import operations
from prism_desktop.ui.study.assistant import recipe_edits
from prism_desktop.ui.study.assistant.assistant_page import AssistantPage
from prism_desktop.ui.study.assistant.role_header import RoleBox
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.window import Window
from tests.fixtures.study import draw_faces
from tests.ui.conftest import OpenWindow
from tests.ui.study import plans
from tests.ui.study.plans import FakeEngine

TABLE = Path("week1.csv")


@dataclass(frozen=True, slots=True)
class Report(ImportReport):
    """A report as the store keeps it with doubts and a recipe."""

    doubts: tuple[Doubt, ...] = ()
    dismissed: frozenset[int] = field(default=frozenset())
    recipe: str = ""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Plans in place of the engine's, good ones unless a test says otherwise."""
    made = FakeEngine()
    monkeypatch.setattr(operations, "plan_import", made.plan_import)
    monkeypatch.setattr(operations, "apply_import_plan", made.apply_plan)
    return made


def _panel(window: Window) -> StudyPanel:
    panel = window.panel("study")
    assert isinstance(panel, StudyPanel)
    return panel


def _open(
    window: Window, qtbot: QtBot, files: Sequence[Path] = (TABLE,), *, wait: bool = True
) -> AssistantPage:
    panel = _panel(window)
    qtbot.waitUntil(panel.idle)
    panel.import_tables(list(files))
    if wait:
        qtbot.waitUntil(lambda: panel.assistant.plan is not None and window.context.idle())
    return panel.assistant


def _box(page: AssistantPage, name: str) -> RoleBox:
    table = page.preview.table.sample.table
    assert table is not None
    return page.preview.table.roles.box([column.name for column in table.columns].index(name))


def _settled(page: AssistantPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page.planner.busy and page._fresh)


def _drop(window: Window, paths: Sequence[Path]) -> None:
    """Drag files over the window and let go."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entered = QDragEnterEvent(QPoint(600, 400), copy, data, left, none)
    QApplication.sendEvent(window, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(600, 400), copy, data, left, none))


def test_that_a_plan_is_told_before_anything_is_stored(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    before = (len(tiny_study.trials()), len(tiny_study.imports()))
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    assert page.headline.text() == "48 ratings by 4 raters of 12 faces, 2 columns left out"
    assert page.run.text() == "&Import 48 ratings"
    study = window.context.study
    assert study is not None
    assert (len(study.trials()), len(study.imports())) == before
    assert engine.applied == []


def test_that_import_writes_the_plan_and_unfolds_its_report(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    plan = page.plan
    assert plan is not None
    page.run.setFocus()
    qtbot.keyClick(page.run, Qt.Key.Key_Return)
    panel = _panel(window)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview and panel.idle())
    assert engine.applied == [plan]
    assert plan.batch is not None
    assert plan.batch.report.id in panel.overview.imports.open
    assert "Hide report" in [
        button.text() for button in panel.overview.imports.findChildren(QPushButton)
    ]


def test_that_cancel_leads_back_and_stores_nothing(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    qtbot.mouseClick(page.cancel, Qt.MouseButton.LeftButton)
    panel = _panel(window)
    assert panel.pages.currentWidget() is panel.overview
    assert engine.applied == []
    assert panel.views() == ("overview",)


def test_that_a_role_chosen_by_keys_changes_the_recipe(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    box = _box(page, "rater_age")
    page.preview.table.roles.enter(box.place)
    qtbot.keyClick(box.role, Qt.Key.Key_Down)
    _settled(page, qtbot)
    assert engine.asked[-1].columns == {"rater_age": "image-fact"}
    assert box.role.hasFocus()
    assert box.sure.text() == "said by you"
    qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    _settled(page, qtbot)
    assert engine.asked[-1] == Recipe()


def test_that_a_judgment_gets_the_attribute_that_is_typed(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    box = _box(page, "rating")
    editor = box.attribute.lineEdit()
    assert editor is not None
    page.preview.table.roles.enter(box.place)
    qtbot.keyClick(box.role, Qt.Key.Key_Tab)
    qtbot.waitUntil(box.attribute.hasFocus)
    editor.selectAll()
    qtbot.keyClicks(editor, "warm")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    _settled(page, qtbot)
    assert engine.asked[-1].judgments == {"rating": "warm"}
    assert box.role.currentText() == "Judgment: warm"


def test_that_the_studys_attributes_are_offered_for_judgments(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    names = {attribute.name for attribute in tiny_study.attributes()}
    page = _open(open_window(tiny_study), qtbot)
    box = _box(page, "rating").attribute
    assert names <= {box.itemText(row) for row in range(box.count())}


def test_that_arrows_lead_along_the_columns_and_tab_out_of_them(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.wide
    page = _open(open_window(tiny_study), qtbot)
    roles = page.preview.table.roles
    page.preview.kinds.setFocus()
    qtbot.keyClick(page.preview.kinds, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not page.preview.kinds)
    roles.setFocus(Qt.FocusReason.TabFocusReason)
    assert roles.box(0).role.hasFocus()
    assert page.preview.about.text().startswith("rater: Who judged (sure)")
    qtbot.keyClick(roles.box(0).role, Qt.Key.Key_Right)
    assert roles.box(1).role.hasFocus()
    qtbot.keyClick(roles.box(1).role, Qt.Key.Key_End)
    last = roles.box(399)
    assert last.role.hasFocus()
    assert last.geometry().left() >= 0
    assert last.geometry().right() <= roles.viewport().width()
    assert len(roles._boxes) < 40  # not one for each column
    qtbot.keyClick(last.role, Qt.Key.Key_Tab)
    assert not roles.isAncestorOf(QApplication.focusWidget())


def test_that_return_leads_from_a_cell_to_its_columns_role(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    table = page.preview.table
    table.setFocus()
    table.setCurrentIndex(table.sample.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Right)
    assert page.preview.about.text().startswith("rater_age: Fact about the rater (likely)")
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert _box(page, "rater_age").role.hasFocus()


def test_that_each_role_stands_above_its_column_in_a_window_of_any_width(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    roles = page.preview.table.roles
    for width in (2560, 1000):
        window.resize(width, 800)
        qtbot.waitUntil(lambda width=width: window.width() == width)
        qtbot.wait(50)
        seen = [
            column
            for column in range(roles.count())
            if roles.sectionViewportPosition(column) < roles.viewport().width()
        ]
        assert seen
        for column in seen:
            box = roles.box(column)
            assert box.x() == roles.sectionViewportPosition(column)
            assert box.width() == roles.sectionSize(column)


def test_that_the_wheel_turns_no_role(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    from PySide6.QtGui import QWheelEvent

    page = _open(open_window(tiny_study), qtbot)
    role = _box(page, "rater").role
    role.setFocus()
    turned = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(role, turned)
    assert role.currentText() == "Who judged"
    assert len(engine.asked) == 1


def test_that_an_answer_that_comes_late_is_dropped(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    engine.gates = [threading.Event() for _ in range(3)]
    page.give(recipe_edits.with_role(page.given, "note", "rater-fact"))
    page.give(recipe_edits.with_role(page.given, "ITI", "rater-fact"))
    assert not page.run.isEnabled()
    engine.gates[2].set()
    _settled(page, qtbot)
    assert page.headline.text() == "48 ratings by 4 raters of 12 faces"
    newest = page.plan
    engine.gates[1].set()
    qtbot.waitUntil(window.context.idle)
    assert page.plan is newest


def test_that_the_last_preview_stays_dimmed_while_a_change_is_checked(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    engine.gates = [threading.Event() for _ in range(2)]
    page.give(recipe_edits.with_role(page.given, "note", "rater-fact"))
    qtbot.waitUntil(page.preview.veil.isVisible)
    assert page.states.currentWidget() is page.preview
    qtbot.mouseClick(page.stop, Qt.MouseButton.LeftButton)
    assert not page.preview.veil.isVisible()
    assert not page.run.isEnabled()
    assert "not checked" in page.why.text()
    engine.gates[1].set()
    qtbot.mouseClick(page.again, Qt.MouseButton.LeftButton)
    _settled(page, qtbot)
    assert page.run.isEnabled()
    qtbot.waitUntil(window.context.idle)


def test_that_open_questions_block_the_import_until_they_are_answered(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.undecided
    page = _open(open_window(tiny_study), qtbot)
    assert not page.run.isEnabled()
    assert page.why.text().startswith("2 questions are open")
    page.start()
    assert engine.applied == []
    cards = page.preview.decisions.cards
    assert cards[0].buttons[0].toolTip() == "On the command line: --missing -99"
    cards[0].buttons[0].setFocus()
    qtbot.keyClick(cards[0].buttons[0], Qt.Key.Key_Space)
    _settled(page, qtbot)
    assert engine.asked[-1].missing == ("-99",)
    assert page.why.text().startswith("1 question is open")
    left = page.preview.decisions.cards[0]
    assert left.buttons[0].hasFocus()  # on to the next question
    qtbot.keyClick(left.buttons[0], Qt.Key.Key_Tab)
    qtbot.keyClick(left.buttons[1], Qt.Key.Key_Space)
    _settled(page, qtbot)
    assert engine.asked[-1] == Recipe(missing=("-99",), again="skip")
    assert page.run.isEnabled()
    assert page.run.hasFocus()
    assert not page.preview.decisions.isVisible()


def test_that_a_doubt_leads_to_its_row_and_column(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.doubtful
    page = _open(open_window(tiny_study), qtbot)
    preview, table = page.preview, page.preview.table
    preview.doubts.chips[2].setFocus()
    qtbot.keyClick(preview.doubts.chips[2], Qt.Key.Key_Space)
    assert (table.currentIndex().row(), table.currentIndex().column()) == (7, 0)
    assert table.sample.lit == 0
    assert preview.about.text().endswith("Row 9 is shown.")
    more = preview.doubts.findChildren(QPushButton)[-1]
    assert more.text() == "4 more doubts"
    more.click()
    far = next(chip for chip in preview.doubts.chips if "far from the rest" in chip.text())
    far.click()
    assert table.sample.lit == 3
    assert "row 900, which is not among the rows shown" in preview.about.text()


def test_that_a_scale_is_said_and_checked_as_it_is_typed(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    view = page.preview.judgments.views["attractive", "rating"]
    view.scale.selectAll()
    qtbot.keyClicks(view.scale, "9-1")
    qtbot.keyClick(view.scale, Qt.Key.Key_Return)
    assert view.field.help.text() == "A scale is like 1-7."
    assert len(engine.asked) == 1
    view.scale.selectAll()
    qtbot.keyClicks(view.scale, "1-9")
    qtbot.keyClick(view.scale, Qt.Key.Key_Return)
    _settled(page, qtbot)
    assert engine.asked[-1].scales == {"attractive": "1-9"}
    assert view.found.text().startswith("Said by you")


def test_that_the_reading_can_be_said(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    reading = page.preview.reading
    assert reading.encoding.currentText() == "utf-8 (found)"
    qtbot.keyClick(reading.unit, Qt.Key.Key_End)
    qtbot.keyClicks(reading.missing, "-99, NA")
    qtbot.keyClick(reading.missing, Qt.Key.Key_Return)
    _settled(page, qtbot)
    assert engine.asked[-1] == Recipe(rt_unit="ms", missing=("-99", "NA"))


def test_that_of_a_million_rows_a_sample_is_shown(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.large
    page = _open(open_window(tiny_study), qtbot)
    assert page.preview.table.sample.rowCount() == 300
    assert page.preview.note.text() == "300 of 1,000,000 rows are shown; all of them are checked."


def test_that_columns_are_found_by_name_and_by_what_they_need(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.wide
    page = _open(open_window(tiny_study), qtbot)
    preview = page.preview

    def shown() -> list[str]:
        table = preview.table.sample.table
        assert table is not None
        return [
            column.name
            for place, column in enumerate(table.columns)
            if not preview.table.isColumnHidden(place)
        ]

    qtbot.keyClicks(preview.filter, "RATER")
    assert shown() == ["rater", "rater_age"]
    preview.filter.clear()
    preview.kinds.setFocus()
    qtbot.keyClicks(preview.kinds, "Used")
    assert shown() == ["rater", "rater_age", "image", "rating", "rt", "date"]


def test_that_names_without_an_image_are_listed_and_their_folder_is_imported(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.make = plans.unmatched
    window = open_window(tiny_study)
    page = _open(window, qtbot)
    card = page.preview.images
    assert card.lost.text() == "30 names in 120 rows match no image of the study."
    assert card.names.model().rowCount() == 30
    draw_faces(tmp_path / "more", 3, seed=9)
    card.folder_chosen.emit(tmp_path / "more")
    qtbot.waitUntil(lambda: len(engine.asked) == 2 and window.context.idle(), timeout=20_000)
    study = window.context.study
    assert study is not None
    assert len(study.images()) == 27
    assert _panel(window).pages.currentWidget() is page


def test_that_what_cannot_be_read_is_said_and_the_change_taken_back(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = _open(open_window(tiny_study), qtbot)
    engine.error = InputError("No column says who judged. Nothing was imported.")
    page.give(recipe_edits.with_role(page.given, "rater", "ignore"))
    qtbot.waitUntil(page.trouble_line.isVisible)
    assert page.trouble_text.text() == "No column says who judged. Nothing was imported."
    assert not page.run.isEnabled()
    engine.error = None
    page.take_back()
    _settled(page, qtbot)
    assert page.run.isEnabled()
    assert not page.trouble_line.isVisible()


def test_that_files_that_cannot_be_read_at_all_leave_a_way_out(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.error = InputError("week1.csv is empty. Nothing was imported.")
    page = _open(open_window(tiny_study), qtbot, wait=False)
    qtbot.waitUntil(page.trouble.isVisible)
    assert page.trouble.text.text() == "week1.csv is empty. Nothing was imported."
    assert page.trouble.buttons[0].isEnabled()


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
    _drop(window, [table])
    page = _panel(window).assistant
    qtbot.waitUntil(lambda: page.plan is not None)
    assert page.files == (table,)
    assert window.stack.currentWidget() is _panel(window)
    assert page.isVisible()


def test_that_a_folder_brings_its_images_first_and_then_its_tables(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    draw_faces(tmp_path / "lab" / "faces", 3, seed=9)
    table = tmp_path / "lab" / "ratings.csv"
    table.write_text("rater,image,attractive\n")
    (tmp_path / "lab" / "readme.md").write_text("nothing to import")
    window = open_window(tiny_study)
    _drop(window, [tmp_path / "lab"])
    page = _panel(window).assistant
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
    panel = _panel(window)
    _drop(window, [tmp_path / "faces", table])
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
    page = _open(window, qtbot)
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
    page = _open(open_window(tiny_study), qtbot)
    qtbot.waitUntil(page.offer.isVisible)
    assert page.offer_use.text() == "Read as week0.csv was"
    page.offer_use.click()
    _settled(page, qtbot)
    assert engine.asked[-1] == known
    assert not page.offer.isVisible()


def test_that_an_import_is_read_anew_in_place_of_itself(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine, tmp_path: Path
) -> None:
    window = open_window(tiny_study)
    panel = _panel(window)
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
    panel = _panel(window)
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
    panel = _panel(window)
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
    panel = _panel(window)
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
    panel = _panel(open_window(tiny_study))
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
    page = _open(window, qtbot, wait=False)
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
    page = _open(window, qtbot)
    assert not page.run.isEnabled()
    assert "for reading only" in page.why.text()
    page.start()
    assert engine.applied == []


def test_that_closing_the_study_while_a_plan_is_made_gives_it_up(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.gates = [threading.Event()]
    window = open_window(tiny_study)
    page = _open(window, qtbot, wait=False)
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    engine.gates[0].set()
    window.context.close_study()
    panel = _panel(window)
    qtbot.waitUntil(window.context.idle)
    assert panel.pages.currentWidget() is panel.home
    assert (page.files, page.plan) == ((), None)


@pytest.mark.parametrize(
    ("text", "scale"),
    [("1-7", "1-7"), (" 0 – 100 ", "0-100"), ("-3-3", "-3-3"), ("0,5-4,5", "0.5-4.5"), ("", ""),
     ("7", None), ("7-1", None), ("a-b", None), ("1-7-9", None)],
)  # fmt: skip
def test_that_scales_are_understood_as_they_are_typed(text: str, scale: str | None) -> None:
    assert recipe_edits.scale_words(text) == scale


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (Recipe(), {"scale": "1-7"}, Recipe(scale="1-7")),
        (Recipe(missing=("NA",)), {"missing": ("-99",)}, Recipe(missing=("NA", "-99"))),
        (
            Recipe(coding={"0": "tie"}),
            {"coding": {"1": "left"}},
            Recipe(coding={"0": "tie", "1": "left"}),
        ),
        (Recipe(sheets=("a",)), {"sheets": ("b",)}, Recipe(sheets=("b",))),
        (Recipe(rater="x"), {"again": "keep"}, Recipe(rater="x", again="keep")),
    ],
)
def test_that_choices_add_to_the_recipe_or_replace_in_it(
    before: Recipe, change: dict[str, object], after: Recipe
) -> None:
    assert recipe_edits.with_choice(before, change) == after


def test_that_a_role_other_than_judgment_forgets_the_attribute() -> None:
    judged = recipe_edits.with_role(Recipe(), "Q1", "judgment", "warm")
    assert judged == Recipe(columns={"Q1": "judgment"}, judgments={"Q1": "warm"})
    assert recipe_edits.with_role(judged, "Q1", "ignore") == Recipe(columns={"Q1": "ignore"})
