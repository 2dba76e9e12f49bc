"""The agreement view: its links, and where a click on two labelers leads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis import figures, plotting
from prism_desktop.engine.runs.named_views import read_views
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.widgets.heat import UNREADABLE
from tests.cli.test_study_commands import run as _typed
from tests.fixtures.study import MakeStudy
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown
from tests.ui.explore.test_looks import look


def _run(study: Study, name: str, *labelers: str) -> Path:
    """A finished run with these labelers; the window shows the newest one by name."""
    made = fabricate.of_study(study)
    return fabricate.run(study.path, made, name, labelers=labelers, attributes=NAMES)


def _click(panel: ExplorePanel, one: str, other: str) -> None:
    found = panel.agreement._found
    assert found is not None
    codes = found.found.labelers
    panel.agreement.matrix.chosen.emit(codes.index(one), codes.index(other))


def _compare(panel: ExplorePanel, one: str, other: str) -> None:
    """By their cell to what splits them, and from there to their models."""
    _click(panel, one, other)
    panel.alike.split.models.click()


def _open(panel: ExplorePanel, qtbot: QtBot) -> None:
    """The agreement of all labelers, with the run of two of them open."""
    shown(panel, qtbot, "agreement")
    panel.agreement.labelers.pick("(all)")
    qtbot.waitUntil(panel.idle, timeout=20_000)


def test_that_a_click_on_a_labeler_without_a_model_here_says_so_and_offers_the_run_with_both(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    both = _run(tiny_study, "20260101-110000-lora-visual-prompt", "L1", "L3")
    _run(tiny_study, "20260101-120000-lora-visual-prompt", "L1", "L2")
    panel = open_explore(tiny_study)
    _open(panel, qtbot)
    assert panel.data is not None
    assert panel.data.labelers == ("L1", "L2")
    _compare(panel, "L1", "L3")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.segments.current == "two"
    missing = panel.pair.missing
    assert missing is not None
    assert missing.isVisible()
    assert missing.title.text() == "Labeler 3 is not part of this run"
    assert not panel.pair.scatter.isVisible()
    assert panel.pair.table() is None
    assert panel.pair.figure() is None
    panel.export.check()
    assert not panel.export.table.isEnabled()
    assert [each.text() for each in missing.buttons] == [
        "Show that run",
        "Compare others in this run",
    ]
    missing.buttons[0].click()
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    assert panel.data.folder == both
    assert panel.pair.missing is None
    assert panel.pair.scatter.isVisible()
    assert (panel.pair.one.key, panel.pair.other.key) == ("L1", "L3")


def test_that_without_a_run_of_both_the_sentence_says_how_to_get_one(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    _run(tiny_study, "20260101-120000-lora-visual-prompt", "L1", "L2")
    panel = open_explore(tiny_study)
    _open(panel, qtbot)
    _compare(panel, "L3", "L1")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    missing = panel.pair.missing
    assert missing is not None
    assert "Add Labeler 3 to this run" in missing.text.text()
    assert panel.add.isVisible()
    wanted: list[str] = []
    panel.context.panel_wanted.connect(wanted.append)
    missing.buttons[0].click()
    assert wanted == ["train"]
    missing.buttons[1].click()
    assert panel.pair.missing is None
    assert (panel.pair.one.key, panel.pair.other.key) == ("L1", "L2")
    _compare(panel, "L2", "L1")
    assert panel.pair.missing is None
    assert (panel.pair.one.key, panel.pair.other.key) == ("L2", "L1")


def test_that_another_run_chosen_by_hand_shows_its_own_labelers(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    _run(tiny_study, "20260101-120000-lora-visual-prompt", "L1", "L2")
    other = _run(tiny_study, "20260101-110000-lora-visual-prompt", "L2", "L1")
    panel = open_explore(tiny_study)
    _open(panel, qtbot)
    _compare(panel, "L1", "L3")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    panel.context.changed.emit(_labelers_changed())  # the same run is shown anew
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.pair.missing is not None
    panel.run.pick(str(other))
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    assert panel.pair.missing is None
    assert panel.pair.scatter.isVisible()


def _labelers_changed() -> object:
    from prism_desktop.engine.study.records import Changes

    return Changes(labelers=True)


def test_that_a_click_on_two_shows_what_splits_them_without_any_run(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    _click(panel, "L1", "L3")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    split = panel.alike.split
    assert panel.alike.page is split
    assert split.isVisible()
    assert split.heading.text() == "Labeler 1 and Labeler 3"
    assert split.found is not None
    table = split.table()
    for row, each in enumerate(split.found.found.found):
        assert each.one != each.other
        told = split.disputes.disputes.rows[row]
        assert told.names[0]
        assert table is not None
        assert tuple(table.body[row][3:5]) == (each.one, each.other)
    assert split.models.isHidden()
    assert "in Train" in split.why.text()
    split.back.click()
    assert panel.alike.page is panel.agreement


def test_that_both_maps_of_a_disputed_face_are_shown(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(operations, "relevance", look)
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    _click(panel, "L1", "L2")
    split = panel.alike.split
    qtbot.waitUntil(lambda: panel.idle() and split.found is not None, timeout=20_000)
    assert list(split.maps._names) == ["L1", "L2"]
    split.maps.wanted.emit()
    qtbot.waitUntil(
        lambda: all(split.maps.found(code) is not None for code in ("L1", "L2")), timeout=20_000
    )
    one = split.maps.tiles.tile("L1")
    assert one is not None
    narrow = one.width()
    split.of.pick("pair")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    both = split.maps.tiles.tile("L1")
    assert both is not None
    assert both.width() > 1.8 * narrow
    assert len(both._maps) == 2
    assert not any(image.isNull() for image in both._images)
    left, right = split.disputes.disputes.rows[0].names
    assert split.key.text().startswith(
        f"What makes each model's score of {left} higher than that of {right}"
    )
    assert panel.data is not None
    lost = panel.data.row[split._faces()[1]]
    split.of.pick("face")
    assert split.key.text() == ""
    for path in (
        Path(panel.data.paths[lost]),
        *operations.thumbnail_paths(panel.data, panel.data.images[lost]),
    ):
        path.unlink(missing_ok=True)
    split.of.pick("pair")  # the second face was there before and cannot be read any more
    both = split.maps.tiles.tile("L1")
    assert both is not None
    assert all(image.isNull() for image in both._images)  # until they are read
    qtbot.waitUntil(lambda: both._faces_lack == ["", UNREADABLE], timeout=20_000)
    assert [image.isNull() for image in both._images] == [False, True]
    split.of.pick("face")
    split.open_face.click()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.segments.current == "face"
    assert panel.data.images[panel.face.face] == split._face


@pytest.mark.parametrize(
    ("offer", "file", "holds", "says"),
    [
        ("gain", "gain.svg", "gain-caption.txt", "split by image"),
        pytest.param(
            "report html", "r.html", "r.html", "What models learned", marks=pytest.mark.soak
        ),
    ],
)
def test_that_figures_for_a_paper_and_the_report_are_a_click_away(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    offer: str, file: str, holds: str, says: str,
) -> None:  # fmt: skip
    path = tmp_path / file
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    panel.export.check()
    panel.export.paper.offers[offer].trigger()
    qtbot.waitUntil(lambda: path.is_file() and panel.context.idle(), timeout=60_000)
    assert says in (tmp_path / holds).read_text("utf-8")


def test_that_models_are_compared_by_their_vectors(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "models")
    models = panel.alike.models
    assert panel.alike.page is models
    assert "no trained model" in models.explanation.text()  # told in its place, not as a fault
    assert models.figure() is None
    fabricate.vectors(run, CODES)
    models._ask()
    qtbot.waitUntil(lambda: panel.idle() and models.found is not None, timeout=20_000)
    assert models.found is not None
    values = models.matrix.cells.values
    assert values[0, 1] == pytest.approx(models.found.similarity[0, 1])
    assert len(models.map.places()) == 3
    assert "cannot be told" in models.meaning.text()  # of three labelers
    figure = models.figure()
    assert figure is not None
    figure.draw(tmp_path / "window.svg")
    command = models.command()
    assert command is not None
    assert _typed(*command[:-1], tmp_path / "command.svg") == 0
    for name in ("window", "command"):
        assert "Similarity of vectors" in (tmp_path / f"{name}.svg").read_text("utf-8")
    models.matrix.chosen.emit(0, 2)
    qtbot.waitUntil(lambda: panel.alike.split.found is not None, timeout=20_000)
    panel.alike.split.back.click()
    assert panel.alike.page is models


def test_that_many_labelers_are_ordered_searched_and_opened_by_their_cells(
    open_explore: OpenExplore, make_study: MakeStudy, qtbot: QtBot
) -> None:
    study = make_study(labelers=16, comparisons=30)
    codes = [each.code for each in study.labelers()]
    made = fabricate.of_study(study)
    fabricate.run(study.path, made, labelers=codes, attributes=NAMES)
    panel = open_explore(study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert (view.order.key, view.colours.key) == ("alike", "group")
    assert view.search.isVisible()
    view.search.setText("l16")  # as a code; nobody is called so
    found = view._found
    assert found is not None
    at = next(iter(view.matrix._marked))
    assert view.matrix._names[at] == found.names["L16"]
    for order in ("mean", "listed", "alike"):
        view.order.pick(order)
        rows = [view.matrix._names.index(found.names[code]) for code in ("L3", "L16")]
        assert view.matrix._marked == {rows[1]}
        assert view.matrix.cells.values[rows[0], rows[1]] == pytest.approx(
            found.found.matrix[2, 15], nan_ok=True
        )
        view.matrix.chosen.emit(*rows)
        panel.alike.split.models.click()
        qtbot.waitUntil(panel.idle, timeout=20_000)
        assert (panel.pair.one.key, panel.pair.other.key) == ("L3", "L16")
        shown(panel, qtbot, "agreement")


def test_that_comparisons_do_not_hide_ratings(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view.answers.key == "comparisons"
    view.answers.pick("ratings")
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    assert view._found is not None
    assert view._found.found.source == "ratings"
    assert "ratings put in the same order" in view.explanation.text()
    shown(panel, qtbot, "faces")
    shown(panel, qtbot, "agreement")
    assert view.answers.key == "ratings"


def test_that_what_nobody_shares_can_be_foretold_and_is_marked_as_that(
    open_explore: OpenExplore, make_study: MakeStudy, qtbot: QtBot, tmp_path: Path
) -> None:
    study = make_study(labelers=3, comparisons=0, ratings=2)
    codes = [each.code for each in study.labelers()]
    made = fabricate.of_study(study)
    fabricate.run(study.path, made, labelers=codes, attributes=NAMES)
    panel = open_explore(study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert np.isnan(view.matrix.cells.values[0, 1])
    assert view.matrix.cells.foretold is None
    view.pickers.predict.click()
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    assert np.isnan(view.matrix.cells.values[0, 1])  # still not measured
    assert view.matrix.cells.words(0, 1).startswith("Predicted, not measured")
    assert "Unchecked" in view.foretold.text()
    assert not view.network.lines()
    table = view.table()
    assert table is not None
    row = dict(zip(table.head, table.body[1], strict=True))
    assert row["agreement"] is None
    assert 0 < float(str(row["predicted"])) < 1
    assert view.grab().toImage().size() == view.size() * view.devicePixelRatio()


def test_that_colours_can_tell_how_good_each_model_is(panel: ExplorePanel, qtbot: QtBot) -> None:
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert panel.data is not None
    panel.data.test.per_labeler["L2"] = Accuracy(accuracy=0.9, n=12)
    panel.data.test.per_labeler["L3"] = Accuracy(accuracy=0.9, low=0.8, high=0.95, n=300)
    panel.data.test.per_labeler["L1"] = Accuracy(accuracy=0.6, low=0.5, high=0.7, n=300)
    view._ask()
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    assert not view.key.isVisible()
    view.colours.pick("accuracy")
    assert view.key.isVisible()
    first, second, third = view.network._nodes
    assert second.colour is None  # too few to tell
    assert "too few to tell" in second.told
    assert first.colour != third.colour
    assert "60.0% [50.0, 70.0], n 300" in first.told
    assert "Grey: 1 labeler" in view.groups.text()


def test_that_a_pinned_labeler_stays_until_let_go(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    start = view.network.where(1).toPoint()
    goal = start + QPoint(40 if start.x() < view.network.width() / 2 else -40, 0)
    QTest.mousePress(view.network, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.network, goal)
    QTest.mouseRelease(view.network, Qt.MouseButton.LeftButton, pos=goal)
    pinned = view.network.places()[1]
    view.attribute.pick("smart")
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    assert view._found is not None
    assert view.network.places()[1] == pinned
    panel.named.keep("pinned")
    qtbot.waitUntil(lambda: panel.named.names() == ["pinned"], timeout=10_000)
    at = view.network.where(1).toPoint()
    QTest.mouseDClick(view.network, Qt.MouseButton.LeftButton, pos=at)
    assert view.network.places()[1] == view._found.places[1]
    assert not panel.selection.pins
    panel.named.wanted.emit(read_views(tiny_study.path)[0])
    assert view.network.places()[1] == pinned


def test_that_beyond_chance_has_its_own_scale_in_matrix_links_and_table(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view._found is not None
    plain = view._found.found.matrix[0, 1]
    view.measure.pick("corrected")
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    kappa = view._found.found.matrix[0, 1]
    assert kappa <= 2 * plain - 1 + 1e-9  # ties raise what chance gives
    assert f"kappa {kappa:.2f}" in view.matrix.cells.words(0, 1)
    assert "%" not in view.links.text()
    table = view.table()
    assert table is not None
    assert "kappa" in table.head
    view.answers.pick("ratings")
    qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
    assert view.heading.text() == "Krippendorff's alpha"


def test_that_a_labeler_who_was_dragged_is_drawn_there(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    network, before = view.network, view.network.places()
    start = network.where(1).toPoint()
    goal = start + QPoint(30 if start.x() < network.width() / 2 else -30, 0)
    QTest.mousePress(network, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(network, goal)
    QTest.mouseRelease(network, Qt.MouseButton.LeftButton, pos=goal)
    view.threshold.setValue(view.threshold.value() + 1)  # nothing jumps
    moved = network.places()
    assert moved[0] == before[0]
    assert moved[1] != before[1]
    drawn: list[Any] = []
    monkeypatch.setattr(plotting, "save_figure", lambda *_: None)
    monkeypatch.setattr(figures, "agreement_figure", lambda *told: drawn.append(told[3]))
    figure = view.figure()
    assert figure is not None
    figure.draw(Path("a.svg"))
    assert drawn[0].positions[CODES[1]] == moved[1]
