"""Pages use the room that there is, and squeeze or cut nothing where there is little."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.run_choice import ignoring
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.selection import VIEWS
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.widgets.dumbbell import DumbbellKey
from prism_desktop.ui.widgets.network_view import fitted
from prism_desktop.ui.widgets.pickers import whole_parts
from prism_desktop.ui.window import Window
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow


def _study(window: Window, qtbot: QtBot) -> StudyPanel:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(lambda: panel.idle() and window.context.idle(), timeout=20_000)
    return panel


def _places(page: QWidget) -> dict[QWidget, QRect]:
    """Where each thing of a page that can be seen is in the window."""
    window = page.window()
    return {
        part: QRect(part.mapTo(window, QPoint()), part.size())
        for part in page.findChildren(QWidget)
        if part.isVisible()
    }


def _rested(page: QWidget, qtbot: QtBot) -> dict[QWidget, QRect]:
    """The same once the layout has come to rest."""
    found: list[dict[QWidget, QRect]] = [{}]

    def same() -> bool:
        qtbot.wait(30)
        found.append(_places(page))
        return found[-1] == found[-2]

    qtbot.waitUntil(same, timeout=10_000)
    return found[-1]


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of smallest sizes
def test_that_a_page_in_a_low_window_scrolls_and_squeezes_no_field(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    panel = _study(window, qtbot)
    qtbot.mouseClick(panel.home.new, Qt.MouseButton.LeftButton)
    for size in ((1280, 720), (960, 540), (640, 360)):
        window.setMinimumSize(1, 1)
        window.resize(*size)
        qtbot.wait(20)
        fields = [
            each
            for kind in (QLineEdit, QPushButton)
            for each in panel.new.findChildren(kind)
            if each.isVisible()
        ]
        assert len(fields) > 5
        for each in fields:
            assert each.height() >= each.sizeHint().height(), (size, each)
            around = each.parentWidget()
            assert around is not None
            assert around.rect().contains(each.geometry()), (size, each)


def test_that_the_study_page_uses_the_room_of_a_large_window(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    page = _study(window, qtbot).overview
    cards = (page.labelers, page.attributes, page.imports, page.storage)
    for wide, count in ((2560, 2), (1280, 2), (960, 1), (2560, 2)):
        window.resize(wide, 900)
        qtbot.wait(20)
        assert all(card.isVisible() for card in cards)
        lefts = {card.mapTo(page, QPoint()).x() for card in cards}
        assert len(lefts) == count, wide
        right = max(card.mapTo(page, QPoint()).x() + card.width() for card in cards)
        assert right - min(lefts) > 0.85 * page.width(), wide
        qtbot.waitUntil(
            lambda: all(
                not row.isVisible() or row.height() >= row.fontMetrics().height()
                for row in page.attributes.findChildren(QLabel)
            )
        )


def test_that_a_very_large_window_is_filled_with_the_study_s_faces(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    page = _study(window, qtbot).overview
    for size, shown in (((2560, 1440), True), ((1280, 720), False), ((2560, 1440), True)):
        window.resize(*size)
        qtbot.waitUntil(lambda shown=shown: page.sheet.isVisible() == shown)  # type: ignore[misc]
        qtbot.waitUntil(window.context.idle, timeout=20_000)
    qtbot.waitUntil(lambda: len(page.sheet.findChildren(QLabel)) > 8, timeout=10_000)
    foot = page.sheet.mapTo(page, QPoint(0, page.sheet.height())).y()
    assert foot > 0.5 * page.height()
    table = page.labelers.list.table
    assert not any(table.isColumnHidden(column) for column in range(table.model().columnCount()))


def test_that_a_warning_that_comes_moves_nothing_of_the_study_page(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    window = open_window(tiny_study)
    page = _study(window, qtbot).overview
    qtbot.waitUntil(window.context.idle, timeout=30_000)
    before = _places(page)
    page.passed_over.setText("Passed over, since it cannot be read: the run a. " * 2)
    page.show_alert(True)
    qtbot.waitUntil(page.check.isVisible)
    controls = [each for each in before if isinstance(each, QPushButton)]
    assert controls
    qtbot.waitUntil(lambda: all(_places(page)[each] == before[each] for each in controls))
    page.show_alert(False)
    qtbot.waitUntil(lambda: all(_places(page)[each] == before[each] for each in controls))


def _come_to_rest(widget: QWidget, qtbot: QtBot) -> None:
    """Wait until texts that wrap have the room that they take."""
    seen = [_places(widget)]

    def rests() -> bool:
        seen.append(_places(widget))
        return len(seen) > 10 and all(each == seen[-1] for each in seen[-10:])

    qtbot.waitUntil(rests)


def test_that_a_refusal_in_the_form_moves_nothing_of_it(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    data = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, data, labelers=("L1", "L2"), attributes=("attractive",))
    window = open_window(tiny_study)
    panel = window.show_panel("train")
    assert isinstance(panel, TrainPanel)
    qtbot.waitUntil(lambda: panel.idle() and window.context.idle(), timeout=30_000)
    qtbot.waitUntil(panel.form.start.isVisible)
    kinds = (panel.form.start, panel.form.method, panel.form.backbone, panel.form.labelers)
    _come_to_rest(panel.form, qtbot)
    before = [_places(panel.form)[each] for each in kinds]
    panel.form.refuse("The device cpu:7 is not there. Nothing was started; choose another.")
    qtbot.wait(20)
    assert "cpu:7" in panel.form._problem.text()
    assert panel.form._problem.isVisible()
    qtbot.waitUntil(lambda: [_places(panel.form)[each] for each in kinds] == before)


@pytest.mark.parametrize("view", ["faces", "two", "face", "agreement", "accuracy"])
def test_that_what_is_told_of_a_run_moves_nothing_of_its_views(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, view: str
) -> None:
    data = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, data, labelers=("L1", "L2"), attributes=("attractive",))
    panel = open_window(tiny_study).show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    panel.show_view(view)
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    before, told = _rested(panel.view(view), qtbot), ignoring("Consensus")
    for text, action in (
        (told, ("Show LoRA + visual prompt", panel.show)),
        (told, None),
        ("", None),
    ):
        panel.notice.tell(text, action)
        assert _rested(panel.view(view), qtbot) == before
        assert panel.notice.isVisible() == bool(text)
        for part in (panel.notice.text, panel.notice.action):
            hidden = part.isHidden() or not panel.notice.isVisible()
            assert hidden or panel.notice.rect().contains(part.geometry())


def test_that_two_labelers_face_each_other_in_the_middle_of_their_network() -> None:
    places = fitted({0: (-1.0, -1.0), 1: (1.0, 1.0)})
    assert [y for _, y in places.values()] == [0.5, 0.5]
    assert sorted(x for x, _ in places.values()) == [0.25, 0.75]
    assert fitted({0: (3.0, 9.0)})[0][1] == 0.5


def test_that_a_caption_that_does_not_fit_loses_whole_parts(
    open_window: OpenWindow,
) -> None:
    metrics = open_window().fontMetrics()
    text = "LoRA + visual prompt, 82.8% · prism-mini · 28 Nov 05:15"
    for room in range(40, metrics.horizontalAdvance(text) + 20, 7):
        shown = whole_parts(metrics, text, room)
        assert metrics.horizontalAdvance(shown) <= room
        assert "28 Nov" not in shown or shown == text
    assert whole_parts(metrics, text, 2000) == text


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of smallest sizes
def test_that_no_view_of_a_run_is_cut_to_letters_at_twice_the_scale(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    data = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, data, labelers=("L1", "L2"), attributes=("attractive",))
    window = open_window(tiny_study)
    window.setMinimumSize(1, 1)
    panel = window.show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    window.resize(960, 540)
    for view in VIEWS:
        panel.show_view(view)
        qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
        qtbot.wait(20)
        for name in panel.segments._buttons:
            made = panel.segments.button(name)
            assert made.width() >= made.sizeHint().width(), (view, name)
        shown = panel.view(view)
        for kind in (QComboBox, QPushButton, QLabel):
            for part in shown.findChildren(kind):
                whole = not isinstance(part, QLabel) or not part.wordWrap()
                free = part.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored
                if part.isVisible() and whole and not free:
                    assert part.width() >= part.minimumSizeHint().width(), (view, part)
        for key in shown.findChildren(DumbbellKey):
            assert key.height() >= 24 * (1 + max(line for _, line in key._places()))
    face = panel.face
    for picker in (face.labeler, face.attribute, face.kind):
        assert picker.width() >= picker.sizeHint().width()
