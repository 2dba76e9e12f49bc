"""Measuring curves from the Compare view."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.train import compare_view
from prism_desktop.ui.train.compare_view import CompareView
from tests.ui import boards as fabricate
from tests.ui.train.conftest import CODES, OpenTrain


def show_compare(open_train: OpenTrain, study: Study, qtbot: QtBot) -> CompareView:
    panel = open_train(study)
    panel.show_view("compare")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    return panel.compare


def test_that_a_curve_is_measured_for_the_chosen_method_and_then_drawn(
    open_train: OpenTrain,
    tiny_study: Study,
    with_run: Callable[..., Path],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = {
        name: [with_run(f"20260101-120000-{name}").name]
        for name in ("hierarchical-bayes", "lora-visual-prompt")
    }
    file = fabricate.comparison(tiny_study.path, CODES, curves=False) / "leaderboard.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "runs": runs}))
    for (run,) in runs.values():
        meta = tiny_study.path / "runs" / run / "data" / "meta.json"
        meta.write_text(
            json.dumps(
                {**json.loads(meta.read_text()), "fingerprint": fabricate.DATA["fingerprint"]}
            )
        )
    asked: list[tuple[str, str]] = []

    def measure(kind: str, run: RunFolder) -> Iterator[Event[None]]:
        asked.append((kind, run.name))
        yield Progress(0, None, "Measuring")
        fabricate.measured(tiny_study.path)
        yield Done(None)

    monkeypatch.setattr(compare_view, "measure_in_worker", measure)
    view = show_compare(open_train, tiny_study, qtbot)
    button = view.plots.measure
    assert not button.isVisible()  # there is nothing to measure labeler by labeler
    view.plots.pages.pick("curve")
    view.table.pick("lora-visual-prompt")
    assert not button.isEnabled()
    assert "choose a closed form" in button.toolTip()
    view.table.pick("retrieval")
    assert not button.isEnabled()
    assert "compare again" in button.toolTip()
    view.table.pick("hierarchical-bayes")
    assert button.text() == "M&easure Hierarchical Bayes"
    button.click()
    assert not button.isEnabled()
    qtbot.waitUntil(lambda: view.plots.chart.isVisible(), timeout=10_000)
    assert asked == [("curve", "20260101-120000-hierarchical-bayes")]
    assert button.text() == "M&easure Hierarchical Bayes again"


def test_that_nothing_is_measured_where_labelers_were_shuffled(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES, curves=False, shuffled=True)
    view = show_compare(open_train, tiny_study, qtbot)
    view.plots.pages.pick("shots")
    assert not view.plots.measure.isVisible()
    assert "nothing to foretell" in view.plots.none.text()


def test_that_a_run_on_other_answers_is_not_measured(
    open_train: OpenTrain, tiny_study: Study, with_run: Callable[..., Path], qtbot: QtBot
) -> None:
    file = fabricate.comparison(tiny_study.path, CODES, curves=False) / "leaderboard.json"
    runs = {"hierarchical-bayes": [with_run("20260101-120000-hierarchical-bayes").name]}
    file.write_text(json.dumps({**json.loads(file.read_text()), "runs": runs}))
    view = show_compare(open_train, tiny_study, qtbot)
    view.plots.pages.pick("curve")
    view.table.pick("hierarchical-bayes")
    assert not view.plots.measure.isEnabled()
    assert "no run of Hierarchical Bayes on the same answers" in view.plots.measure.toolTip()


def test_that_closing_asks_while_a_curve_is_measured(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = open_train(tiny_study)
    assert panel.in_training() == 0
    monkeypatch.setattr(CompareView, "measuring", property(lambda _: True))
    assert panel.in_training() == 1
