"""Which run and which answers the Explore panel shows."""

import json
import threading
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown


def test_that_agreement_needs_no_run_and_follows_the_answers(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    assert panel.agreement._found is not None
    before = panel.agreement._found.found.counts.sum()
    study = panel.context.study
    assert study is not None
    for trial in [each for each in study.trials(kind="comparison") if each.labeler == "L1"][:5]:
        panel.context.write(lambda trial=trial: study.withdraw(trial.id), owner=panel)  # type: ignore[misc]
    qtbot.waitUntil(lambda: not panel.context.writer.busy, timeout=10_000)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.agreement._found.found.counts.sum() < before
    panel.show_view("faces")
    assert panel.no_runs.isVisible()


def test_that_agreement_is_among_the_runs_labelers_or_all_of_the_study(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L3"), attributes=NAMES
    )
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view._found is not None
    assert view._found.found.labelers == ("L1", "L3")
    view.labelers.pick("(all)")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert view._found.found.labelers == CODES


def second(panel: ExplorePanel, study: Study) -> str:
    """Fabricate another run and list it; returns its key in the picker."""
    made = fabricate.of_study(study)
    run = fabricate.run(
        study.path,
        made,
        "20260102-120000-consensus",
        method="consensus",
        labelers=CODES,
        attributes=NAMES,
    )
    panel.context.changed.emit(Changes(runs=True))
    return str(run)


def test_that_a_run_that_cannot_be_read_leaves_no_other_ones_numbers(
    panel: ExplorePanel, qtbot: QtBot, tiny_study: Study
) -> None:
    study = panel.context.study
    assert study is not None
    key = second(panel, study)
    good = (Path(key) / "predictions.parquet").read_bytes()
    (Path(key) / "predictions.parquet").write_bytes(b"no parquet")
    qtbot.waitUntil(lambda: panel.run.count() == 2, timeout=10_000)
    panel.run.pick(key)
    assert panel.data is None
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.run.key == ""
    (Path(key) / "predictions.parquet").write_bytes(good)
    panel.run.pick(key)
    qtbot.waitUntil(lambda: panel.data is not None, timeout=10_000)
    assert panel.data is not None
    assert panel.data.folder == Path(key)


def test_that_a_run_trained_further_is_read_again(
    panel: ExplorePanel, run: Path, qtbot: QtBot
) -> None:
    before = panel.data
    summary = json.loads((run / "summary.json").read_text())
    summary["test"]["macro"]["accuracy"] = 0.91
    (run / "summary.json").write_text(json.dumps(summary))
    panel.context.changed.emit(Changes(runs=True))
    qtbot.waitUntil(lambda: panel.data is not None and panel.data is not before, timeout=10_000)
    shown(panel, qtbot, "accuracy")
    assert panel.accuracy._tiles["Accuracy, mean over labelers"][0].text() == "91.0%"


def test_that_late_answers_about_a_closed_study_are_dropped(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    panel._list()
    panel.context.close_study()
    qtbot.waitUntil(panel.context.idle, timeout=10_000)
    assert panel.run.count() == 0
    assert panel.data is None


def test_that_closing_while_answers_are_read_and_compared_complains_of_nothing(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = panel.context.study
    assert study is not None
    said: list[str] = []
    panel.context.messaged.connect(lambda kind, text, _: said.append(f"{kind}: {text}"))
    reading, go_on, read = threading.Event(), threading.Event(), study.ratings

    def slowly() -> object:
        reading.set()
        go_on.wait(10)
        return read()

    monkeypatch.setattr(study, "ratings", slowly)
    panel.show_view("agreement")
    qtbot.waitUntil(reading.is_set, timeout=10_000)
    panel.context.close_study()
    go_on.set()
    qtbot.waitUntil(panel.context.idle, timeout=10_000)
    assert not said
    assert panel.agreement.idle()
    assert panel.agreement.figure() is None


def test_that_thirty_attributes_take_no_more_room_across_than_three(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    many = tuple(f"attribute {number}" for number in range(30))
    fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L2"), attributes=many
    )
    panel = open_explore(tiny_study)
    panel.window().resize(1280, 720)
    shown(panel, qtbot, "accuracy")
    assert panel.window().width() == 1280
    grid = panel.accuracy.grid
    boxes = [grid._cell(row, column) for row in range(2) for column in range(30)]
    whole = QRectF(grid.rect()).adjusted(-1, -1, 1, 1)
    assert min(box.width() for box in boxes) >= 64
    assert [box for box in boxes if not whole.contains(box)] == []
    assert not any(one.intersects(other) for one, other in combinations(boxes, 2))
    panel.accuracy.pick("attribute 29")
    assert panel.selection.attribute == "attribute 29"
