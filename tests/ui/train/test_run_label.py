"""A run is named and annotated where it is shown, and called so everywhere."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.run_label import read_label
from prism_desktop.engine.study.store import Study
from tests.ui.train.conftest import OpenTrain


def test_that_a_run_is_called_what_somebody_called_it(
    open_train: OpenTrain,
    with_run: Callable[..., Path],
    tiny_study: Study,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    run = with_run()
    panel = open_train(tiny_study)
    qtbot.waitUntil(lambda: panel.monitor.title.text() != "", timeout=10_000)
    editor = panel.monitor.run_label
    QTest.keyClicks(editor.name, "Pilot <i>&1</i>")
    QTest.keyClick(editor.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: read_label(run).name == "Pilot <i>&1</i>", timeout=10_000)
    QTest.keyClicks(editor.note, "=before")
    QTest.keyClick(editor.note, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: read_label(run).note == "=before", timeout=10_000)
    # listed again a moment later
    qtbot.waitUntil(lambda: panel._rows[0].run.note == "=before", timeout=10_000)
    qtbot.waitUntil(
        lambda: panel.monitor.title.text() == "Pilot <i>&1</i> · LoRA + visual prompt",
        timeout=10_000,
    )
    assert panel.table.runs.index(0, 1).data().startswith("Pilot <i>&1</i>")
    assert editor.name.text() == "Pilot <i>&1</i>"
    target = tmp_path / "runs.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    panel._export()
    qtbot.waitUntil(target.is_file, timeout=10_000)
    qtbot.waitUntil(panel.context.idle, timeout=10_000)
    with target.open(newline="") as file:
        line = next(csv.DictReader(file))
    assert line["Name"] == "Pilot <i>&1</i>"
    assert line["Note"].endswith("=before")
    assert not line["Note"].startswith("=")
