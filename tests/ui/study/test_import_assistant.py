"""The import assistant in a real window, with plans made by hand."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.assistant import recipe_edits
from tests.fixtures.study import draw_faces
from tests.ui.conftest import OpenWindow
from tests.ui.study import plans
from tests.ui.study.assistant_steps import (
    open_assistant,
    role_box,
    settled,
    study_panel,
)
from tests.ui.study.plans import FakeEngine


def test_that_a_plan_is_told_before_anything_is_stored(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    before = (len(tiny_study.trials()), len(tiny_study.imports()))
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot)
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
    page = open_assistant(window, qtbot)
    plan = page.plan
    assert plan is not None
    page.run.setFocus()
    qtbot.keyClick(page.run, Qt.Key.Key_Return)
    panel = study_panel(window)
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
    page = open_assistant(window, qtbot)
    qtbot.mouseClick(page.cancel, Qt.MouseButton.LeftButton)
    panel = study_panel(window)
    assert panel.pages.currentWidget() is panel.overview
    assert engine.applied == []
    assert panel.views() == ("overview",)


def test_that_a_role_chosen_by_keys_changes_the_recipe(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = open_assistant(open_window(tiny_study), qtbot)
    box = role_box(page, "rater_age")
    page.preview.table.roles.enter(box.place)
    qtbot.keyClick(box.role, Qt.Key.Key_Down)
    settled(page, qtbot)
    assert engine.asked[-1].columns == {"rater_age": "image-fact"}
    assert box.role.hasFocus()
    assert box.sure.text() == "said by you"
    qtbot.mouseClick(page.back, Qt.MouseButton.LeftButton)
    settled(page, qtbot)
    assert engine.asked[-1] == Recipe()


def test_that_a_judgment_gets_the_attribute_that_is_typed(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = open_assistant(open_window(tiny_study), qtbot)
    box = role_box(page, "rating")
    editor = box.attribute.lineEdit()
    assert editor is not None
    page.preview.table.roles.enter(box.place)
    qtbot.keyClick(box.role, Qt.Key.Key_Tab)
    qtbot.waitUntil(box.attribute.hasFocus)
    editor.selectAll()
    qtbot.keyClicks(editor, "warm")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settled(page, qtbot)
    assert engine.asked[-1].judgments == {"rating": "warm"}
    assert box.role.currentText() == "Judgment: warm"


def test_that_the_studys_attributes_are_offered_for_judgments(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    names = {attribute.name for attribute in tiny_study.attributes()}
    page = open_assistant(open_window(tiny_study), qtbot)
    box = role_box(page, "rating").attribute
    assert names <= {box.itemText(row) for row in range(box.count())}


def test_that_arrows_lead_along_the_columns_and_tab_out_of_them(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.wide
    page = open_assistant(open_window(tiny_study), qtbot)
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
    page = open_assistant(open_window(tiny_study), qtbot)
    table = page.preview.table
    table.setFocus()
    table.setCurrentIndex(table.sample.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Right)
    assert page.preview.about.text().startswith("rater_age: Fact about the rater (likely)")
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert role_box(page, "rater_age").role.hasFocus()


def test_that_each_role_stands_above_its_column_in_a_window_of_any_width(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot)
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

    page = open_assistant(open_window(tiny_study), qtbot)
    role = role_box(page, "rater").role
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
    page = open_assistant(window, qtbot)
    engine.gates = [threading.Event() for _ in range(3)]
    page.give(recipe_edits.with_role(page.given, "note", "rater-fact"))
    page.give(recipe_edits.with_role(page.given, "ITI", "rater-fact"))
    assert not page.run.isEnabled()
    engine.gates[2].set()
    settled(page, qtbot)
    assert page.headline.text() == "48 ratings by 4 raters of 12 faces"
    newest = page.plan
    engine.gates[1].set()
    qtbot.waitUntil(window.context.idle)
    assert page.plan is newest


def test_that_the_last_preview_stays_dimmed_while_a_change_is_checked(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    window = open_window(tiny_study)
    page = open_assistant(window, qtbot)
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
    settled(page, qtbot)
    assert page.run.isEnabled()
    qtbot.waitUntil(window.context.idle)


def test_that_open_questions_block_the_import_until_they_are_answered(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.undecided
    page = open_assistant(open_window(tiny_study), qtbot)
    assert not page.run.isEnabled()
    assert page.why.text().startswith("2 questions are open")
    page.start()
    assert engine.applied == []
    cards = page.preview.decisions.cards
    assert cards[0].buttons[0].toolTip() == "On the command line: --missing -99"
    cards[0].buttons[0].setFocus()
    qtbot.keyClick(cards[0].buttons[0], Qt.Key.Key_Space)
    settled(page, qtbot)
    assert engine.asked[-1].missing == ("-99",)
    assert page.why.text().startswith("1 question is open")
    left = page.preview.decisions.cards[0]
    assert left.buttons[0].hasFocus()  # on to the next question
    qtbot.keyClick(left.buttons[0], Qt.Key.Key_Tab)
    qtbot.keyClick(left.buttons[1], Qt.Key.Key_Space)
    settled(page, qtbot)
    assert engine.asked[-1] == Recipe(missing=("-99",), again="skip")
    assert page.run.isEnabled()
    assert page.run.hasFocus()
    assert not page.preview.decisions.isVisible()


def test_that_a_doubt_leads_to_its_row_and_column(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.doubtful
    page = open_assistant(open_window(tiny_study), qtbot)
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
    page = open_assistant(open_window(tiny_study), qtbot)
    view = page.preview.judgments.views["attractive", "rating"]
    view.scale.selectAll()
    qtbot.keyClicks(view.scale, "9-1")
    qtbot.keyClick(view.scale, Qt.Key.Key_Return)
    assert view.field.help.text() == "A scale is like 1-7."
    assert len(engine.asked) == 1
    view.scale.selectAll()
    qtbot.keyClicks(view.scale, "1-9")
    qtbot.keyClick(view.scale, Qt.Key.Key_Return)
    settled(page, qtbot)
    assert engine.asked[-1].scales == {"attractive": "1-9"}
    assert view.found.text().startswith("Said by you")


def test_that_the_reading_can_be_said(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = open_assistant(open_window(tiny_study), qtbot)
    reading = page.preview.reading
    assert reading.encoding.currentText() == "utf-8 (found)"
    qtbot.keyClick(reading.unit, Qt.Key.Key_End)
    qtbot.keyClicks(reading.missing, "-99, NA")
    qtbot.keyClick(reading.missing, Qt.Key.Key_Return)
    settled(page, qtbot)
    assert engine.asked[-1] == Recipe(rt_unit="ms", missing=("-99", "NA"))


def test_that_of_a_million_rows_a_sample_is_shown(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.large
    page = open_assistant(open_window(tiny_study), qtbot)
    assert page.preview.table.sample.rowCount() == 300
    assert page.preview.note.text() == "300 of 1,000,000 rows are shown; all are checked."


def test_that_columns_are_found_by_name_and_by_what_they_need(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.make = plans.wide
    page = open_assistant(open_window(tiny_study), qtbot)
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
    page = open_assistant(window, qtbot)
    card = page.preview.images
    assert card.lost.text() == "30 names in 120 rows match no image of the study."
    assert card.names.model().rowCount() == 30
    draw_faces(tmp_path / "more", 3, seed=9)
    card.folder_chosen.emit(tmp_path / "more")
    qtbot.waitUntil(lambda: len(engine.asked) == 2 and window.context.idle(), timeout=20_000)
    study = window.context.study
    assert study is not None
    assert len(study.images()) == 27
    assert study_panel(window).pages.currentWidget() is page


def test_that_what_cannot_be_read_is_said_and_the_change_taken_back(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    page = open_assistant(open_window(tiny_study), qtbot)
    engine.error = InputError("No column says who judged. Nothing was imported.")
    page.give(recipe_edits.with_role(page.given, "rater", "ignore"))
    qtbot.waitUntil(page.trouble_line.isVisible)
    assert page.trouble_text.text() == "No column says who judged. Nothing was imported."
    assert not page.run.isEnabled()
    engine.error = None
    page.take_back()
    settled(page, qtbot)
    assert page.run.isEnabled()
    assert not page.trouble_line.isVisible()


def test_that_files_that_cannot_be_read_at_all_leave_a_way_out(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, engine: FakeEngine
) -> None:
    engine.error = InputError("week1.csv is empty. Nothing was imported.")
    page = open_assistant(open_window(tiny_study), qtbot, wait=False)
    qtbot.waitUntil(page.trouble.isVisible)
    assert page.trouble.text.text() == "week1.csv is empty. Nothing was imported."
    assert page.trouble.buttons[0].isEnabled()


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
