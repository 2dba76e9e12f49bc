"""Few answers are told before any number, and a labeler has one colour in every view."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.face_sheet import sheet_at
from prism_desktop.ui.train.operations import rows
from prism_desktop.ui.train.runs import cells
from prism_desktop.ui.widgets.dumbbell import AccuracyRow, tone_ink
from tests.ui import fabricate
from tests.ui.explore.conftest import NAMES, OpenExplore, shown


def _few(found: Any, n: int) -> Any:
    """The same results as if they rested on n answers each."""
    if isinstance(found, dict):
        return {key: n if key == "n" else _few(value, n) for key, value in found.items()}
    return found


@pytest.mark.parametrize(("n", "few"), [(21, True), (ENOUGH, False)])
def test_that_every_headline_says_first_that_answers_are_too_few(
    run: Path, open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, n: int, few: bool
) -> None:
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    for part in {"test", "consensus", "gain"} & set(summary):
        summary[part] = _few(summary[part], n)
    (run / "summary.json").write_text(json.dumps(summary), "utf-8")
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "accuracy")
    number, small = panel.accuracy._tiles["Accuracy, mean over labelers"]
    assert (number.text() == "too few to tell") == few
    assert f"n {n}" in small.text()
    gain, _ = panel.accuracy._tiles["Gain"]
    assert (gain.text() == "too few to tell") == few
    assert (f"Under {ENOUGH} answers" in panel.accuracy.note.text()) == few
    assert all(row.few == few for row in panel.accuracy._shown)
    shown(panel, qtbot, "faces")
    assert panel.faces.count.text().startswith("Too few to tell") == few
    shown(panel, qtbot, "two")
    assert panel.pair.figures.text().startswith("Too few to tell") == few
    shown(panel, qtbot, "face")
    data, predictions = panel.face.data, panel.face.predictions
    assert data is not None
    assert predictions.doubt.text().startswith("Too few to tell: every labeler's model") == few
    for group in predictions.groups(data, sheet_at(data, panel.face.face)):
        assert all(bool(dot.doubt) == few for dot in group.dots)
        assert ("too few to tell: " in group.words()) == few
    told = cells(rows(tiny_study.path)[0])
    assert (told[4] == "too few to tell") == few
    assert f"n {n}" in told[5]


@pytest.mark.parametrize(("n", "few"), [(21, True), (ENOUGH, False)])
def test_that_an_agreement_of_few_answers_says_so_before_its_number(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, tmp_path: Path, n: int, few: bool
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view._found is not None
    view._found.found.counts[:] = n
    view._show(view._found)
    assert view.explanation.text().startswith("Too few to tell for 3 of 3 pairs") == few
    for cell in ((0, 1), (1, 1)):
        assert view.matrix.cells.words(*cell).startswith("Too few to tell: Labeler") == few
    figure = view.figure()
    assert figure is not None
    figure.draw(tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    assert drawn.count(">too few<") == (9 if few else 0)
    assert drawn.count(f">n {n}<") == 9
    assert "Labeler 1 (L1)" in drawn


def test_that_a_gain_is_coloured_only_where_its_interval_excludes_zero(
    open_explore: OpenExplore, tiny_study: Study
) -> None:
    from PySide6.QtGui import QColor

    from prism_desktop.engine.runs.result_files import Difference

    tokens = open_explore(tiny_study).context.theme.tokens

    def ink(low: float, high: float, n: int = 400) -> str:
        gained = Difference(difference=(low + high) / 2, low=low, high=high, n=n)
        row = AccuracyRow("Ada", QColor(), 0.7, 0.6, 0.8, n, 0.7 - (low + high) / 2, gained=gained)
        return tone_ink(row.told_gain(), tokens)

    assert ink(0.01, 0.05) == tokens.good
    assert ink(-0.05, -0.01) == tokens.bad
    assert ink(-0.03, 0.042) == tokens.muted
    assert ink(0.0, 0.0) == tokens.muted
    assert ink(0.2, 0.4, 21) == tokens.muted


def test_that_a_labeler_s_colour_is_that_of_the_place_in_the_study(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    made = fabricate.of_study(tiny_study)
    later, places = ("L2", "L3"), [each.code for each in tiny_study.labelers()]
    fabricate.run(tiny_study.path, made, labelers=later, attributes=NAMES)
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "accuracy")
    series = panel.context.theme.tokens.series
    wanted = {code: series[places.index(code)] for code in later}
    assert {code: panel.accuracy.colour(code).name() for code in later} == wanted
    assert [row.colour.name() for row in panel.accuracy._shown[:2]] == list(wanted.values())
    shown(panel, qtbot, "face")
    data = panel.face.data
    assert data is not None
    groups = panel.face.predictions.groups(data, sheet_at(data, panel.face.face))
    assert [dot.colour.name() for dot in groups[0].dots] == list(wanted.values())
    shown(panel, qtbot, "agreement")
    found = panel.agreement._found
    assert found is not None
    shown_colours = [node.colour for node in panel.agreement.network._nodes]
    assert [series[place] for place in shown_colours if place is not None] == [
        series[places.index(code)] for code in found.found.labelers
    ]
