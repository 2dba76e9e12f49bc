"""Trials that are chosen while somebody labels."""

import threading
from collections.abc import Iterator
from itertools import combinations

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.label import operations
from prism_desktop.ui.label.operations import AHEAD
from prism_desktop.ui.label.panel import LabelPanel
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import LEFT, begin, image, press, trials


def test_that_the_order_is_chosen_for_the_task_where_a_run_foretells_what_tells_most(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study
) -> None:
    panel = open_window(fresh).show_panel("label")
    assert isinstance(panel, LabelPanel)
    study = panel._context.study
    assert study is not None
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    assert panel.start.order.isEnabled()  # pairs are told apart by what was said of them
    panel.start.rating.click()
    assert not panel.start.order.isEnabled()
    assert "Train Hierarchical Bayes" in panel.start.foretold.text()
    run = study.path / "runs" / "20260101-000000-hierarchical-bayes"
    run.mkdir(parents=True)
    (run / "telling.json").write_text("{}")
    panel._refresh()
    qtbot.waitUntil(lambda: panel.idle() and panel.start.order.isEnabled())
    panel.start.order.pick("telling")
    qtbot.waitUntil(lambda: study.orders()["rating"] == "telling" and panel.idle())
    assert study.orders()["comparison"] == "random"
    panel.start.comparison.click()
    assert panel.start.order.current == "random"


def test_that_a_plan_that_comes_while_labeling_is_followed(
    open_window: OpenWindow, qtbot: QtBot, fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = fresh.images()
    pairs = [
        (min(a.id, b.id), max(a.id, b.id)) for a, b in combinations(images, 2) if a.fold == b.fold
    ]
    made = threading.Event()

    def plan(*_: object) -> Iterator[Event[tuple[tuple[str, ...], ...]]]:
        made.wait(10)
        yield Done(tuple(pairs))

    monkeypatch.setattr(operations, "plan_trials", plan)
    fresh.set_order("comparison", "telling")
    window = open_window(fresh)
    panel = begin(window, qtbot)
    shown = image(panel)
    made.set()
    qtbot.waitUntil(window.context.idle)
    assert image(panel) == shown  # nothing changes under the labeler's eyes
    for _ in range(AHEAD + 4):
        press(panel, qtbot, LEFT, LEFT)
    chosen = [trial for trial in trials(window) if trial.probability == 1]
    assert chosen
    told = [pairs.index(_pair(trial)) for trial in chosen]
    assert told == sorted(told)
    assert told[-1] < len(told) + len(trials(window))  # none but those seen was passed over


def _pair(trial: TrialRecord) -> tuple[str, str]:
    return min(trial.left, trial.right or ""), max(trial.left, trial.right or "")
