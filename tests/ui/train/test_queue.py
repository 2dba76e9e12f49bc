"""What is started while a run goes on waits for its turn, in sight and in an order of one's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Batch, ComparisonBegun
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import leave_dialogs
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.panel import TrainPanel
from tests.ui.train.conftest import OpenTrain, go_on

MakeRun = Callable[..., Path]
Begun = list[tuple[str, Path]]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, with_run: MakeRun) -> Begun:
    """What was started, as (method, run); nothing is trained, and a run goes on until `end`."""
    found: Begun = []

    def start(study: Path, config: TrainConfig) -> Iterator[Any]:
        if config.seed == 13:
            raise RunError("The disk is full.")
        name = f"20260101-1200{len(found):02d}-{config.method}"
        run = with_run(name, method=config.method, state="training")
        go_on(run)
        found.append((config.method, run))
        yield Done(RunFolder(run))

    monkeypatch.setattr(operations, "start", start)
    return found


@pytest.fixture
def end(begun: Begun, with_run: MakeRun) -> Callable[[TrainPanel], None]:
    """Let the run that was begun last come to its end."""

    def finish(panel: TrainPanel) -> None:
        method, run = begun[-1]
        with_run(run.name, method=method)
        panel.context.changed.emit(Changes(runs=True))

    return finish


def start(panel: TrainPanel, qtbot: QtBot, method: str, seed: int = 0) -> None:
    """Press Start for a method; it is begun, or waits."""
    panel.form.method.pick(method)
    panel.form.seed.setText(str(seed))
    count = len(panel.starts.waiting()), panel.starts.busy
    panel.form.start.click()
    qtbot.waitUntil(
        lambda: (len(panel.starts.waiting()), panel.starts.busy) != count, timeout=10_000
    )
    qtbot.waitUntil(lambda: not panel.starts.starting, timeout=10_000)
    qtbot.waitUntil(panel.idle, timeout=10_000)


def names(panel: TrainPanel) -> list[str]:
    return [row.waiting.title for row in panel.form.queue.rows]


def methods(begun: Begun) -> list[str]:
    return [method for method, _ in begun]


def test_that_runs_wait_in_sight_and_start_in_their_order(
    open_train: OpenTrain,
    tiny_study: Study,
    begun: Begun,
    end: Callable[[TrainPanel], None],
    qtbot: QtBot,
) -> None:
    panel = open_train(tiny_study)
    for method in ("consensus", "hierarchical-bayes", "retrieval", "collaborative"):
        start(panel, qtbot, method)
    assert methods(begun) == ["consensus"]
    assert panel.form.start.text() == "Add to the queue"
    assert panel.form.queue.isVisible()
    assert names(panel) == ["Hierarchical Bayes", "Nearest past comparisons", "Collaborative"]
    QTest.mouseClick(panel.form.queue.rows[2].up, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.form.queue.rows[0].remove, Qt.MouseButton.LeftButton)
    assert names(panel) == ["Collaborative", "Nearest past comparisons"]
    for method in ("collaborative", "retrieval"):
        end(panel)
        qtbot.waitUntil(lambda method=method: begun[-1][0] == method, timeout=10_000)
        qtbot.waitUntil(lambda: not panel.starts.starting, timeout=10_000)
        qtbot.waitUntil(panel.idle, timeout=10_000)
    assert not panel.form.queue.isVisible()
    end(panel)
    qtbot.waitUntil(lambda: panel.form.start.text() == "Start training", timeout=10_000)
    assert len(begun) == 3


def test_that_a_comparison_waits_too_and_others_for_it(
    open_train: OpenTrain,
    tiny_study: Study,
    begun: Begun,
    end: Callable[[TrainPanel], None],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over: list[bool] = []

    def compare(study: Path, request: object) -> Iterator[Batch]:
        yield [ComparisonBegun(path=str(study / "comparisons" / "x"), runs=2)]
        while not over:
            yield []

    monkeypatch.setattr(operations, "compare", compare)
    panel = open_train(tiny_study)
    start(panel, qtbot, "consensus")
    panel.form.mode.pick("compare")
    panel.form.start.click()
    panel.form.mode.pick("run")
    start(panel, qtbot, "hierarchical-bayes")
    assert names(panel) == ["Comparison of 3 methods", "Hierarchical Bayes"]
    end(panel)
    qtbot.waitUntil(lambda: panel.compare.busy, timeout=10_000)
    assert names(panel) == ["Hierarchical Bayes"]
    over.append(True)
    qtbot.waitUntil(lambda: methods(begun) == ["consensus", "hierarchical-bayes"], timeout=10_000)


def test_that_one_that_cannot_start_is_told_and_the_next_takes_its_turn(
    open_train: OpenTrain,
    tiny_study: Study,
    begun: Begun,
    end: Callable[[TrainPanel], None],
    qtbot: QtBot,
) -> None:
    panel = open_train(tiny_study)
    start(panel, qtbot, "consensus")
    start(panel, qtbot, "hierarchical-bayes", seed=13)
    start(panel, qtbot, "collaborative")
    end(panel)
    qtbot.waitUntil(lambda: methods(begun) == ["consensus", "collaborative"], timeout=10_000)
    said = panel.window().messages.text.text()
    assert "Hierarchical Bayes had waited and was not started. The disk is full." in said


def test_that_a_run_that_is_gone_on_with_waits_too(
    open_train: OpenTrain,
    with_run: MakeRun,
    tiny_study: Study,
    begun: Begun,
    end: Callable[[TrainPanel], None],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resumed: list[Path] = []

    def resume(run: Path) -> Iterator[Any]:
        resumed.append(run)
        yield Done(RunFolder(run))

    monkeypatch.setattr(operations, "resume", resume)
    failed = with_run(state="failed")
    panel = open_train(tiny_study)
    start(panel, qtbot, "consensus")
    panel.show_run(failed.name)
    qtbot.waitUntil(panel.monitor.resume.isVisible, timeout=10_000)
    panel.monitor.resume.click()
    assert names(panel) == ["Resume LoRA + visual prompt"]
    assert not resumed
    end(panel)
    qtbot.waitUntil(lambda: resumed == [failed], timeout=10_000)


def test_that_closing_tells_what_waits(
    open_train: OpenTrain,
    tiny_study: Study,
    begun: Begun,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = open_train(tiny_study)
    for method in ("consensus", "hierarchical-bayes", "collaborative"):
        start(panel, qtbot, method)
    asked: list[str] = []
    monkeypatch.setattr(
        leave_dialogs, "sure_to_stop", lambda _, count, kept: asked.append(" ".join(kept))
    )
    assert not panel.window().close()
    assert "2 runs wait and are not started: Hierarchical Bayes, Collaborative." in asked[0]


def test_that_the_queue_of_a_study_waits_until_it_is_open_again(
    open_train: OpenTrain,
    tiny_study: Study,
    begun: Begun,
    end: Callable[[TrainPanel], None],
    qtbot: QtBot,
) -> None:
    panel = open_train(tiny_study)
    start(panel, qtbot, "consensus")
    start(panel, qtbot, "hierarchical-bayes")
    context, path = panel.context, Path(tiny_study.path)
    context.close_study()
    qtbot.waitUntil(context.idle, timeout=10_000)
    assert "1 run waits in the queue of" in panel.window().messages.text.text()
    end(panel)
    assert not panel.form.queue.isVisible()
    with qtbot.waitSignal(context.study_opened, timeout=10_000):
        context.open_study(path)
    qtbot.waitUntil(lambda: methods(begun) == ["consensus", "hierarchical-bayes"], timeout=10_000)


def test_that_a_second_click_starts_nothing_twice(
    open_train: OpenTrain, tiny_study: Study, begun: Begun, qtbot: QtBot
) -> None:
    panel = open_train(tiny_study)
    panel.form.method.pick("consensus")
    panel.form.start.click()
    panel.form.start.click()
    qtbot.waitUntil(lambda: bool(begun) and not panel.starts.starting, timeout=10_000)
    assert (len(begun), panel.starts.waiting()) == (1, ())


def test_that_a_run_leads_to_itself_in_explore_where_it_ends(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run("20260101-120000-hierarchical-bayes", method="hierarchical-bayes")
    with_run("20260101-130000-lora-visual-prompt")
    panel = open_train(tiny_study)
    panel.show_run("20260101-120000-hierarchical-bayes")
    qtbot.waitUntil(panel.monitor.explore.isVisible, timeout=10_000)
    QTest.mouseClick(panel.monitor.explore, Qt.MouseButton.LeftButton)
    explore = panel.window().panel("explore")
    assert isinstance(explore, ExplorePanel)
    qtbot.waitUntil(
        lambda: explore.data is not None and explore.data.folder.name.endswith("bayes"),
        timeout=20_000,
    )
    assert explore.isVisible()


def test_that_a_run_without_results_does_not_lead_to_explore(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run(state="failed")
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.failure_box.isVisible, timeout=10_000)
    assert not panel.monitor.explore.isVisible()


@pytest.mark.soak
def test_that_two_that_wait_share_one_consensus_model(
    open_train: OpenTrain, tiny_study: Study, tiny_backbone: str, qtbot: QtBot
) -> None:
    """Two real trainings, the second of which waits: what both need is trained once."""
    panel = open_train(tiny_study)
    panel.form.set_backbone(tiny_backbone)
    panel.form.fields["max_steps"].put(2)
    for method in ("hierarchical-bayes", "collaborative"):
        start(panel, qtbot, method)
    assert names(panel) == ["Collaborative"]
    done = {"consensus", "hierarchical-bayes", "collaborative"}
    qtbot.waitUntil(
        lambda: {row.run.method for row in panel._rows if row.run.state == "finished"} == done,
        timeout=200_000,
    )
    assert len(panel._rows) == 3
    assert "is used again" in panel.log.toPlainText()  # the second is shown, as the first was
