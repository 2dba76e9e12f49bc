"""What labelers do in tests: begin, press keys, wait for the disk."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.records import Kind, TrialRecord
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.window import Window

LEFT, RIGHT, DOWN = Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Down
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def begin(
    window: Window, qtbot: QtBot, kind: Kind = "comparison", labeler: str = "L1"
) -> LabelPanel:
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    panel.start.choose(labeler, kind)
    qtbot.mouseClick(panel.start.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() in (panel.instructions, panel.trial))
    if panel.pages.currentWidget() is panel.instructions:
        qtbot.keyClick(panel.instructions, Qt.Key.Key_N)
    rest(panel, qtbot)
    return panel


def rest(panel: LabelPanel, qtbot: QtBot) -> None:
    """Wait until the faces were painted and everything is on the disk."""

    def done() -> bool:
        controller = panel.trial.controller
        slot = (
            controller.queue.current
            if controller is not None and controller.queue is not None
            else None
        )
        return controller is not None and not controller.unsaved and (slot is None or slot.seen)

    qtbot.waitUntil(done, timeout=10_000)


def press(
    panel: LabelPanel, qtbot: QtBot, *keys: Qt.Key, modifier: Qt.KeyboardModifier | None = None
) -> None:
    for key in keys:
        qtbot.keyClick(panel.trial, key, modifier or Qt.KeyboardModifier.NoModifier)
        rest(panel, qtbot)


def trials(window: Window, current: bool = True) -> tuple[TrialRecord, ...]:
    study = window.context.study
    assert study is not None
    return study.trials("L1", current=current)


def image(panel: LabelPanel) -> tuple[str, ...]:
    return panel.trial.stimulus._images
