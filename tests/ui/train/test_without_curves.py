"""A run that has no curve shows what it has instead, and one sentence on why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy, Baseline, BlockGain, Difference
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.run_evaluation import write_summary
from prism_desktop.ui.train import operations
from tests.ui.train.conftest import OpenTrain, go_on

MakeRun = Callable[..., Path]
FITTED, TRAINED = "20260101-120000-hierarchical-bayes", "20260101-130000-lora-visual-prompt"


@pytest.mark.parametrize("method", ["hierarchical-bayes", "ensemble"])
def test_that_what_was_fitted_in_one_go_shows_accuracies_and_no_curve(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot, method: str
) -> None:
    with_run(f"20260101-120000-{method}", method=method, epochs=1, steps=0)
    monitor = open_train(tiny_study).monitor
    qtbot.waitUntil(monitor.results.isVisible, timeout=10_000)
    assert not monitor.loss.isVisible()
    assert not monitor.per_labeler.isVisible()
    assert "in one go" in monitor.results.sentence.text()
    rows = monitor.results.labelers._rows
    assert [row.name for row in rows] == ["Labeler 1", "Labeler 2", "Labeler 3", "Mean"]
    assert all(row.low is not None and row.count for row in rows)
    assert [row.name for row in monitor.results.attributes._rows] == ["attractive", "smart"]
    assert monitor.tiles.values["Epoch"].text() == "–"


def test_that_curves_and_results_take_turns_and_a_fitted_run_is_a_line_among_curves(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run(TRAINED)
    with_run(FITTED, method="hierarchical-bayes", epochs=1, steps=0)
    panel = open_train(tiny_study)
    monitor = panel.monitor
    qtbot.waitUntil(monitor.loss.isVisible, timeout=10_000)
    assert not monitor.results.isVisible()
    panel.table.runs.ticks.append(FITTED)
    panel.table.runs.ticked.emit()
    qtbot.waitUntil(lambda: [c.style for c in monitor.loss._shown][3:] == ["level"], timeout=10_000)
    panel.show_run(FITTED)
    qtbot.waitUntil(monitor.results.isVisible, timeout=10_000)


@pytest.mark.parametrize("method", ["lora-visual-prompt", "hierarchical-bayes"])
def test_that_before_the_first_point_there_are_no_axes(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot, method: str
) -> None:
    with_run(TRAINED)
    name = f"20260101-140000-{method}"
    go_on(with_run(name, method=method), {"type": "stage", "name": "preparing", "time": 1.0})
    panel = open_train(tiny_study)
    panel.show_run(TRAINED)
    qtbot.waitUntil(panel.monitor.loss.isVisible, timeout=10_000)
    panel.show_run(name)
    qtbot.waitUntil(panel.monitor.results.isVisible, timeout=10_000)
    assert not panel.monitor.loss.isVisible()
    assert "urves" in panel.monitor.results.sentence.text()


def test_that_the_first_of_several_epochs_may_be_a_single_point(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(TRAINED, epochs=1)
    monitor = open_train(tiny_study).monitor
    qtbot.waitUntil(monitor.loss.isVisible, timeout=10_000)
    assert not monitor.per_labeler.isVisible()  # an only epoch is none to draw over
    assert run.is_dir()


def test_that_the_figure_of_a_run_is_one_file_and_what_is_on_screen(
    with_run: MakeRun, tiny_study: Study, tmp_path: Path
) -> None:
    fitted = with_run(FITTED, method="hierarchical-bayes", epochs=1, steps=0)
    operations.draw_curves(tmp_path / "a.svg", {"Fitted": fitted}, {"L1": "Ada"})
    assert [file.name for file in tmp_path.glob("*.svg")] == ["a.svg"]
    text = (tmp_path / "a.svg").read_text()
    assert "Ada" in text
    assert "Epoch" not in text


def test_that_what_results_are_read_against_stands_beside_them_once_it_is_made(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = RunFolder(with_run(FITTED, method="hierarchical-bayes", epochs=1, steps=0))
    panel = open_train(tiny_study)
    tiles = panel.monitor.tiles
    qtbot.waitUntil(lambda: tiles.values["Test accuracy"].text() != "–", timeout=10_000)
    assert not tiles._tiles["Ridge per labeler"].isVisible()
    summary = run.summary()
    assert summary is not None
    ridge = Accuracy(accuracy=0.612, low=0.55, high=0.67, n=300)
    found = {"ridge": Baseline(micro=ridge, macro=ridge), "chance": Baseline(macro=Accuracy())}
    gain = Difference(difference=0.021, low=0.004, high=0.038, n=300)
    group = BlockGain(block="group", kept=True, beside=ridge, without=ridge, gain=gain)
    update = {"baselines": found, "blocks": (group,)}
    write_summary(run, summary.model_copy(update=update))
    panel._ended(FITTED)  # as the store tells it
    qtbot.waitUntil(tiles._tiles["Ridge per labeler"].isVisible, timeout=10_000)
    assert "61" in tiles.values["Ridge per labeler"].text()
    assert "Per-labeler ridge: 61" in tiles.values["Ridge per labeler"].toolTip()
    told = panel.monitor.results.blocks.text()
    assert told.startswith("Optional block group is read: +2.1 points [+0.4, +3.8], n 300 on")
