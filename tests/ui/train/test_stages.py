"""What a run does is said in the same words everywhere, and no more than has come of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.run_events import (
    ComparisonBegun,
    ItemBegun,
    Paused,
    ProgressTold,
    Resumed,
    Stage,
    Started,
    Step,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.train.comparison_progress import ComparisonProgress
from prism_desktop.ui.train.run_progress import RunProgress
from tests.ui.train.conftest import OpenTrain, go_on

MakeRun = Callable[..., Path]
RUN = "20260101-120000-lora-visual-prompt"
READING = [
    {"type": "progress", "done": n, "total": 48, "what": "Reading images", "time": 0.01 * n}
    for n in range(1, 49)
]
CONSENSUS = [
    {"type": "progress", "done": n, "total": 40, "what": "Training consensus", "time": 0.01 * n}
    for n in range(1, 41)
]


@pytest.mark.parametrize(
    ("stage", "word", "more"),
    [
        ("preparing", "preparing", READING),
        ("consensus", "consensus", CONSENSUS),
        ("member", "training", READING),
        ("predicting", "predicting", READING),
        ("evaluating", "evaluating", []),
    ],
)
def test_that_pill_strip_and_table_agree_and_nothing_is_almost_done(
    open_train: OpenTrain,
    with_run: MakeRun,
    tiny_study: Study,
    qtbot: QtBot,
    stage: str,
    word: str,
    more: list[dict[str, object]],
) -> None:
    go_on(with_run(RUN), {"type": "stage", "name": stage, "time": 0.0}, *more)
    panel = open_train(tiny_study)
    monitor, table = panel.monitor, panel.table
    qtbot.waitUntil(lambda: monitor.state.text().startswith(f"{word} ·"), timeout=10_000)
    assert monitor.stages.accessibleName() == f"Stage: {word}"
    assert table.model().index(0, 3).data() == word
    assert monitor.tiles.values["Time left"].text() != "almost done"


def test_that_a_paused_run_is_paused_at_its_stage() -> None:
    progress = RunProgress()
    progress.update([Stage(name="consensus"), Paused()])
    assert (progress.now, progress.stage) == ("paused", "consensus")
    progress.update([Resumed()])
    assert progress.now == "consensus"


def test_that_time_left_is_told_once_there_is_something_to_go_by() -> None:
    progress = RunProgress()
    told = [ProgressTold(done=n, total=20, what="Reading images", time=n) for n in range(1, 21)]
    progress.update([Stage(name="preparing"), *told])
    assert progress.eta_seconds is None
    progress.update([Started(epochs=2, steps_per_epoch=10), Stage(name="training"), *told])
    assert progress.eta_seconds is None
    progress.update([Step(epoch=1, step=1, loss=0.7, eta_seconds=90.0)])
    assert progress.eta_seconds == 90.0


def test_that_what_is_fitted_in_one_go_adds_no_training_to_that_of_its_consensus() -> None:
    what = "Training consensus, epoch 1"
    told = [ProgressTold(done=n, total=100, what=what, time=2.0 * n) for n in range(1, 41)]
    for by_steps, rest in ((True, 160), (False, 60)):
        progress = RunProgress(by_steps=by_steps)
        progress.update([Stage(name="consensus"), *told])
        assert progress.eta_seconds == pytest.approx(2.0 * rest)


def test_that_a_comparison_is_no_further_for_what_is_read_before_a_run(qtbot: QtBot) -> None:
    holder, card = QWidget(), ComparisonProgress()
    qtbot.addWidget(holder)
    card.setParent(holder)
    card.begin()
    item = ItemBegun(
        number=1, runs=2, method="retrieval", seed=0, fold=0, run="/runs/a", state="new"
    )
    reading = ProgressTold(done=48, total=48, what="Reading images")
    card.receive([ComparisonBegun(path="/x", runs=2), item, Stage(name="preparing"), reading])
    assert card.bar.value() == 0
    assert card.detail.text() == "preparing"


def test_that_a_run_stopped_before_its_test_did_not_go_all_the_way(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(RUN, state="stopped")
    (run / "summary.json").unlink()
    (run / "events.jsonl").write_text('{"type": "stage", "name": "training", "time": 0}\n')
    monitor = open_train(tiny_study).monitor
    qtbot.waitUntil(
        lambda: monitor.stages.accessibleName() == "Stage: training, stopped", timeout=10_000
    )
    assert not monitor.explore.isVisible()
