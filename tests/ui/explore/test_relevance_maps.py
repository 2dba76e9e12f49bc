"""Relevance maps of one face: one labeler after another, kept, ended when nobody wants them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.map_scale import MapScale
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import FaceRelevance
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import UNREAD
from prism_desktop.ui.widgets.heat import UNREADABLE
from prism_desktop.ui.widgets.map_strip import MapTile
from tests.ui.conftest import OpenWindow
from tests.ui.explore.conftest import shown, unread
from tests.ui.explore.test_run_scores import of_today


class Model:
    """Answers in place of a run's model, and only when it may."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.request: list[tuple[int, str, str]] = []  # face, labeler, attribute
        self.ended: list[tuple[int, str, str]] = []
        self.strength: dict[str, float] = {}  # of a labeler's map; of others 1
        self.may = threading.Event()
        self.may.set()

    def relevance(
        self,
        _data: object,
        face: int,
        labeler: str,
        attribute: str,
        kind: str,
        _over: int | None = None,
    ) -> Iterator[Progress | Done[FaceRelevance]]:
        self.request.append((face, labeler, attribute))
        self.kinds.append(kind)
        try:
            while not self.may.wait(0.01):
                yield Progress(0, None, "")
            passed = labeler != "L2"
            verdict = f"{labeler}'s map {'passes' if passed else 'fails'}."
            grid, told = np.eye(7, dtype=np.float32), "The token gets 2.0%."
            grid *= self.strength.get(labeler, 1)
            yield Done(FaceRelevance(grid, (0, 0, 1, 1), passed, verdict, told))
        finally:
            self.ended.append((face, labeler, attribute))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    made = Model()
    monkeypatch.setattr(operations, "relevance", made.relevance)
    return made


def tile(panel: ExplorePanel, code: str) -> MapTile:
    found = panel.face.labeler_maps.tiles.tile(code)
    assert found is not None
    return found


def test_that_every_labeler_has_a_map_in_words_too(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "face")
    assert not model.request
    panel.face.labeler_maps.invite.click()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert model.request == [(0, code, "attractive") for code in ("L1", "L2", "L3")]
    assert all(tile(panel, code).has_map for code in ("L1", "L2", "L3"))
    assert tile(panel, "L2").accessibleName() == "Labeler 2's map. L2's map fails."
    assert panel.face.heat.has_map
    assert panel.face.verdict.text() == "L1's map passes."
    panel.face.kind.pick("")
    assert not panel.face.heat.has_map
    assert not panel.face.verdict.isVisible()
    assert panel.face.labeler_maps.invite.isVisible()


