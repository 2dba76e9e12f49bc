"""The gallery of faces: orders, filters and marks, and the way back through them."""

import numpy as np
import pandas as pd
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.face_ranking import ANSWERED, LEARNED, within
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.point_map import PointMap
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore


@pytest.fixture
def panel(open_explore: OpenExplore, tiny_study: Study) -> ExplorePanel:
    """Of a run that knows a fact about its images."""
    made = fabricate.of_study(tiny_study)
    run = fabricate.run(tiny_study.path, made, labelers=CODES, attributes=NAMES)
    group = ["odd" if place % 2 else "even" for place in range(len(made.ids))]
    frame = pd.DataFrame({"image": made.ids, "name": "group", "value": group})
    frame.to_parquet(run / "data" / "facts.parquet")
    return open_explore(tiny_study)


def rows(panel: ExplorePanel) -> list[int]:
    shown_ = panel.faces.gallery.faces
    return [shown_.face(place) for place in range(shown_.rowCount())]


def data_of(panel: ExplorePanel) -> RunData:
    assert panel.data is not None
    return panel.data


def test_that_the_faces_that_differ_most_from_the_consensus_come_first(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    panel.faces.labeler.pick("L3")
    panel.faces.direction.pick("apart")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    data = data_of(panel)
    gap = np.abs(data.share("L3", "attractive") - data.share("", "attractive"))
    assert list(gap[rows(panel)]) == sorted(gap, reverse=True)
    assert "differs most from the consensus" in panel.faces.count.text()


def test_that_an_order_that_the_method_does_not_know_is_not_pretended(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    by_score = rows(panel)
    panel.faces.direction.pick("unsure")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert rows(panel) == by_score
    assert "not known" in panel.faces.count.text()


def test_that_each_face_has_the_mark_of_what_is_known_of_it(panel: ExplorePanel) -> None:
    data, facts = data_of(panel), panel.faces.gallery.faces.facts
    assert facts is not None
    split = pd.read_parquet(data.folder / "data" / "images.parquet")["split"]
    for row, mark in enumerate(facts.marks):
        answers = data.answers.about(row)
        own = [each for each in answers if (each.labeler, each.attribute) == ("L1", NAMES[0])]
        assert bool(mark & ANSWERED) == bool(own)
        assert bool(mark & LEARNED) == (bool(answers) and split[row] != "test")


def test_that_back_and_forward_lead_through_orders_and_filters(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    faces = panel.faces
    panel.history.look()
    everything = rows(panel)
    faces.filters.fact.pick("group\x1fodd")
    panel.history.look()
    odd = rows(panel)
    assert len(odd) == 12
    assert {row % 2 for row in odd} == {1}
    faces.direction.pick("low")
    panel.history.look()
    assert rows(panel) == odd[::-1]
    for expected, button in ((odd, "back"), (everything, "back"), (odd, "forward")):
        panel.history._buttons[button].click()
        assert rows(panel) == expected
    assert faces.filters.fact.key == "group\x1fodd"
    assert faces.more.isChecked()


def test_that_a_card_says_in_words_what_it_shows(panel: ExplorePanel, qtbot: QtBot) -> None:
    faces, data = panel.faces, data_of(panel)
    faces.filters.kind.pick("answered")
    model = faces.gallery.faces
    told = model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole)
    labels = data.labels("L1", NAMES[0])
    assert "answered by this labeler" in told
    assert labels.words(model.face(0)) in told
    assert labels.words(model.face(0))
    faces.filters.kind.pick("in-sample")
    assert not any(labels.answered[row] for row in rows(panel))


def drag(plane: PointMap, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(plane, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        at = start + (end - start) * step / 5
        where = QPointF(at)
        event = QMouseEvent(
            QEvent.Type.MouseMove, where, plane.mapToGlobal(where), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(plane, event)
    QTest.mouseRelease(plane, Qt.MouseButton.LeftButton, pos=end)


def test_that_brushing_the_map_chooses_the_same_faces_in_the_gallery(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunData, "knows_faces", True)
    faces, data = panel.faces, data_of(panel)
    data.plane = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
    faces.show_data(data)
    faces.map_.click()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    plane = faces.plane
    middle = plane.rect().center()
    drag(plane, QPoint(10, 10), middle)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    inside = {int(row) for row in np.flatnonzero(within(data.plane, panel.selection.area))}
    assert 0 < len(inside) < 24
    assert set(rows(panel)) == inside
    command = faces.command()
    assert command is not None
    assert "--area" in command
    panel.history.look()
    row = rows(panel)[-1]
    spot = plane._place(*map(float, data.plane[row])).toPoint()
    QTest.mouseClick(plane, Qt.MouseButton.LeftButton, pos=spot)
    assert panel.selection.face == data.images[row]
    assert faces.gallery.faces.face(faces.gallery.currentIndex().row()) == row
    QTest.keyClick(plane, Qt.Key.Key_Escape)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert len(rows(panel)) == 24


def test_that_the_map_draws_each_point_where_a_click_finds_it(
    context: AppContext, qtbot: QtBot
) -> None:
    plane = PointMap(context.theme)
    qtbot.addWidget(plane)
    plane.resize(300, 200)
    at = np.array([[0, 0], [1, 1], [-1, 0.5]], np.float32)
    plane.show_points(at, np.ones(3, np.float32), np.array([True, True, False]))
    for _ in range(2):
        image = plane.grab().toImage()
        for row, (x, y) in enumerate(at):
            spot = plane._place(float(x), float(y))
            assert plane.nearest(spot) == row
            ground = image.pixelColor(2, 2)
            assert image.pixelColor(spot.toPoint()) != ground
        plane._zoom(0.7)  # and at another scale
    assert plane.nearest(QPointF(2, 2)) == -1
