"""Tables of texts that are dropped on the window, or chosen in it."""

from pathlib import Path

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.panel import StudyPanel
from tests.ui.conftest import OpenWindow


def test_that_texts_come_in_before_the_judgments_dropped_with_them(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """The study was made for nothing in particular; from then on it is one of replies."""
    texts, judged = tmp_path / "t.csv", tmp_path / "j.csv"
    texts.write_text("id,text,prompt\na,Yes.,Is it?\nb,No.,Is it?\nc,,Is it?\n")
    judged.write_text("rater,left,right,winner,attribute\nL1,a,b,a,kind\n")
    window = open_window(Study.create(tmp_path / "s.prism", attributes=["kind"]))
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    study = window.context.study
    assert study is not None
    panel.take([judged, texts])
    qtbot.waitUntil(lambda: len(study.texts()) == 2, timeout=10_000)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.assistant, timeout=10_000)
    qtbot.waitUntil(lambda: panel.assistant.plan is not None, timeout=10_000)
    plan = panel.assistant.plan
    assert plan is not None
    assert plan.headline() == "1 comparison by 1 rater of 2 replies"
    panel.show_view("overview")
    said = [part.text() for part in panel.overview.findChildren(QLabel)]
    qtbot.waitUntil(lambda: window.context.idle())
    assert "How kind does this reply sound?\nWhich reply sounds kinder?" in [
        part.text() for part in panel.overview.findChildren(QLabel)
    ]
    assert any("text is empty" in text for text in said) or study.imports()[0].refused
    assert study.check() == []
