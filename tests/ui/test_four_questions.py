"""What one asks of a finished run, each answered by the clicks that docs/first-hour/ names."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.train.panel import TrainPanel
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

CLICK = Qt.MouseButton.LeftButton
CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")
README = Path(__file__).parents[2] / "docs/first-hour/README.md"


@pytest.fixture
def panel(open_window: OpenWindow, qtbot: QtBot, tiny_study: Study) -> ExplorePanel:
    data = fabricate.of_study(tiny_study)
    fabricate.run(tiny_study.path, data, labelers=CODES, attributes=NAMES)
    shown = open_window(tiny_study).show_panel("explore")
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
    train = panel.window().panel("train")  # type: ignore[attr-defined]
    assert isinstance(train, TrainPanel)
    qtbot.waitUntil(lambda: train.isVisible() and train.idle(), timeout=30_000)
    qtbot.waitUntil(lambda: train.form.comparing, timeout=5_000)
    assert train.compare.isVisible()
    assert train.compare.plots.pages.current == "curve"
    assert train.compare.empty.buttons[0].isVisible()  # nothing was compared yet


def test_that_the_clicks_are_written_down() -> None:
    told = README.read_text("utf-8")
    for name in ("Agreement", "One face", "Relevance map", "Accuracy", "Would more answers help?"):
        assert f"**{name}**" in told
