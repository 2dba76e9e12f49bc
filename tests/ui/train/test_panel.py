"""The Train panel in a real window, on fabricated runs and on one real run."""

import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.process_identity import birth
from prism_desktop.engine.runs.run_events import Step
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui import leave_dialogs
from prism_desktop.ui.train import operations
from prism_desktop.ui.train import panel as panel_module
from prism_desktop.ui.widgets.waiting_page import WaitingPage
from tests.ui import fabricate
from tests.ui.train.conftest import CODES, NAMES, OpenTrain

MakeRun = Callable[..., Path]


def test_that_without_a_study_the_panel_says_so(open_train: OpenTrain) -> None:
    assert open_train().no_study.isVisible()


def test_that_without_runs_the_panel_offers_to_start_one(
    open_train: OpenTrain, tiny_study: Study
) -> None:
    panel = open_train(tiny_study)
    assert panel.no_runs.isVisible()
    assert panel.no_runs.buttons[0].text() == "Start training"


def test_that_there_is_one_start_at_a_time(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    def starts() -> list[str]:
        found = panel.window().findChildren(QPushButton)
        return [each.text() for each in found if each.isVisible() and "Start" in each.text()]

    panel = open_train(tiny_study)
    assert starts() == ["Start training"]
    panel.show_view("compare")
    assert starts() == ["Start the comparison"]
    panel.show_view("runs")
    assert starts() == ["Start training"]
    with_run()
    panel.refresh()
    qtbot.waitUntil(lambda: not panel.no_runs.isVisible(), timeout=10_000)
    assert starts() == ["Start training"]


def test_that_runs_are_listed_where_reading_them_takes_longer_than_the_time_between_looks(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = operations.rows

    def slowly(path: Path) -> tuple[operations.RunRow, ...]:
        time.sleep(0.2)
        return real(path)

    monkeypatch.setattr(panel_module, "_POLL", 20)
    panel = open_train(tiny_study)
    monkeypatch.setattr(operations, "rows", slowly)
    with_run()
    qtbot.waitUntil(lambda: len(panel.table.runs.rows) == 1, timeout=10_000)


def test_that_runs_are_not_denied_before_they_are_read(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run()
    panel = open_train(tiny_study)
    study = panel.context.study
    assert study is not None
    path, release = Path(study.path), threading.Event()
    panel.context.close_study()
    qtbot.waitUntil(panel.context.idle, timeout=10_000)
    with qtbot.waitSignal(panel.context.study_opened, timeout=10_000):
        panel.context.open_study(path)
        panel.context.ask(release.wait, owner=panel)
    try:
        assert not panel.no_runs.isVisible()
        said = panel._right.currentWidget()
        assert isinstance(said, WaitingPage)
        qtbot.waitUntil(said.sentence.isVisible, timeout=10_000)
    finally:
        release.set()
    qtbot.waitUntil(panel.monitor.isVisible, timeout=10_000)


def test_that_the_form_offers_what_the_study_has(open_train: OpenTrain, tiny_study: Study) -> None:
    panel = open_train(tiny_study)
    assert panel.form.labelers.itemText(0) == "All 3 labelers"
    assert panel.form.attributes.itemText(0) == "All 2 attributes"
    assert panel.form.device.itemText(0) == "Automatic: CPU, 2 threads"


def test_that_runs_are_listed_and_the_newest_personal_one_is_shown(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run("20260101-120000-lora-visual-prompt")
    with_run("20260101-130000-consensus", method="consensus")
    panel = open_train(tiny_study)
    qtbot.waitUntil(lambda: len(panel.monitor.per_labeler._minis) == 3, timeout=10_000)
    assert [row.run.method for row in panel.table.runs.rows] == ["consensus", "lora-visual-prompt"]
    assert panel.monitor.title.text() == "LoRA + visual prompt"
    assert [mini.name for mini in panel.monitor.per_labeler._minis] == [
        "Labeler 1",
        "Labeler 2",
        "Labeler 3",
    ]
    progress = panel.monitor._progress
    assert progress.best_epoch is not None
    assert progress.best_epoch < progress.val_accuracy.x[-1]
    best = progress.val_accuracy.y[progress.best_epoch - 1]
    assert panel.monitor.tiles.values["Validation accuracy"].text() == f"{best:.1%}"
    assert panel.monitor.tiles.captions["Validation accuracy"].text() == "Validation, best epoch"
    small = progress.labelers["L1"].val
    assert panel.monitor.per_labeler._minis[0].value == small.y[progress.best_epoch - 1]
    assert panel.table.runs.rows[1].gain is not None
    assert not panel.monitor.resume.isVisible()
    assert "Epoch 12" in panel.log.toPlainText()


def test_that_ticked_runs_are_drawn_into_the_same_charts(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run("20260101-120000-lora-visual-prompt")
    with_run("20260101-130000-consensus", method="consensus")
    panel = open_train(tiny_study)
    panel.table.setFocus()
    panel.table.setCurrentIndex(panel.table.runs.index(0, 1))
    panel.show_run("20260101-120000-lora-visual-prompt")
    panel.table.setCurrentIndex(panel.table.runs.index(0, 1))
    panel.show_run("20260101-120000-lora-visual-prompt")
    panel.table.runs.setData(
        panel.table.runs.index(0, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole
    )
    qtbot.waitUntil(lambda: len(panel.monitor.loss._shown) == 4, timeout=10_000)
    qtbot.waitUntil(lambda: len(panel.monitor.loss._shown[3].x) == 12, timeout=10_000)
    assert panel.monitor.loss._shown[3].name.startswith("Consensus")


def test_that_space_ticks_a_run(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study
) -> None:
    with_run()
    panel = open_train(tiny_study)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    assert panel.table.runs.ticks == ["20260101-120000-lora-visual-prompt"]
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    assert panel.table.runs.ticks == []


def test_that_a_failed_run_shows_why_and_offers_to_resume(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run(state="failed")
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.failure_box.isVisible, timeout=10_000)
    assert "ran out of memory" in panel.monitor.failure.text()
    assert "smaller batch" in panel.monitor.failure.text()
    assert panel.monitor.resume.isVisible()
    assert not panel.monitor.pause.isVisible()


def test_that_a_failed_run_offers_a_report_to_give_away(
    open_train: OpenTrain,
    with_run: MakeRun,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_run(state="failed")
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.report.isVisible, timeout=10_000)
    target = tmp_path / "report.zip"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    panel.monitor.report.click()
    qtbot.waitUntil(target.exists, timeout=10_000)
    with zipfile.ZipFile(target) as bundle:
        assert "computer.json" in bundle.namelist()


def test_that_a_killed_run_offers_to_resume(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run(state="training")  # says that it trains, but its process is gone
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.resume.isVisible, timeout=10_000)
    assert "interrupted" in panel.monitor.state.text()
    assert "Resume" in panel.monitor.failure.text()


def test_that_a_run_that_goes_on_is_found_again_and_followed_to_its_end(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(state="training")
    status = json.loads((run / "status.json").read_text())
    status |= {"pid": os.getpid(), "born": birth(os.getpid())}
    (run / "status.json").write_text(json.dumps(status))
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.pause.isVisible, timeout=10_000)
    seen = len(panel.monitor._progress.val_loss.x)
    rest = fabricate.events(
        "lora-visual-prompt", 12, seen + 1, CODES, NAMES, np.random.default_rng(0)
    )
    with (run / "events.jsonl").open("a") as file:
        file.writelines(
            json.dumps(event) + "\n" for event in rest if event.get("epoch") == seen + 1
        )
    qtbot.waitUntil(lambda: len(panel.monitor._progress.val_loss.x) == seen + 1, timeout=10_000)
    (run / "status.json").write_text(json.dumps(status | {"state": "finished"}))
    with (run / "events.jsonl").open("a") as file:
        file.write(
            json.dumps({"type": "finished", "best_epoch": seen + 1, "summary": {}, "time": 0})
            + "\n"
        )
    qtbot.waitUntil(lambda: "finished" in panel.monitor.state.text(), timeout=10_000)
    assert not panel.monitor.pause.isVisible()


def test_that_buttons_tell_the_run_what_to_do(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(state="training")
    status = json.loads((run / "status.json").read_text()) | {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
    }
    (run / "status.json").write_text(json.dumps(status))
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.pause.isVisible, timeout=10_000)
    for pressed, command in ((panel.monitor.pause, "pause"), (panel.monitor.stop, "stop")):
        pressed.click()
        qtbot.waitUntil(
            lambda command=command: (
                (run / "control.json").is_file()
                and json.loads((run / "control.json").read_text())["command"] == command
            ),
            timeout=10_000,
        )
    (run / "status.json").write_text(json.dumps(status | {"state": "stopped"}))
    qtbot.waitUntil(lambda: panel.monitor.resume.isVisible(), timeout=10_000)


def test_that_a_run_started_here_ends_with_results(
    open_train: OpenTrain, tiny_study: Study, tiny_backbone: str, qtbot: QtBot
) -> None:
    panel = open_train(tiny_study)
    panel.form.set_backbone(tiny_backbone)
    panel.form.method.setCurrentIndex(panel.form.method.findData("consensus"))
    panel.form.fields["max_steps"].put(2)
    QTest.mouseClick(panel.form.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(row.live for row in panel.table.runs.rows), timeout=30_000)
    qtbot.waitUntil(
        lambda: any(row.run.state == "finished" for row in panel.table.runs.rows), timeout=100_000
    )
    qtbot.waitUntil(lambda: "finished" in panel.monitor.state.text(), timeout=10_000)
    assert len(panel.monitor._progress.step_loss.x) == 2
    assert panel.table.runs.rows[0].run.macro is not None


def test_that_a_study_closed_during_a_run_leaves_no_job_behind(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(state="training")
    status = json.loads((run / "status.json").read_text()) | {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
    }
    (run / "status.json").write_text(json.dumps(status))
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.pause.isVisible, timeout=10_000)
    (job,) = panel._progress_store._watches.values()
    panel._progress_store.forget()
    assert panel.context.study is not None
    panel.context.changed.emit(
        Changes(images=False, labelers=True, attributes=False, trials=frozenset(), runs=False)
    )
    # told before it heard that it is over
    job.events.emit([[Step(epoch=9, step=1, loss=1.0)]])
    qtbot.waitUntil(lambda: job not in panel.context.jobs._running, timeout=10_000)


def test_that_the_consensus_model_is_watched_while_it_is_trained_first(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run("20260101-120000-lora-visual-prompt", state="training")
    with_run("20260101-120001-consensus", method="consensus")
    status = json.loads((run / "status.json").read_text()) | {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
    }
    (run / "status.json").write_text(json.dumps(status))
    stage = {"type": "stage", "name": "consensus", "run": "20260101-120001-consensus", "time": 0.0}
    (run / "events.jsonl").write_text(json.dumps(stage) + "\n")
    panel = open_train(tiny_study)
    panel.show_run("20260101-120000-lora-visual-prompt")
    qtbot.waitUntil(lambda: len(panel.monitor.loss._shown[2].x) == 12, timeout=10_000)
    assert panel.monitor.loss._shown[2].name == "consensus, validation"


def test_that_a_run_that_is_tested_can_no_longer_be_paused(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    run = with_run(state="training")
    status = json.loads((run / "status.json").read_text()) | {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
    }
    (run / "status.json").write_text(json.dumps(status))
    panel = open_train(tiny_study)
    qtbot.waitUntil(panel.monitor.pause.isVisible, timeout=10_000)
    with (run / "events.jsonl").open("a") as file:
        file.write(json.dumps({"type": "stage", "name": "evaluating", "time": 0}) + "\n")
    qtbot.waitUntil(lambda: not panel.monitor.pause.isVisible(), timeout=10_000)
    assert not panel.monitor.stop.isVisible()
    assert panel.monitor.discard.isVisible()


def test_that_closing_asks_while_a_training_begun_here_goes_on(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_run(state="training")
    status = json.loads((run / "status.json").read_text()) | {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
    }
    (run / "status.json").write_text(json.dumps(status))
    panel = open_train(tiny_study)
    assert panel.in_training() == 0  # another window's run goes on without this one
    panel._begun([Done(RunFolder(run))])
    asked: list[int] = []
    monkeypatch.setattr(leave_dialogs, "sure_to_stop", lambda _, count, kept: asked.append(count))
    assert not panel.window().close()
    assert panel.window().isVisible()
    (run / "status.json").write_text(json.dumps(status | {"state": "finished"}))
    assert panel.window().close()
    assert asked == [1]


def test_that_a_renamed_labeler_moves_no_choice(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study, qtbot: QtBot
) -> None:
    with_run("20260101-120000-lora-visual-prompt")
    with_run("20260101-130000-lora-visual-prompt")
    panel = open_train(tiny_study)
    panel.form.labelers.tick(["L2", "L3"])
    panel.form.set_backbone("prism-mini")
    panel.show_run("20260101-120000-lora-visual-prompt")
    study = panel.context.study
    assert study is not None
    panel.context.write(lambda: study.update_labeler("L2", display_name="Bea"), owner=panel)
    qtbot.waitUntil(lambda: panel.form.labelers.itemText(0) == "Bea, Labeler 3", timeout=10_000)
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel._shown == "20260101-120000-lora-visual-prompt"
    assert panel.form.config().backbone == "prism-mini"


def test_that_tab_leaves_the_table_of_runs(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study
) -> None:
    with_run()
    panel = open_train(tiny_study)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_Tab)
    assert not panel.table.hasFocus()


def test_that_an_ended_run_can_be_deleted(
    open_train: OpenTrain,
    with_run: MakeRun,
    tiny_study: Study,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = with_run()
    panel = open_train(tiny_study)
    qtbot.waitUntil(lambda: panel.monitor.discard.text() == "De&lete", timeout=10_000)
    asked: list[bool] = []
    monkeypatch.setattr(
        panel_module, "sure_to_discard", lambda _, *, live: asked.append(live) or True
    )
    panel.monitor.discard.click()
    qtbot.waitUntil(panel.no_runs.isVisible, timeout=10_000)
    assert asked == [False]
    assert not (run / "predictions.parquet").exists()


def test_that_a_run_stopped_and_tested_does_not_offer_to_resume(
    open_train: OpenTrain, with_run: MakeRun, tiny_study: Study
) -> None:
    with_run(state="stopped")
    panel = open_train(tiny_study)
    assert panel.monitor.state.text().startswith("stopped")
    assert not panel.monitor.resume.isVisible()
    assert panel.monitor.discard.isVisible()


def test_that_a_chosen_backbone_is_there_again_after_a_restart(
    open_train: OpenTrain, tiny_study: Study, tiny_backbone: str
) -> None:
    box = open_train(tiny_study).form.backbone
    box.pick(tiny_backbone)
    box.activated.emit(box.currentIndex())  # as by hand
    assert open_train(tiny_study).form.backbone.name == tiny_backbone
