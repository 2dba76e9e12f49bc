"""The quality view: what the engine says, in a real window, down to the trials."""

import json
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from tests.cli.test_study_commands import run as command
from tests.ui.explore.conftest import OpenExplore, shown


def _id(labeler: str) -> str:
    return labeler[1] * 32


def _again(study: Study, labeler: str) -> TrialRecord:
    """A comparison of a labeler shown again with sides swapped, and answered by the same side: so
    the other face is chosen."""
    told = study.trials(labeler, "comparison")
    repeated = {trial.repeat_of for trial in told} | {t.id for t in told if t.repeat_of}
    first = next(
        trial for trial in told if trial.id not in repeated and "tie" not in trial.answers.values()
    )
    return replace(
        first, id=_id(labeler), session=_id(labeler), left=first.right or "", right=first.left,
        repeat_of=first.id, superseded_by=None, onset=(first.onset or 0) + 10_000,
    )  # fmt: skip


@pytest.fixture
def view(open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot) -> ExplorePanel:
    """The panel with the view in front, of a study without a run in which L1 contradicts
    themselves."""
    tiny_study.record([_again(tiny_study, "L1")])
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "quality")
    return panel


def _cells(panel: ExplorePanel) -> dict[str, list[str]]:
    table = panel.quality.labelers
    rows = [
        [item.text() for column in range(table.columnCount()) if (item := table.item(row, column))]
        for row in range(table.rowCount())
    ]
    return {row[0]: row[1:] for row in rows}


def test_that_the_window_and_the_command_say_the_same(
    view: ExplorePanel, tiny_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command("quality", tiny_study.path, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    by_code = {each["labeler"]: each for each in found["labelers"]}
    page = view.quality._page
    assert page is not None
    assert {each.code for each in page.labelers} == set(by_code)
    for each in page.labelers:
        measures = by_code[each.code]["measures"]
        assert [line.told for line in each.measures] == [m["told"] for m in measures.values()]
        assert len(each.examples) == len(by_code[each.code]["inconsistencies"])
    assert found["left_out"]["told"] in view.quality.notes.text()
    # so few answers tell nothing, and say so first
    assert all("too few to tell" in " ".join(cells) for cells in _cells(view).values())
    table = view.quality.table()
    assert table is not None
    measures = {row[3] for row in table.body}
    assert {"Consistency", "Discrimination", "Krippendorff's alpha"} <= measures
    view.export.check()
    assert view.export.table.isEnabled()
    assert not view.export.figure.isEnabled()


def test_that_a_contradiction_leads_to_its_faces_and_trials(
    view: ExplorePanel, qtbot: QtBot
) -> None:
    quality = view.quality
    qtbot.keyClick(quality.labelers, Qt.Key.Key_Home)
    quality.part.pick("contradictions")
    row = next(n for n, each in enumerate(quality._examples) if _id("L1") in each.trials)
    quality.examples.setCurrentCell(row, 0)
    qtbot.waitUntil(lambda: bool(quality.trials.text()) and view.idle(), timeout=20_000)
    text, first, second = quality.trials.text().split("\n")
    assert text == quality._examples[row].text
    # the same side of swapped faces
    assert "faces 2 and 1" in first
    assert "faces 1 and 2" in second
    qtbot.waitUntil(lambda: not quality.faces[1].pixmap().isNull(), timeout=20_000)
    assert quality.faces[2].isHidden()
    # other rules are followed, and what they leave out is told
    quality.follow(ExclusionRules(fastest_seconds=60, leave_out=()))
    qtbot.waitUntil(lambda: "60 s" in quality.notes.text() and view.idle(), timeout=20_000)
    assert quality._page is not None
    assert {mark[3] for mark in quality._page.marks} == {"too fast answer"}
    # nothing is measured twice, and new answers are looked at
    before, study = quality._page, view.context.study
    shown(view, qtbot, "agreement")
    shown(view, qtbot, "quality")
    assert quality._page is before is not None
    assert study is not None
    changes = study.record([_again(study, "L2")])
    view.context.changed.emit(changes)
    qtbot.waitUntil(lambda: quality._page is not before and view.idle(), timeout=20_000)
    assert quality._page is not None
    assert len(quality._page.labelers[1].examples) > len(before.labelers[1].examples)
