"""Where the model looks over many faces: asked for by three clicks, and told with its test."""

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import ManyMaps, MapsRequest
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.map_strip import MapTile
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown
from tests.ui.explore.made_up_maps import many

CLICK = Qt.MouseButton.LeftButton


class Model:
    """Answers in place of a run's model, and only when it may."""

    def __init__(self) -> None:
        self.request: list[MapsRequest] = []
        self.may = threading.Event()
        self.may.set()
        self.supported = True

    def many_maps(self, data: RunData, asked: MapsRequest) -> Iterator[Progress | ManyMaps]:
        self.request.append(asked)
        while not self.may.wait(0.01):
            yield Progress(1, 4, "Testing the maps")
        yield ManyMaps(many(asked, supported=self.supported, faces=data.images))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    made = Model()
    monkeypatch.setattr(operations, "many_maps", made.many_maps)
    return made


def tile(panel: ExplorePanel, code: str) -> MapTile:
    found = panel.where.tiles.tile(code)
    assert found is not None
    return found


def test_that_three_clicks_tell_where_a_model_looks_and_whether_to_believe_it(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    QTest.mouseClick(panel.segments.button("where"), CLICK)
    assert not model.request
    QTest.mouseClick(panel.where._choice.button("smart"), CLICK)
    QTest.mouseClick(tile(panel, "L3"), CLICK)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert model.request == [MapsRequest("L3", "smart", 100, "occlusion", "")]
    assert panel.where.answer.text() == (
        "Labeler 3 looks at the mouth (42% [35, 49] of the mass, 2.1 times its area; tested on "
        "100 faces, 83 pass)."
    )
    assert "beat random attribution and the centre prior" in panel.where.doubts.text()
    assert "Training saw 10 of these faces" in panel.where.doubts.text()
    assert panel.where.heat.has_map
    assert tile(panel, "L3").has_map
    assert not tile(panel, "L1").has_map


def test_that_maps_are_kept_and_others_computed_once_somebody_looks(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "where")
    panel.where.invite.click()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    panel.where.against.pick("consensus")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    panel.where.against.pick("")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert [each.against for each in model.request] == ["", "consensus"]
    panel.where.against.pick("consensus")
    assert "+20 points [10, 30]" in panel.where.compared.text()
    assert panel.where.more.has_map
    assert panel.where.command() is not None
    assert panel.where.command()[-4:-2] == ["--against", "consensus"]


def test_that_single_maps_stand_below_the_mean_faint_where_they_fail_and_open_their_face(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    where = panel.where
    shown(panel, qtbot, "where")
    assert not where.singles.isVisible()
    where.kind.pick("legrad")
    QTest.mouseClick(tile(panel, "L2"), CLICK)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    data = panel.data
    assert data is not None
    assert where.singles.told.text().startswith("The first ")
    first, second = (where.singles.tiles.tile(data.images[row]) for row in (0, 1))
    assert first is not None
    assert second is not None
    assert first.has_map
    assert second._opacity < first._opacity / 2
    assert "above the mean of the faces; the map passes its own test" in first.accessibleName()
    assert "below the mean of the faces; the map does not pass" in second.accessibleName()
    QTest.mouseClick(second, CLICK)
    assert panel.segments.current == "face"
    assert panel.face.face == 1
    assert (panel.face.labeler.key, panel.face.kind.key) == ("L2", "legrad")


def test_that_what_its_own_test_does_not_support_says_so_and_fades(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "where")
    panel.where.invite.click()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    strong = panel.where.heat._opacity
    model.supported = False
    QTest.mouseClick(tile(panel, "L2"), CLICK)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.where.answer.text().startswith("Not supported by its own test: ")
    assert panel.where.heat._opacity < strong / 2
    assert "Not supported" in tile(panel, "L2").accessibleName()


def test_that_looking_can_be_stopped_and_a_failure_is_told(
    panel: ExplorePanel, qtbot: QtBot, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(panel, qtbot, "where")
    model.may.clear()
    panel.where.invite.click()
    qtbot.waitUntil(lambda: "25%" in panel.where.progress.text(), timeout=10_000)
    panel.where.stop.click()
    model.may.set()
    assert panel.idle()
    assert not panel.where.heat.has_map
    assert panel.where.invite.isVisible()

    def fail(*_: object) -> Iterator[Progress]:
        yield Progress(0, None, "")
        raise RunError("The weights are gone.")

    monkeypatch.setattr(operations, "many_maps", fail)
    panel.where.invite.click()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.where.answer.text() == "No maps: The weights are gone."


def test_that_a_run_without_a_tower_names_one_that_has_one(
    open_explore: OpenExplore, qtbot: QtBot, tiny_study: Study, model: Model
) -> None:
    data = fabricate.of_study(tiny_study)
    for place, method in enumerate(("lora-visual-prompt", "hierarchical-bayes")):
        name = f"2026010{place + 1}-120000-{method}"
        fabricate.run(tiny_study.path, data, name, labelers=CODES, attributes=NAMES, method=method)
    panel = open_explore(tiny_study)
    heads = next(run for run in panel._runs if run.method == "hierarchical-bayes")
    panel.run.pick(str(heads.path))
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    shown(panel, qtbot, "where")
    assert not panel.where.invite.isEnabled()
    assert "no image tower" in panel.notice.text.text()
    panel.notice.action.click()
    qtbot.waitUntil(lambda: panel.idle() and panel.where.invite.isEnabled(), timeout=20_000)
    assert panel.data is not None
    assert panel.data.summary.method == "lora-visual-prompt"
