"""Comparisons of methods that write, begun in the window: queue, progress, leaderboards."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.run_events import Batch, ComparisonBegun, ItemBegun
from prism_desktop.engine.runs.writing_files import (
    FailedWriting,
    MeanOverPeople,
    WritingLeaderboard,
    WritingRow,
    WritingSummary,
)
from prism_desktop.engine.writing.run_making import writing_runs
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.operations import WritingRequest
from prism_desktop.ui.train.panel import TrainPanel
from tests.ui.conftest import OpenWindow

CHEAP = ("unprompted", "consensus")


def _comparing(study: Path, open_window: OpenWindow, qtbot: QtBot) -> TrainPanel:
    panel = open_window(study).show_panel("train")
    assert isinstance(panel, TrainPanel)
    qtbot.waitUntil(lambda: panel._listed and panel.task.isVisible(), timeout=20_000)
    panel.task.pick("writing")
    panel.writer.mode.pick("compare")
    panel.writer.several.tick(CHEAP)
    qtbot.waitUntil(lambda: panel.writer_compare._listed, timeout=20_000)
    return panel


@pytest.fixture
def study(written_study: Path, tmp_path: Path) -> Path:
    """People who wrote, and nothing learned from them yet."""
    return Path(shutil.copytree(written_study, tmp_path / "written.prism"))


def test_that_a_comparison_of_methods_that_write_is_begun_followed_and_ended_and_others_wait(
    study: Path, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[WritingRequest] = []
    closed = threading.Event()

    def compare(at: Path, request: WritingRequest) -> Iterator[Batch]:
        asked.append(request)
        yield [ComparisonBegun(path=str(at / "x"), runs=3, task="writing")]
        yield [
            ItemBegun(
                number=2, runs=3, method="consensus", seed=0, fold=0, run=str(at / "writing" / "x"),
                state="new",
            )
        ]  # fmt: skip
        try:
            while True:
                yield []
        finally:
            closed.set()

    monkeypatch.setattr(operations, "compare_writers", compare)
    panel = _comparing(study, open_window, qtbot)
    form, view = panel.writer, panel.writer_compare
    assert view.empty.isVisible()
    form.several.tick(())
    assert not form.start.isEnabled()  # until a method is chosen
    form.several.tick(CHEAP)
    assert not form.fields["clusters"].relevant  # which neither reads
    form.fields["rank"].put(2)
    view.empty.buttons[0].click()
    qtbot.waitUntil(lambda: view.progress.what.text().startswith("Run 2 of 3"), timeout=20_000)
    assert view.progress.what.text() == "Run 2 of 3: Unified LoRA, seed 0"
    assert (asked[0].methods, asked[0].settings) == (CHEAP, ("rank=2",))
    assert panel.in_training() == 1  # though no run is at work
    assert any("used again" in told for told in panel.kept_on_leaving())
    assert form.start.text() == "Add to the queue"
    form.start.click()
    form.mode.pick("run")
    form.start.click()
    panel.task.pick("judging")
    waiting = [row.waiting.title for row in panel.form.queue.rows]
    assert waiting == ["Comparison of 2 methods, writing", "Unified LoRA, writing"]
    panel.starts.move(panel.form.queue.rows[1].waiting.number, -1)
    assert panel.writer.queue.rows[0].waiting.title == "Unified LoRA, writing"
    for row in tuple(panel.form.queue.rows):
        panel.starts.remove(row.waiting.number)
    view.progress.cancel.click()
    qtbot.waitUntil(lambda: not view.busy, timeout=20_000)
    assert closed.is_set()
    assert not panel.in_training()
    assert not view.progress.isVisibleTo(view)


def _row(method: str, nll: float) -> WritingRow:
    test = MeanOverPeople(value=nll, people=8)
    summary = WritingSummary(backbone="prism-mini-lm", test=test)
    return WritingRow(method=method, title=method, summary=summary)


def test_that_comparisons_are_chosen_with_what_failed_and_what_is_still_to_come(
    study: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    rows = _row("unprompted", 2.5), _row("consensus", 2.0)
    whole = WritingLeaderboard(backbone="prism-mini-lm", people=8, methods=rows)
    failed = (FailedWriting(method="e2p-1", message="It is out of memory."),)
    half = {"methods": rows[:1], "failed": failed, "finished": False, "wanted": 3}
    for name, board in (("older", whole), ("newer", whole.model_copy(update=half))):
        folder = study / layout.WRITING_COMPARISONS / name
        folder.mkdir(parents=True)
        board.save(folder / layout.LEADERBOARD)
    damaged = study / layout.WRITING_COMPARISONS / "damaged"
    damaged.mkdir()
    (damaged / layout.LEADERBOARD).write_text("[]")
    view = _comparing(study, open_window, qtbot).writer_compare
    told = [view.choice.itemText(place) for place in range(view.choice.count())]
    assert told[:2] == [
        "3 methods, prism-mini-lm, 8 people (not finished)", "2 methods, prism-mini-lm, 8 people"
    ]  # fmt: skip
    assert told[2].startswith("damaged cannot be read")
    assert view.board.told.text().startswith("Not finished: 2 of 3 methods")
    assert view.board.table.item(1, 1).text() == "failed: It is out of memory."
    view.choice.setCurrentIndex(1)
    assert view.board.table.rowCount() == 2
    assert not view.board.told.text().startswith("Not finished")
    view.choice.setCurrentIndex(2)
    assert view.board.table.rowCount() == 0
    assert view.board.told.text().startswith("damaged cannot be read")


@pytest.mark.soak
def test_that_a_comparison_ends_with_a_leaderboard_and_goes_on_where_it_was_ended(
    study: Path, tiny_language_model: str, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = _comparing(study, open_window, qtbot)
    form, view = panel.writer, panel.writer_compare
    form.backbone.pick(tiny_language_model)
    for key, value in {"epochs": 1, "answers": 0, "rank": 2}.items():
        form.fields[key].put(value)
    form._check()
    form.start.click()
    qtbot.waitUntil(lambda: bool(view._leaderboards), timeout=200_000)  # of the first method
    view.progress.cancel.click()
    qtbot.waitUntil(lambda: not view.busy, timeout=60_000)
    assert view.choice.currentText().endswith("(not finished)")
    first = writing_runs(study)[0].name
    qtbot.waitUntil(lambda: not panel.starts.busy, timeout=60_000)
    form.start.click()
    qtbot.waitUntil(
        lambda: not view.busy and all(one.finished for one in view._leaderboards), timeout=200_000
    )
    assert view.choice.count() == 1
    methods = {view.board.table.item(place, 0).text() for place in range(3)}
    assert "Unified LoRA" in methods
    runs = writing_runs(study)
    assert runs[0].name == first
    assert {run.status().state for run in runs} == {"finished"}
    assert len(runs) == 3
    form.mode.pick("run")
    qtbot.waitUntil(lambda: len(panel.table.runs.rows) == 3, timeout=60_000)
