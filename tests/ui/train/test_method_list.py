"""The list of methods by real key presses: the fold, the search, the ticks."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.train.form import RunForm
from prism_desktop.ui.train.method_list import MethodList, MoreMethods

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of popups
FEATURED = [
    "consensus",
    "mlp-decoder",
    "hierarchical-bayes",
    "collaborative",
    "lora-visual-prompt",
    "ensemble",
    "auto",
]


def listed(methods: MethodList) -> list[str]:
    """The rows as they stand: headings, the fold, names of methods."""
    return [
        row
        if isinstance(row, str)
        else methods.model.fold_text(row)
        if isinstance(row, MoreMethods)
        else row.method.name
        for row in methods.model.rows
    ]


def current(methods: MethodList) -> str:
    return str(methods.view.currentIndex().data())


def to_fold(methods: MethodList, qtbot: QtBot) -> None:
    """Press Down until the fold is the current row."""
    for _ in range(len(FEATURED)):
        if methods.view.currentIndex().row() != methods.model.fold_row():
            qtbot.keyClick(methods.search, Qt.Key.Key_Down)
    assert current(methods).startswith("More methods")


@pytest.fixture
def methods(form: RunForm) -> MethodList:
    """The opened list of the field that chooses one method."""
    form.show()
    form.method.showPopup()
    return form.method.popup.list


@pytest.fixture
def ticking(form: RunForm) -> MethodList:
    """The opened list of the field that ticks several."""
    form.mode.pick("compare")
    form.show()
    form.several.showPopup()
    return form.several.popup.list


def test_that_seven_methods_stand_in_front_of_a_closed_fold(methods: MethodList) -> None:
    assert listed(methods) == [*FEATURED, "More methods (25)"]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (Qt.Key.Key_Right, Qt.Key.Key_Left),
        (Qt.Key.Key_Space, Qt.Key.Key_Space),
        (Qt.Key.Key_Return, Qt.Key.Key_Enter),
    ],
)
@pytest.mark.parametrize("focused", ["search", "view"])
def test_that_keys_open_and_close_the_fold(
    methods: MethodList, qtbot: QtBot, opening: Qt.Key, closing: Qt.Key, focused: str
) -> None:
    to_fold(methods, qtbot)
    qtbot.keyClick(getattr(methods, focused), opening)
    assert set(METHODS) < set(listed(methods))
    assert current(methods) == "More methods (25)"
    qtbot.keyClick(getattr(methods, focused), closing)
    assert listed(methods) == [*FEATURED, "More methods (25)"]
    assert current(methods) == "More methods (25)"
    assert not methods.search.text()


def test_that_a_click_opens_and_closes_the_fold(methods: MethodList, qtbot: QtBot) -> None:
    for unfolded in (True, False):
        place = methods.view.visualRect(methods.model.index(methods.model.fold_row())).center()
        qtbot.mouseClick(methods.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert ("moe-lora" in listed(methods)) == unfolded


def test_that_a_method_in_the_fold_is_reached_with_the_arrows_and_then_found_open(
    form: RunForm, methods: MethodList, qtbot: QtBot
) -> None:
    to_fold(methods, qtbot)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(methods.search, key)
    assert form.method.name == "full-finetune"
    form.method.showPopup()
    assert current(methods) == METHODS["full-finetune"].title
    # over the profile text, which nobody has, and a heading
    qtbot.keyClick(methods.search, Qt.Key.Key_Down)
    qtbot.keyClick(methods.search, Qt.Key.Key_Return)
    assert form.method.name == "retrieval"


def test_that_a_method_in_the_fold_is_found_by_typing_and_chosen_with_enter(
    form: RunForm, methods: MethodList, qtbot: QtBot
) -> None:
    qtbot.keyClicks(methods.search, "mixture gate")
    assert listed(methods) == ["More methods (1)", "Adapters", "moe-lora"]
    qtbot.keyClick(methods.search, Qt.Key.Key_Return)
    assert form.method.name == "moe-lora"
    assert not form.method.popup.isVisible()


def test_that_a_search_that_is_cleared_leaves_the_fold_as_it_was(
    methods: MethodList, qtbot: QtBot
) -> None:
    qtbot.keyClicks(methods.search, "labelers")
    assert any(name not in FEATURED for name in set(METHODS) & set(listed(methods)))
    methods.search.selectAll()
    qtbot.keyClick(methods.search, Qt.Key.Key_Backspace)
    assert listed(methods) == [*FEATURED, "More methods (25)"]


def test_that_a_search_that_matches_only_what_is_in_front_shows_no_fold(
    methods: MethodList, qtbot: QtBot
) -> None:
    qtbot.keyClicks(methods.search, "explains its choice")
    assert listed(methods) == ["auto"]


def test_that_the_closed_field_passes_the_methods_in_the_order_of_the_list(form: RunForm) -> None:
    box = form.method
    assert [box.itemData(place) for place in range(len(FEATURED))] == FEATURED
    assert {box.itemData(place) for place in range(box.count())} == set(METHODS)


def test_that_space_ticks_and_the_tick_leaves_the_current_row(
    form: RunForm, ticking: MethodList, qtbot: QtBot
) -> None:
    assert listed(ticking) == [*FEATURED, "More methods (25)"]
    qtbot.keyClick(ticking.search, Qt.Key.Key_Down)
    assert current(ticking) == METHODS["mlp-decoder"].title
    qtbot.keyClick(ticking.search, Qt.Key.Key_Space)
    assert "mlp-decoder" in form.methods()
    assert current(ticking) == METHODS["mlp-decoder"].title


def test_that_all_means_all_that_are_possible_and_the_fold_tells_what_is_ticked_in_it(
    form: RunForm, ticking: MethodList, qtbot: QtBot
) -> None:
    form.several.pick(tuple(METHODS))
    assert set(form.methods()) == set(METHODS) - {"profile-text"}
    assert "More methods (25), 24 chosen" in listed(ticking)
    assert "moe-lora" in listed(ticking)  # what was ticked is to be seen
    to_fold(ticking, qtbot)
    qtbot.keyClick(ticking.search, Qt.Key.Key_Left)
    assert listed(ticking) == [*FEATURED, "More methods (25), 24 chosen"]
    form.several.popup.hide()
    form.several.showPopup()
    assert "moe-lora" in listed(ticking)


def test_that_a_screen_reader_hears_whether_the_fold_is_open(
    methods: MethodList, qtbot: QtBot
) -> None:
    to_fold(methods, qtbot)
    told = [methods.view.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)]
    qtbot.keyClick(methods.search, Qt.Key.Key_Right)
    told.append(methods.view.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole))
    assert told == ["More methods (25), closed", "More methods (25), open"]
