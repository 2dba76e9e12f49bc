"""The first hour of a new researcher, by keys and clicks, from no study to an export.

`PRISM_FIRST_HOUR=FOLDER pytest -m soak tests/ui/test_first_hour.py` keeps a picture of each step.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.window import Window
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import CONTROL, DOWN, LEFT, RIGHT, begin, press

CLICK = Qt.MouseButton.LeftButton
SIZES = ((1280, 720), (1440, 900), (2560, 1440))


def _photographs(folder: Path, count: int = 40) -> Path:
    folder.mkdir()
    draw = np.random.default_rng(13)
    for number in range(count):
        pixels = draw.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((96, 96), Image.Resampling.BICUBIC)
        picture.save(folder / f"face {number:02d}.png")
    return folder


def _keep(window: Window, qtbot: QtBot, step: str) -> None:
    """A picture of the step, where pictures are wanted."""
    qtbot.wait(150)
    if wanted := os.environ.get("PRISM_FIRST_HOUR"):
        size = window.size()
        mode = window.context.theme.mode
        name = f"{step}-{mode}-{size.width()}x{size.height()}.png"
        window.grab().toImage().save(str(Path(wanted) / name))


def _make_study(window: Window, qtbot: QtBot, photographs: Path, place: Path) -> StudyPanel:
    """New study, its folder of photographs, two labelers."""
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    _keep(window, qtbot, "1-home")
    qtbot.mouseClick(panel.home.new, CLICK)
    for field, text in ((panel.new.images, str(photographs)), (panel.new.place, str(place))):
        field.clear()
        QTest.keyClicks(field, text)
    _keep(window, qtbot, "2-new")
    qtbot.mouseClick(panel.new.create_button, CLICK)
    context = window.context
    qtbot.waitUntil(lambda: context.study is not None, timeout=30_000)
    qtbot.waitUntil(lambda: context.idle() and len(context.study.images()) == 40, timeout=30_000)
    for code in ("L1", "L2"):
        qtbot.mouseClick(panel.overview.labelers.add, CLICK)
        form = panel.overview.labelers.form
        assert form is not None
        QTest.keyClicks(form.code, code)
        qtbot.keyClick(form.code, Qt.Key.Key_Return)
        qtbot.waitUntil(
            lambda code=code: code in {each.code for each in context.study.labelers()},
            timeout=30_000,
        )
        qtbot.waitUntil(context.idle, timeout=30_000)
    _keep(window, qtbot, "3-study")
    return panel


def _answer(window: Window, qtbot: QtBot, labeler: str, count: int) -> None:
    """Comparisons and ratings, with undo and a skip among them."""
    panel = begin(window, qtbot, "comparison", labeler)
    press(panel, qtbot, Qt.Key.Key_S, Qt.Key.Key_1)
    for number in range(count):
        press(panel, qtbot, (LEFT, RIGHT, DOWN)[number % 3])
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    press(panel, qtbot, LEFT)
    _keep(window, qtbot, f"4-comparison-{labeler}")
    press(panel, qtbot, Qt.Key.Key_Escape)
    panel = begin(window, qtbot, "rating", labeler)
    for number in range(count):
        press(panel, qtbot, Qt.Key(Qt.Key.Key_1 + number % 4))
    _keep(window, qtbot, f"5-rating-{labeler}")
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_that_a_newcomer_gets_from_photographs_to_an_export(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, size: tuple[int, int], mode: Mode
) -> None:
    photographs = _photographs(tmp_path / "photographs")
    window = open_window()
    window.set_mode(mode)
    window.resize(*size)
    _make_study(window, qtbot, photographs, tmp_path)
    study = window.context.study
    assert study is not None
    _answer(window, qtbot, "L1", 90)
    path = Path(study.path)
    window.close()

    window = open_window(path)
    window.set_mode(mode)
    window.resize(*size)
    _answer(window, qtbot, "L2", 90)
    train = window.show_panel("train")
    assert isinstance(train, TrainPanel)
    qtbot.waitUntil(lambda: train.idle() and train.form.start.isEnabled(), timeout=60_000)
    _keep(window, qtbot, "6-train")
    qtbot.mouseClick(train.form.start, CLICK)
    qtbot.waitUntil(lambda: bool(list((path / "runs").glob("*/predictions*"))), timeout=900_000)
    qtbot.waitUntil(lambda: not train.in_training(), timeout=120_000)
    _keep(window, qtbot, "7-trained")
    explore = window.show_panel("explore")
    assert isinstance(explore, ExplorePanel)
    qtbot.waitUntil(lambda: explore.data is not None and explore.idle(), timeout=60_000)
    for view in ("faces", "two", "face", "agreement", "accuracy"):
        qtbot.mouseClick(explore.segments.button(view), CLICK)
        qtbot.waitUntil(explore.idle, timeout=60_000)
        _keep(window, qtbot, f"8-{view}")
    table = explore.view("accuracy").table()
    assert table is not None
    assert table.body
