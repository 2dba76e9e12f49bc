"""Accuracies as dumbbells, and what their marks are said to mean."""

from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.dumbbell import AccuracyRow, DumbbellKey, Dumbbells


def test_that_only_marks_that_are_drawn_are_explained(qtbot: QtBot, context: AppContext) -> None:
    key = DumbbellKey(context.theme)
    shown = Dumbbells(context.theme, key)
    qtbot.addWidget(shown)
    qtbot.addWidget(key)
    alone = AccuracyRow("Ada", QColor(), 0.7, 0.6, 0.8, 90)
    shown.show_rows([alone])
    assert key.words() == "personal model, 95% interval"
    beside = AccuracyRow("Bo", QColor(), 0.7, 0.6, 0.8, 90, 0.6, ceiling=0.9)
    shown.show_rows([alone, beside])
    assert key.words() == "consensus model, personal model, 95% interval, ceiling"