def test_that_the_maps_of_all_labelers_have_one_colour_scale(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    model.strength = {"L1": 0.5, "L3": -2}
    shown(panel, qtbot, "map")
    assert {tile(panel, code)._scale for code in ("L1", "L2", "L3")} == {MapScale(2, True)}
    assert panel.face.heat._signed  # the large map of L1 too, which is for alone
    peak = panel.face.heat._map.pixelColor(18, 18)
    assert peak.red() > peak.blue()
    assert 0 < peak.alpha() < 200


def test_that_a_face_that_cannot_be_read_says_so_in_its_place(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "map")
    data = panel.data
    assert data is not None
    for path in (Path(data.paths[1]), *operations.thumbnail_paths(data, data.images[1])):
        path.unlink(missing_ok=True)
    panel.face.show_face(1)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.face.heat.accessibleDescription() == UNREADABLE
    assert tile(panel, "L1")._images[0].isNull()
    assert tile(panel, "L1")._faces_lack == [UNREADABLE]
    panel.face.show_face(0)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.face.heat.accessibleDescription() == ""


def test_that_a_map_can_be_of_what_sets_a_labeler_apart_from_the_others(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "face")
    panel.face.kind.pick(operations.DIFFERENCE)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.face.heat.has_map
    command = panel.face.command()
    assert command is not None
    assert command[command.index("--kind") :][:4] == [
        "--kind", "occlusion", "--against", "consensus",
    ]  # fmt: skip


def test_that_a_click_or_an_arrow_on_a_small_map_shows_it_large(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "map")
    QTest.mouseClick(tile(panel, "L3"), Qt.MouseButton.LeftButton)
    assert panel.face.labeler.key == "L3"
    assert panel.face.verdict.text() == "L3's map passes."
    QTest.keyClick(tile(panel, "L3"), Qt.Key.Key_Left)
    assert panel.face.labeler.key == "L2"
    assert panel.face.verdict.text() == "L2's map fails."
    assert len(model.request) == 3


def test_that_raw_attention_is_of_the_block_and_head_that_are_chosen(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    face = panel.face
    face.attention.offer(4, 3)
    shown(panel, qtbot, "map")
    assert not any(each.isVisible() for each in face.attention.holders)
    face.kind.pick("attention")
    assert all(each.isVisible() for each in face.attention.holders)
    face.attention.head.pick("2")  # of the last block
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert model.kinds[-1] == "attention:4:2"
    face.attention.block.pick("1")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    command = face.command()
    assert command is not None
    assert command[command.index("--kind") + 1] == "attention:1:2"
    panel.show_view("where")  # the choice is everywhere
    assert panel.selection.map == "attention:1:2"
    face.kind.pick("rollout")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert model.kinds[-1] == "rollout"


def test_that_the_attention_to_the_labelers_token_is_told_below_a_map(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "map")
    assert panel.face.own_token.text() == "The token gets 2.0%."
    panel.face.kind.pick("")
    assert not panel.face.own_token.isVisible()


def test_that_maps_are_computed_once_and_unwanted_ones_are_ended(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    shown(panel, qtbot, "map")
    model.may.clear()
    panel.face.after.click()
    qtbot.waitUntil(lambda: (1, "L1", "attractive") in model.request, timeout=10_000)
    assert not tile(panel, "L1").has_map
    panel.face.before.click()
    assert panel.face.verdict.text() == "L1's map passes."
    assert tile(panel, "L3").has_map
    qtbot.waitUntil(lambda: (1, "L1", "attractive") in model.ended, timeout=10_000)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert len(model.request) == 4  # three of this face, one of the other


def test_that_maps_can_be_stopped_and_gone_on_with(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    model.may.clear()
    panel.show_view("map")
    qtbot.waitUntil(lambda: len(model.request) == 1, timeout=10_000)
    labeler_maps = panel.face.labeler_maps
    labeler_maps.stop.click()
    qtbot.waitUntil(lambda: len(model.ended) == 1, timeout=10_000)
    model.may.set()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert labeler_maps.progress.text() == "0 of 3, stopped"
    assert panel.face.verdict.text() == "Stopped before this map was made."
    panel.face.labeler.pick("L3")  # only this one
    qtbot.waitUntil(lambda: panel.idle() and panel.face.heat.has_map, timeout=10_000)
    assert labeler_maps.progress.text() == "1 of 3, stopped"
    labeler_maps.stop.click()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert not labeler_maps.stop.isVisible()
    assert tile(panel, "L2").has_map


def test_that_the_map_one_looks_at_comes_first(
    panel: ExplorePanel, qtbot: QtBot, model: Model
) -> None:
    model.may.clear()
    panel.show_view("map")
    qtbot.waitUntil(lambda: len(model.request) == 1, timeout=10_000)
    QTest.mouseClick(tile(panel, "L3"), Qt.MouseButton.LeftButton)
    model.may.set()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert [code for _, code, _ in model.request] == ["L1", "L3", "L1", "L2"]


def test_that_a_map_that_cannot_be_made_says_why(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[Progress]:
        yield Progress(0, None, "")
        raise RunError("The weights are gone.")

    monkeypatch.setattr(operations, "relevance", fail)
    shown(panel, qtbot, "map")
    assert panel.face.verdict.text() == "No map: The weights are gone."
    assert not panel.face.heat.has_map
    assert panel.face.labeler_maps.progress.text() == "0 of 3, stopped"


def test_that_a_run_without_weights_says_so(panel: ExplorePanel, qtbot: QtBot) -> None:
    shown(panel, qtbot, "map")  # the fabricated run has none
    assert panel.face.verdict.text().startswith("No map: ")
    assert not panel.face.heat.has_map


def test_that_answers_that_come_later_end_no_maps(
    open_window: OpenWindow,
    run: Path,
    tiny_study: Study,
    model: Model,
    qtbot: QtBot,
    may_answer: threading.Event,
) -> None:
    of_today()(run)
    model.may.clear()
    panel = unread(open_window(tiny_study), qtbot)
    panel.show_view("map")
    qtbot.waitUntil(lambda: len(model.request) == 1, timeout=10_000)
    line = panel.face.answers.item(0, 0)
    assert line is not None
    assert line.text() == UNREAD
    may_answer.set()
    qtbot.waitUntil(lambda: not panel.data.unread, timeout=10_000)  # type: ignore[union-attr]
    model.may.set()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert len(model.request) == 3  # of each labeler once
    answered = panel.face.answers.item(0, 0)
    assert answered is not None
    assert answered.text() != UNREAD
