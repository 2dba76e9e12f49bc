"""The taste view: what the command says, of few labelers and of many."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.evaluation.taste.taste_records import ImageProperty
from prism_desktop.engine.runs.named_views import read_views
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.taste_view import TOGETHER
from tests.cli.test_study_commands import run as command
from tests.engine.evaluation.taste.test_choice_links import FACES, NAMES, judged
from tests.ui.explore.conftest import OpenExplore, shown
from tests.ui.explore.test_named_views import figure


@pytest.fixture
def view(open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot) -> ExplorePanel:
    """The panel with the view in front, of a study without a run."""
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "taste")
    return panel


def names(panel: ExplorePanel) -> list[str]:
    table = panel.taste.labelers
    return [item.text() for row in range(table.rowCount()) if (item := table.item(row, 0))]


def test_that_the_window_and_the_command_say_the_same_and_the_doubt_first(
    view: ExplorePanel, tiny_study: Study, capsys: pytest.CaptureFixture[str], qtbot: QtBot
) -> None:
    assert names(view) == [TOGETHER, "Labeler 1", "Labeler 2", "Labeler 3"]
    assert view.taste.headline.text().startswith("Too few to tell")
    table = view.taste.table()
    assert table is not None
    capsys.readouterr()
    assert command("profile", tiny_study.path, "--words", "none", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    told = {
        (each["labeler"], link["attribute"], link["property"]): link.get("own")
        for each in found["labelers"]
        for link in each["links"]
    }
    head = table.head
    shares = {
        (row[0], row[head.index("attribute")], row[head.index("property")]): row[head.index("own")]
        for row in table.body
        if row[0]
    }
    assert shares == told
    view.taste.labelers.setCurrentCell(2, 0)
    assert view.selection.labeler == "L2"
    assert view.taste.command() == [
        "profile", str(tiny_study.path), "--labeler", "L2", "--json", "taste.json"
    ]  # fmt: skip


def test_that_many_labelers_are_searched_and_those_who_stand_out_come_first(
    view: ExplorePanel, qtbot: QtBot, tiny_study: Study
) -> None:
    taste, report = view.taste, judged(3, taste=1.5, labelers=9, pairs=300)
    properties = tuple(
        ImageProperty(name=name, more=f"face with {name}", kind="fact", images=FACES)
        for name in NAMES
    )
    who = {each.labeler: each.labeler for each in report.labelers}
    turned = tuple(reversed(report.labelers))  # so that who stands out is listed last
    taste._show(
        report.model_copy(update={"properties": properties, "labelers": turned, "names": who})
    )
    assert taste.search.isVisible()
    assert names(view)[1] == "L0"
    taste.order.pick("listed")
    assert names(view)[1] == "L8"
    view.named.keep("as listed")
    taste.order.pick("")
    qtbot.waitUntil(lambda: view.named.names() == ["as listed"], timeout=10_000)
    view.named.wanted.emit(read_views(tiny_study.path)[0])
    assert names(view)[1] == "L8"
    qtbot.keyClicks(taste.search, "l0")
    assert names(view) == [TOGETHER, "L0"]
    item = taste.labelers.item(1, 1)
    assert item is not None
    assert item.text().startswith("more p0")
    assert "among 45 tests of all labelers" in taste.notes.text()
    view.selection.labeler = "L5"  # in another view, which the search does not hide
    taste.show_selection()
    assert names(view) == [TOGETHER, "L5", "L0"]
    assert taste.who.text() == "L5"
    qtbot.keyClick(taste.search, Qt.Key.Key_Escape)


def test_that_the_axis_shows_faces_of_the_runs_model_and_opens_them(
    panel: ExplorePanel, qtbot: QtBot, tiny_study: Study, tmp_path: Path
) -> None:
    shown(panel, qtbot, "taste")
    taste, data = panel.taste, panel.data
    assert data is not None
    taste.labelers.setCurrentCell(2, 0)
    taste.part.pick("axis")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    tiles = taste.axis.faces.faces
    assert len(tiles) == 7
    scores = data.score("L2", taste.attribute.key)
    assert tiles[0].face.row == int(scores.argmin())
    assert tiles[-1].face.row == int(scores.argmax())
    assert not taste.axis.planted.isVisible()  # people, and their faces
    taste.labelers.setCurrentCell(0, 0)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert taste.axis.told.text() == "An axis is of one labeler; choose one."
    taste.labelers.setCurrentCell(2, 0)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert taste.command()[:2] == ["axis", str(data.folder)]  # type: ignore[index]
    before = figure(panel, tmp_path / "one.svg")
    panel.named.keep("axis")
    qtbot.waitUntil(lambda: panel.named.names() == ["axis"], timeout=10_000)
    taste.part.pick("profile")
    taste.labelers.setCurrentCell(0, 0)
    panel.named.wanted.emit(read_views(tiny_study.path)[0])
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert (taste.part.current, taste.who.text()) == ("axis", "Labeler 2")
    assert figure(panel, tmp_path / "two.svg") == before
    taste.axis.faces.faces[0].click()
    assert panel.selection.face == data.images[int(scores.argmin())]
