"""The Explore panel in a real window, on a fabricated run."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_notice import NOTE
from tests.ui.explore.conftest import OpenExplore, shown


def test_that_without_a_study_the_panel_says_so(open_explore: OpenExplore) -> None:
    assert open_explore().no_study.isVisible()


def test_that_without_a_run_the_panel_leads_to_training(
    open_explore: OpenExplore, tiny_study: Study
) -> None:
    panel = open_explore(tiny_study)
    assert panel.no_runs.isVisible()
    wanted: list[str] = []
    panel.context.panel_wanted.connect(wanted.append)
    panel.no_runs.buttons[0].click()
    assert wanted == ["train"]


def test_that_faces_stand_in_the_order_of_their_scores(panel: ExplorePanel) -> None:
    data, faces = panel.data, panel.faces
    assert data is not None
    scores = data.score("L1", "attractive")
    order = [faces.gallery.faces.face(place) for place in range(faces.gallery.faces.rowCount())]
    assert order == list(np.argsort(-scores, kind="stable"))
    assert faces.gallery.faces.note(order[0]) == "100"
    faces.direction.pick("low")
    assert faces.gallery.faces.face(0) == int(np.argmin(scores))
    faces.labeler.pick("L3")
    faces.attribute.pick("smart")
    assert faces.gallery.faces.face(0) == int(np.argmin(data.score("L3", "smart")))
    assert panel.note.isVisible()
    assert panel.note.text() == NOTE


def test_that_a_search_keeps_the_order_and_drops_the_rest(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    faces = panel.faces
    QTest.keyClicks(faces.search, "FACE-01")
    qtbot.waitUntil(lambda: faces.gallery.faces.rowCount() == 10, timeout=5_000)
    names = [faces.gallery.faces.name(faces.gallery.faces.face(place)) for place in range(10)]
    assert all("face-01" in name for name in names)


def test_that_enter_on_a_face_opens_it_and_arrows_move(panel: ExplorePanel, qtbot: QtBot) -> None:
    faces = panel.faces
    faces.labeler.pick("L2")
    faces.gallery.setFocus()
    faces.gallery.setCurrentIndex(faces.gallery.faces.index(0))
    QTest.keyClick(faces.gallery, Qt.Key.Key_Right)
    face = faces.gallery.faces.face(1)
    QTest.keyClick(faces.gallery, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.segments.current == "face"
    assert panel.face.face == face
    assert panel.face.labeler.key == "L2"
    assert panel.data is not None
    assert panel.face.name.text() == panel.data.image_names[face]
    assert panel.face.answers.rowCount() >= 1
    assert panel.face.after.shortcut().toString() == "Alt+Right"
    panel.face.after.click()
    assert panel.face.face == faces.gallery.faces.face(2)


def test_that_an_attribute_nobody_labeled_can_be_typed(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = {code: np.arange(24, dtype=np.float32) for code in ("L1", "L2", "L3")}
    monkeypatch.setattr(operations, "score_text", lambda data, text: iter([Done(scored)]))
    QTest.keyClicks(panel.faces.typed, "friendly")
    QTest.keyClick(panel.faces.typed, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.faces.attribute.key == "friendly", timeout=10_000)
    assert panel.faces.gallery.faces.face(0) == 23
    panel.faces.labeler.pick("(consensus)")
    assert panel.faces.gallery.faces.rowCount() == 0
    assert (
        panel.faces.count.text()
        == "The consensus model scores nothing as friendly. Choose a labeler instead."
    )
    shown(panel, qtbot, "face")
    assert len(panel.face.predictions.dots._groups) == 3


def test_that_the_most_disputed_face_comes_first_and_a_click_opens_a_point(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    shown(panel, qtbot, "two")
    two = panel.pair
    two.compare("L1", "L3", {})
    assert two.found is not None
    one, other = two.found.shares
    assert two.gallery.faces.face(0) == int(np.argmax(np.abs(one - other)))
    assert "rank correlation" in two.figures.text()
    qtbot.wait(50)  # the plot lays its axes out in the next round of the event loop
    box = two.scatter.getPlotItem().getViewBox()
    place = box.mapViewToScene(QPointF(float(two.scatter._x[4]), float(two.scatter._y[4])))
    point = two.scatter.nearest(place)
    assert point >= 0
    with qtbot.waitSignal(two.face_wanted) as opened:
        QTest.mouseClick(two.scatter.viewport(), Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert opened.args == [two._row(two.scatter.nearest(QPointF(place.toPoint())))]


def test_that_labelers_who_share_nothing_have_a_blank_cell(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view._found is not None
    study = panel.context.study
    assert study is not None
    answers = study.comparisons()
    monkeypatch.setattr(study, "comparisons", lambda: answers[answers["labeler"] != "L1"])
    view.show_data(panel.data)
    qtbot.waitUntil(view.idle, timeout=10_000)
    assert np.isnan(view._found.found.matrix[0, 1])
    assert "share nothing" in view.explanation.text()
    assert "nothing in common" in view.matrix.cells.words(0, 1)
    table = view.table()
    assert table is not None
    assert next(row for row in table.body if row[:2] == ("Labeler 1", "Labeler 2"))[3] is None


def test_that_links_below_the_slider_vanish(panel: ExplorePanel, qtbot: QtBot) -> None:
    shown(panel, qtbot, "agreement")
    panel.agreement.threshold.setValue(0)
    assert len(panel.agreement.network.lines()) == 3
    panel.agreement.threshold.setValue(100)
    assert len(panel.agreement.network.lines()) == 0


@pytest.mark.qt_log_ignore("does not support raise")  # of tool tips, offscreen
def test_that_a_cell_of_the_matrix_compares_its_two_labelers(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    shown(panel, qtbot, "agreement")
    panel.agreement.matrix.setFocus()
    QTest.keyClick(panel.agreement.matrix, Qt.Key.Key_Down)
    QTest.keyClick(panel.agreement.matrix, Qt.Key.Key_Down)
    QTest.keyClick(panel.agreement.matrix, Qt.Key.Key_Right)
    QTest.keyClick(panel.agreement.matrix, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.alike.split.isVisible() and panel.idle(), timeout=20_000)
    panel.alike.split.models.click()
    assert panel.segments.current == "two"
    assert (panel.pair.one.key, panel.pair.other.key) == ("L3", "L2")


def test_that_accuracies_stand_between_consensus_and_ceiling(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    shown(panel, qtbot, "accuracy")
    view = panel.accuracy
    assert [row.name for row in view._shown] == ["Labeler 1", "Labeler 2", "Labeler 3", "Mean"]
    first = view._shown[0]
    assert first.gain is not None
    assert first.of_ceiling == pytest.approx(first.accuracy / (first.ceiling or 1))
    assert view._shown[2].ceiling is None
    assert "Labeler 3" in view.note.text()
    mean = view._shown[-1].of_ceiling
    assert mean == pytest.approx(np.mean([row.of_ceiling for row in view._shown[:2]]))
    assert view._tiles["Share of the ceiling"][0].text() == f"{mean:.0%}"
    view.pick("smart")
    assert [row.ceiling for row in view._shown] == [
        None
    ] * 4  # it is known over all attributes only
    assert view._shown[-1].name == "All, smart"
    table = view.table()
    assert table is not None
    assert len(table.body) == 3 * 4


@pytest.mark.parametrize("view", ["faces", "two", "face", "agreement", "accuracy"])
def test_that_every_view_exports_its_table(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    shown(panel, qtbot, view)
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    panel.export.table.trigger()
    qtbot.waitUntil(lambda: path.is_file() and not panel.context.worker.busy, timeout=10_000)
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *body = csv.reader(file)
    table = panel.view(view).table()
    assert table is not None
    assert tuple(head) == table.head
    assert len(body) == len(table.body) > 0


def test_that_figures_are_written(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in ("faces", "two", "face", "agreement", "accuracy"):
        shown(panel, qtbot, view)
        path = tmp_path / f"{view}.svg"
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), "SVG (*.svg)")
        )
        panel.export.figure.trigger()
        qtbot.waitUntil(lambda: not len(panel.context.jobs), timeout=30_000)
        assert path.read_text().startswith("<?xml")
    written = {path.stem for path in tmp_path.glob("*.svg")}
    assert written == {"faces", "two", "face", "agreement", "accuracy"}  # no file unasked for


def test_that_the_figure_of_faces_shows_the_search_and_the_order(
    panel: ExplorePanel, tmp_path: Path, qtbot: QtBot
) -> None:
    faces = panel.faces
    faces.direction.pick("low")
    faces.search.setText("face-01")
    qtbot.waitUntil(lambda: faces.gallery.faces.rowCount() == 10, timeout=5_000)
    figure = faces.figure()
    assert figure is not None
    figure.draw(tmp_path / "faces.svg")
    told = (tmp_path / "faces.svg").read_text()
    names = [
        Path(faces.gallery.faces.name(faces.gallery.faces.face(place))).stem for place in range(10)
    ]
    places = [told.index(f". {name}") for name in names]
    assert places == sorted(places)
    assert faces.gallery.faces.facts is not None  # the rank is that among all faces
    ranks = faces.gallery.faces.facts.ranks[[faces.gallery.faces.face(row) for row in range(10)]]
    assert ranks[-1] > 10
    assert all(f"{rank}. {name}" in told for rank, name in zip(ranks, names, strict=True))
    assert "face-00" not in told
    faces.search.setText("nobody")
    qtbot.waitUntil(lambda: faces.gallery.faces.rowCount() == 0, timeout=5_000)
    assert faces.figure() is None


def test_that_escape_leads_back_to_the_gallery_on_the_face_looked_at_last(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    gallery = panel.faces.gallery
    gallery.setFocus()
    gallery.setCurrentIndex(gallery.faces.index(5))
    QTest.keyClick(gallery, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.face.after.hasFocus()
    QTest.keyClick(panel.face.after, Qt.Key.Key_Space)
    assert panel.face.face == gallery.faces.face(6)
    QTest.keyClick(panel.face.after, Qt.Key.Key_Escape)
    assert panel.segments.current == "faces"
    assert gallery.hasFocus()
    assert gallery.currentIndex().row() == 6  # the face looked at last
