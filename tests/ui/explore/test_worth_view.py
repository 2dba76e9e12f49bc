"""Would it pay to label more: everybody's gain, a labeler's curve, and what to label next."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.adaptation.growth import Share
from prism_desktop.engine.adaptation.label_worth import ExpectedGain
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.runs.curve_files import CurvePoint, Forecast, LabelerPoint, LearningCurve
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import worth_data
from tests.ui.explore.conftest import CODES, OpenExplore, shown
from tests.ui.explore.test_copied_commands import copied


def curve() -> LearningCurve:
    """L2 gains, L1 does not, L3 was not measured."""
    points = [
        CurvePoint(
            answers=count, accuracy=0.6, error=0.02, n=300,
            per_labeler={
                code: LabelerPoint(answers=count, accuracy=0.6, error=0.02) for code in CODES[:2]
            },
        )
        for count in (10, 20, 40)
    ]  # fmt: skip
    gains = {"L1": (0.001, 0.0, 0.002), "L2": (0.03, 0.02, 0.04)}
    return LearningCurve(
        method="hierarchical-bayes", backbone="mini", fingerprint="other", points=tuple(points),
        curve=Forecast(sentence="+50 answers would give about +1.0 points."),
        per_labeler={
            code: Forecast(answers=40, more=50, gain=value, low=low, high=high)
            for code, (value, low, high) in gains.items()
        },
    )  # fmt: skip


def test_that_who_gains_most_comes_first_and_labeling_starts_with_them(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    images = [image.id for image in tiny_study.images()]
    expected = ExpectedGain(
        labeler="L3", run="r", answers=7, gain=Share(value=0.02, low=-0.01, high=0.05, n=8)
    )
    monkeypatch.setattr(worth_data, "expected_gains", lambda study, codes: iter([expected]))
    monkeypatch.setattr(
        worth_data, "next_trials",
        lambda study, code, kind: iter([Done(((images[0], images[1]), (images[2], images[3])))]),
    )  # fmt: skip
    save_curve(tiny_study.path, TrainConfig(method="hierarchical-bayes"), {}, curve())
    panel = open_explore(tiny_study)
    panel.selection.choose_labeler("L1")
    shown(panel, qtbot, "worth")
    view = panel.worth
    names = [view.labelers.item(row, 0).text() for row in range(3)]
    table = view.table()
    assert table is not None
    assert [row[1] for row in table.body] == ["L2", "L3", "L1"]
    assert names == [row[0] for row in table.body]
    assert [row[-2] for row in table.body] == ["measured", "expected by the model", "measured"]
    # the one who was chosen elsewhere is chosen here, and the other way round
    assert view.who.text() == names[2]
    assert view.chart.isVisible()
    for _ in range(2):
        qtbot.keyClick(view.labelers, Qt.Key.Key_Up)
    assert panel.selection.labeler == "L2"
    view.search.setText("labeler 3")  # whoever is chosen stays seen
    assert [each.code for each in view._lines] == ["L2", "L3"]
    assert view.who.text() == "Labeler 2"
    view.search.setText("")
    qtbot.keyClick(view.labelers, Qt.Key.Key_Down)
    assert not view.chart.isVisible()
    assert view.no_curve.isVisible()
    assert "no measurement" in view.sentence.text()
    assert "+1.0 points" in view.everybody.text()
    qtbot.waitUntil(lambda: panel.idle() and view.start.isEnabled(), timeout=20_000)
    qtbot.waitUntil(lambda: not view.faces[3].pixmap().isNull(), timeout=20_000)
    assert view.faces[4].isHidden()
    assert copied(panel)[:2] == ["worth", str(run)]
    with qtbot.waitSignal(panel.context.labeling_wanted) as wanted:
        qtbot.mouseClick(view.start, Qt.MouseButton.LeftButton)
    assert wanted.args[0] == "L3"
    window = view.window()
    label, study = window.show_panel("label"), panel.context.study
    assert study is not None
    qtbot.waitUntil(
        lambda: study.orders().get(wanted.args[1]) == "telling" and label.idle(), timeout=20_000
    )
    assert label.start.labelers.code == "L3"


def test_that_without_a_model_that_can_tell_it_says_so(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "worth")
    assert "train Hierarchical Bayes" in panel.worth.note.text()
    assert "not known yet" in panel.worth.sentence.text()
    assert "not been measured" in panel.worth.everybody.text()
    assert not panel.worth.start.isEnabled()
