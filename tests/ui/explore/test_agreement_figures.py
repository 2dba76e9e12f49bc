"""The figure, the table and the command of agreement say what the window shows."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis import figures, plotting
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run as _typed
from tests.ui.explore.conftest import CODES, OpenExplore, shown


def test_that_the_command_draws_the_window_s_figure(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    figure = panel.agreement.figure()
    assert figure is not None
    figure.draw(tmp_path / "window.svg")
    drawn = (tmp_path / "window.svg").read_text("utf-8")
    for text in ("Labeler 1 (L1)", "Agreement on all attributes, 3 labelers", " [", ">n "):
        assert text in drawn
    for ending in ("svg", "pdf", "png"):
        file = tmp_path / f"command.{ending}"
        assert _typed("agreement", tiny_study.path, "--figure", file) == 0
        assert file.stat().st_size > 1000
    assert (tmp_path / "command.svg").read_text("utf-8") == drawn
    assert _typed("agreement", tiny_study.path, "--figure", tmp_path / "a.docx") == 2


@pytest.mark.parametrize("threshold", [0, 40, 55, 100])
def test_that_window_figure_and_table_have_the_same_links(
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threshold: int,
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    assert view._found is not None
    found = view._found.found
    found.matrix[0, 1] = found.matrix[1, 0] = np.nan  # as if they shared nothing
    found.counts[0, 1] = found.counts[1, 0] = 0
    view.threshold.setValue(threshold)
    view._filter()
    window = {
        (found.labelers[line.one], found.labelers[line.other], round(line.agreement, 9), line.count)
        for line in view.network.lines()
    }
    assert view.links.text() == f"{counted(len(window), 'link')} of at least {threshold}%"
    drawn: list[Any] = []
    monkeypatch.setattr(plotting, "save_figure", lambda *_: None)
    monkeypatch.setattr(figures, "agreement_figure", lambda *told: drawn.append(told[3]))
    figure = view.figure()
    assert figure is not None
    figure.draw(tmp_path / "agreement.svg")
    links = drawn[0].links
    assert {
        (link.labeler, link.other, round(link.agreement, 9), link.count) for link in links
    } == window
    path = tmp_path / "agreement.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    panel.export.check()
    assert panel.export.table.isEnabled()  # the answers are there without any run
    panel.export.table.trigger()
    qtbot.waitUntil(lambda: path.is_file() and panel.idle(), timeout=10_000)
    code = {name: key for key, name in view._found.names.items()}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    table = {
        (
            code[row["labeler"]],
            code[row["other"]],
            round(float(row["agreement"]), 9),
            int(row["shared answers"]),
        )
        for row in rows
        if row["labeler"] != row["other"]
        and row["agreement"]
        and float(row["agreement"]) >= threshold / 100
    }
    assert table == window
    assert len(rows) == len(CODES) * (len(CODES) + 1) // 2


def test_that_the_figure_draws_a_line_for_each_link() -> None:
    from prism_desktop.engine.analysis.agreement import AgreementResult
    from prism_desktop.engine.analysis.network import links, network

    matrix = np.array([[1, 0.7, np.nan], [0.7, 1, 0.5], [np.nan, 0.5, 1]])
    counts = np.where(np.isnan(matrix), 0, 9)
    found = AgreementResult(CODES, matrix, counts, matrix, matrix, "comparisons", None)
    for threshold in (0.0, 0.6, 0.9):
        figure = figures.network_figure(network(found, threshold))
        assert len(figure.axes[0].lines) == len(links(found, threshold))
