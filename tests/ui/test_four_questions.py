"""What one asks of a finished run, each answered by the clicks that docs/first-hour/ names."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations
from prism_desktop.ui.explore.operations import FaceRelevance
from prism_desktop.ui.explore.panel import ExplorePanel
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

CLICK = Qt.MouseButton.LeftButton
CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")
README = Path(__file__).parents[2] / "docs/first-hour/README.md"


@pytest.fixture
def panel(open_window: OpenWindow, qtbot: QtBot, tiny_study: Study) -> ExplorePanel:
    data = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, data, labelers=CODES, attributes=NAMES)
    return _explore(open_window, qtbot, tiny_study)


def _explore(open_window: OpenWindow, qtbot: QtBot, study: Study) -> ExplorePanel:
    shown = open_window(study).show_panel("explore")
    assert isinstance(shown, ExplorePanel)
    qtbot.waitUntil(lambda: shown.data is not None and shown.idle(), timeout=20_000)
    return shown


def _go(panel: ExplorePanel, qtbot: QtBot, view: str) -> None:
    qtbot.mouseClick(panel.segments.button(view), CLICK)
    qtbot.waitUntil(panel.idle, timeout=20_000)


def test_that_one_click_shows_who_sees_unlike_the_others(panel: ExplorePanel, qtbot: QtBot) -> None:
    _go(panel, qtbot, "agreement")
    table = panel.agreement.table()
    assert table is not None
    assert panel.agreement.matrix.isVisible()
    assert {line[0] for line in table.body} >= {"Labeler 1", "Labeler 2", "Labeler 3"}


def test_that_four_clicks_ask_where_a_model_looks_for_an_attribute(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    _go(panel, qtbot, "face")
    qtbot.keyClick(panel.face.labeler, Qt.Key.Key_Down)
    QTest.keyClicks(panel.face.attribute, "smart")
    chosen = panel.selection
    assert (chosen.labeler, chosen.attribute) == (CODES[1], "smart")
    assert panel.face.kind.isEnabled()
    assert panel.face.labeler_maps.invite.isEnabled()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Whose map on what a model was asked for; a stand-in answers at once, for the runs here have
    no weights."""
    found: list[tuple[str, str]] = []

    def relevance(
        _data: object,
        _face: int,
        labeler: str,
        attribute: str,
        _kind: str,
        _over: int | None = None,
    ) -> Iterator[Done[FaceRelevance]]:
        found.append((labeler, attribute))
        grid = np.eye(7, dtype=np.float32)
        yield Done(FaceRelevance(grid, (0, 0, 1, 1), False, f"{labeler}'s map fails its test."))

    monkeypatch.setattr(operations, "relevance", relevance)
    return found


def _look(panel: ExplorePanel, qtbot: QtBot) -> None:
    """The choice of a labeler, an attribute and a map."""
    _go(panel, qtbot, "face")
    qtbot.keyClick(panel.face.labeler, Qt.Key.Key_Down)  # a blank would open the list
    QTest.keyClicks(panel.face.attribute, "smart")
    QTest.keyClicks(panel.face.kind, "Gradient")
    qtbot.waitUntil(lambda: panel.idle() and panel.face.heat.has_map, timeout=20_000)


def test_that_the_map_of_that_model_is_shown_with_what_its_deletion_test_says(
    panel: ExplorePanel, qtbot: QtBot, asked: list[tuple[str, str]]
) -> None:
    _look(panel, qtbot)
    assert asked[0] == ("L2", "smart")
    assert panel.face.verdict.isVisible()
    assert panel.face.verdict.text() == "L2's map fails its test."
    assert {labeler for labeler, _ in asked} == set(CODES)  # side by side with everybody's


def test_that_a_run_without_an_image_tower_names_one_and_a_choice_more_leads_there(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, asked: list[tuple[str, str]]
) -> None:
    data, about = fabricate.of_study(tiny_study), {"labelers": CODES, "attributes": NAMES}
    fabricate.run(tiny_study.path, data, **about)
    name = "20260101-130000-hierarchical-bayes"
    bare = fabricate.run(tiny_study.path, data, name, method="hierarchical-bayes", **about)
    panel = _explore(open_window, qtbot, tiny_study)
    panel.show_run(bare)
    qtbot.waitUntil(lambda: panel.run.key == str(bare) and panel.idle(), timeout=20_000)
    _go(panel, qtbot, "face")
    assert not panel.face.kind.isEnabled()
    assert "LoRA + visual prompt" in panel.face.kind.toolTip()
    QTest.keyClicks(panel.run, "LoRA")
    qtbot.waitUntil(lambda: panel.idle() and panel.face.kind.isEnabled(), timeout=20_000)
    _look(panel, qtbot)
    assert asked[0] == ("L2", "smart")


def test_that_one_click_tells_how_good_each_model_is_and_whether_the_gain_is_real(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    _go(panel, qtbot, "accuracy")
    table = panel.accuracy.table()
    assert table is not None
    assert len({line[0] for line in table.body}) > len(CODES)
    assert {"accuracy", "low", "high", "n", "gain", "ceiling"} <= set(table.head)


def test_that_two_clicks_ask_whether_more_answers_would_help(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    _go(panel, qtbot, "accuracy")
    qtbot.mouseClick(panel.accuracy.more, CLICK)
    qtbot.waitUntil(lambda: panel.worth.isVisible() and panel.idle(), timeout=30_000)
    assert panel.segments.current == "worth"
    assert panel.worth.measure.isVisible()
    assert panel.worth.labelers.rowCount() == len(CODES)


def test_that_the_clicks_are_written_down() -> None:
    told = README.read_text("utf-8")
    for name in ("Agreement", "One face", "Relevance map", "Accuracy", "Would more answers help?"):
        assert f"**{name}**" in told
