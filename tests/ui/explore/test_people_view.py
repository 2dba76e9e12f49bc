"""People as a run that writes has them: the map, the table, and the way to what they wrote."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.theme import Mode
from tests.ui import golden
from tests.ui.conftest import OpenWindow


@pytest.fixture
def panel(written_runs_study: Path, open_window: OpenWindow, qtbot: QtBot) -> ExplorePanel:
    made = open_window(written_runs_study).show_panel("explore")
    assert isinstance(made, ExplorePanel)
    made.show_view("people")
    qtbot.waitUntil(lambda: made.people.report is not None and made.idle(), timeout=20_000)
    return made


def test_that_people_are_listed_searched_and_lead_to_what_they_wrote(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    view = panel.people
    assert view.run.count() == 1  # of three runs, the one that keeps something of each
    assert [view.people.item(row, 0).text() for row in range(3)] == ["ben", "cleo", "dan"]
    assert view.meaning.text().startswith("Whether people with similar vectors write alike cannot")
    assert "simulated" in view.meaning.text()
    view.search.setText("cle")
    assert view.people.rowCount() == 1
    view.people.selectRow(0)
    view.people.setFocus()
    qtbot.keyClick(view.people, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.segments.current == "replies"
    assert panel.replies.chosen_people() == ("cleo",)
    assert panel.replies.prompt in panel.replies.found.texts["cleo"]


def test_that_a_person_who_was_asked_something_else_is_shown_with_what_they_were_asked(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    panel.selection.prompt = "Something that cleo was never asked"
    panel._show_person("cleo")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.replies.prompt in panel.replies.found.texts["cleo"]


def test_that_table_figure_and_command_are_of_the_run_that_is_shown(
    panel: ExplorePanel, tmp_path: Path
) -> None:
    view = panel.people
    table, figure, command = view.table(), view.figure(), view.command()
    assert table is not None
    assert figure is not None
    assert command is not None
    assert [row[0] for row in table.body] == ["ben", "cleo", "dan"]
    figure.draw(tmp_path / "people.svg")
    assert "Vectors of 3 people" in (tmp_path / "people.svg").read_text()
    assert command[:2] == ["similarity", str(panel.people.writers.found.runs[-1].path)]  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_people_look_as_they_did(panel: ExplorePanel, mode: Mode, tmp_path: Path) -> None:
    panel.context.theme.apply(mode)
    golden.check(panel, f"explore-people-{mode}", tmp_path)
