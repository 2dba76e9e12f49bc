"""The list of labelers: searched, sorted, chosen by keys and mouse, as high as it may be."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from prism_desktop.ui.retest import Alike
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.labeler_list import COLUMNS, LabelerList, ListedLabeler

TARGETS = {"comparison": 250, "rating": 40}
DOWN, UP, RETURN = Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return


def line(number: int, name: str = "", done: int = 0, last: float | None = None) -> ListedLabeler:
    return ListedLabeler(f"P{number:03d}", name, False, done, number % 50, number % 3, last)


@pytest.fixture
def people(qtbot: QtBot, qapp: QApplication) -> Iterator[LabelerList]:
    page = QScrollArea()
    qtbot.addWidget(page)
    page.setWidgetResizable(True)
    shown = LabelerList(Theme(qapp, "light"), 6)
    page.setWidget(shown)
    page.resize(900, 400)
    names = ("Ada", "Łukasz", "Zoë", "")
    shown.show_lines(
        [line(n, names[n % 4], (n * 37) % 180, 1e9 + (n * 61) % 180) for n in range(180)],
        TARGETS,
    )
    page.show()
    yield shown
    page.close()


def texts(people: LabelerList, column: str) -> list[str]:
    model, at = people.table.model(), COLUMNS.index(column)
    return [str(model.index(row, at).data()) for row in range(model.rowCount())]


def test_that_a_hundred_labelers_take_no_more_room_than_six(people: LabelerList) -> None:
    assert len(texts(people, "Labeler")) == 180
    assert people.table.height() < 8 * 36
    assert people.search.isVisible()
    people.show_lines([line(n) for n in range(3)], TARGETS)
    assert people.table.height() < 5 * 36
    assert not people.search.isVisible()


def test_that_a_line_says_how_much_is_done_of_what_is_asked(people: LabelerList) -> None:
    people.show_lines(
        [line(1, "Ada", done=29), line(2, done=251), line(3, last=None)], {"comparison": 250}
    )
    assert texts(people, "Labeler") == ["Ada (P001)", "P002", "P003"]
    assert texts(people, "Comparisons") == ["29 of 250", "251 in all", "0 of 250"]
    assert texts(people, "Last seen")[2] == "not yet"
    column, tip = COLUMNS.index("Ratings"), Qt.ItemDataRole.ToolTipRole
    assert not people.table.isColumnHidden(column)  # somebody has some, though not asked
    people.show_lines([line(0, done=2)], {"comparison": 250, "rating": 0})
    assert people.table.isColumnHidden(column)  # neither asked for nor given
    assert "Ratings" not in str(people.table.model().index(0, 0).data(tip))
    assert people.order.findText("Fewest ratings") < 0
    people.show_lines([line(0, done=2)], TARGETS)
    assert texts(people, "Ratings") == ["0 of 40"]


def test_that_what_is_typed_in_the_list_searches_names_and_codes(
    people: LabelerList, qtbot: QtBot
) -> None:
    people.table.setFocus()
    qtbot.keyClicks(people.table, "k")
    assert people.search.text() == "k"
    assert set(texts(people, "Labeler")) == {f"Łukasz (P{n:03d})" for n in range(1, 180, 4)}
    people.search.setText("p17")
    assert len(texts(people, "Labeler")) == 10
    people.search.setText("nobody")
    assert texts(people, "Labeler") == []
    people.search.clear()
    assert len(texts(people, "Labeler")) == 180


def test_that_the_arrows_choose_in_the_shown_order_and_return_opens(
    people: LabelerList, qtbot: QtBot
) -> None:
    chosen: list[str] = []
    people.chosen.connect(chosen.append)
    people.order.setCurrentIndex(people.order.findText("Fewest comparisons"))
    people.order.activated.emit(people.order.currentIndex())
    done = [int(text.split()[0]) for text in texts(people, "Comparisons")]
    assert done == sorted(done)
    people.table.setFocus()
    qtbot.keyClick(people.table, DOWN)
    qtbot.keyClick(people.table, DOWN)
    qtbot.keyClick(people.table, UP)
    third = [text.rsplit("(")[-1].strip(")") for text in texts(people, "Labeler")[:3]]
    assert chosen[-3:] == [third[1], third[2], third[1]]
    with qtbot.waitSignal(people.opened) as opened:
        qtbot.keyClick(people.table, RETURN)
    assert opened.args == [third[1]]


def test_that_a_click_on_a_heading_sorts_numbers_as_numbers(people: LabelerList) -> None:
    people.table.sortByColumn(COLUMNS.index("Ratings"), Qt.SortOrder.DescendingOrder)
    done = [int(text.split()[0]) for text in texts(people, "Ratings")]
    assert done == sorted(done, reverse=True)
    assert done[0] == 49


def test_that_who_is_chosen_stays_so_through_searches_and_new_answers(people: LabelerList) -> None:
    assert people.choose("P007")
    people.search.setText("Zoë")
    assert people.code == "P007"
    people.search.clear()
    row = people.table.selectionModel().selectedRows()[0]
    assert "P007" in str(row.data())
    people.show_lines([line(n, done=3) for n in range(100)], TARGETS)
    assert people.code == "P007"
    people.show_lines([line(n) for n in range(3)], TARGETS)
    assert people.code is None
    assert not people.choose("P100")


def test_that_few_repeats_are_called_few_and_come_last(people: LabelerList) -> None:
    people.show_lines([line(n) for n in range(9)], TARGETS)
    people.show_alike(
        {"P001": Alike(0.82, 0.75, 0.87, 171), "P002": Alike(0.4, 0.1, 0.8, 7),
         "P003": Alike(0.7, 0.6, 0.8, 90)}
    )  # fmt: skip
    assert texts(people, "Repeats alike")[:4] == ["–", "82%", "too few to tell", "70%"]
    people.table.sortByColumn(COLUMNS.index("Repeats alike"), Qt.SortOrder.AscendingOrder)
    assert texts(people, "Labeler")[:2] == ["P003", "P001"]


def test_that_long_names_leave_room_for_the_numbers(people: LabelerList) -> None:
    people.window().resize(460, 300)
    people.show_lines([line(n, "Maximilian " * 8) for n in range(3)], TARGETS)
    for column in ("Labeler", "Comparisons", "Ratings"):
        assert not people.table.isColumnHidden(COLUMNS.index(column))
