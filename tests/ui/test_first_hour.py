"""The first hour of a new researcher, by keys and clicks, from no study to an export.

`PRISM_FIRST_HOUR=FOLDER pytest -m soak tests/ui/test_first_hour.py` keeps a picture of each step.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.demo.faces.pictures import pictures
from prism_desktop.engine.runs.folder import ACTIVE
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.window import Window
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import CONTROL, DOWN, LEFT, RIGHT, begin, press

CLICK = Qt.MouseButton.LeftButton
# a screen of 1920 x 1080 at twice the scale has half as many places
SIZES = (
    ((960, 540),) if "QT_SCALE_FACTOR" in os.environ else ((1280, 720), (1440, 900), (2560, 1440))
)


def _photographs(folder: Path, count: int = 40) -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures(count, 13, workers=1)):
        (folder / f"face {number:02d}.jpg").write_bytes(picture)
    return folder


def _keep(window: Window, qtbot: QtBot, step: str) -> None:
    """A picture of the step, where pictures are wanted."""
    qtbot.wait(150)
    if wanted := os.environ.get("PRISM_FIRST_HOUR"):
        qtbot.wait(1000)  # for all faces
        size, scale = window.size(), round(window.devicePixelRatioF())
        name = f"{step}-{window.context.theme.mode}-{size.width()}x{size.height()}"
        path = Path(wanted) / f"{name}{f'@{scale}' if scale != 1 else ''}.png"
        window.grab().toImage().save(str(path))
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


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


def _compare(window: Window, qtbot: QtBot, labeler: str, count: int, *, stop: bool = True) -> None:
    """Comparisons by `count` keys, one for each of three questions, a skip and an undo."""
    panel = begin(window, qtbot, "comparison", labeler)
    press(panel, qtbot, Qt.Key.Key_S, Qt.Key.Key_1)
    for number in range(count):
        press(panel, qtbot, (LEFT, RIGHT, DOWN)[number % 3])
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    press(panel, qtbot, LEFT)
    _keep(window, qtbot, f"4-comparison-{labeler}")
    if stop:
        qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)


def _rate(window: Window, qtbot: QtBot, labeler: str, count: int) -> None:
    panel = begin(window, qtbot, "rating", labeler)
    for number in range(count):
        press(panel, qtbot, Qt.Key(Qt.Key.Key_1 + number % 4))
    _keep(window, qtbot, f"5-rating-{labeler}")
    qtbot.keyClick(panel.trial, Qt.Key.Key_Escape)


def _answered(window: Window, labeler: str) -> int:
    study = window.context.study
    assert study is not None
    return len(study.trials(labeler))


def _train(window: Window, qtbot: QtBot) -> tuple[RunSummary, ...]:
    """A run as the form proposes it, and the runs that are there once it has ended."""
    train = window.show_panel("train")
    assert isinstance(train, TrainPanel)
    start = train.no_runs.buttons[0]
    qtbot.waitUntil(lambda: train.idle() and start.isVisible(), timeout=60_000)
    qtbot.waitUntil(start.isEnabled, timeout=60_000)
    _keep(window, qtbot, "6-train")
    qtbot.mouseClick(start, CLICK)
    study = window.context.study
    assert study is not None

    def ended() -> bool:
        runs = list_runs(Path(study.path))
        return len(runs) > 1 and not any(run.state in ACTIVE for run in runs)

    qtbot.waitUntil(ended, timeout=900_000)
    qtbot.waitUntil(lambda: not train.in_training() and train.idle(), timeout=120_000)
    qtbot.wait(2500)  # the panel looks at the runs every 2 s
    _keep(window, qtbot, "7-trained")
    return list_runs(Path(study.path))


def _explore(window: Window, qtbot: QtBot) -> ExplorePanel:
    explore = window.show_panel("explore")
    assert isinstance(explore, ExplorePanel)
    qtbot.waitUntil(lambda: explore.data is not None and explore.idle(), timeout=60_000)
    for view in ("faces", "two", "face", "agreement", "accuracy"):
        qtbot.mouseClick(explore.segments.button(view), CLICK)
        qtbot.waitUntil(explore.idle, timeout=60_000)
        assert explore.segments.current == view
        _keep(window, qtbot, f"8-{view}")
    return explore


def _export(
    explore: ExplorePanel, qtbot: QtBot, folder: Path, patch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """The figure and the table of the view in front, where the dialogs are told to put them."""
    figure, table = folder / "accuracy.svg", folder / "accuracy.csv"
    for path, action in ((figure, explore.export.figure), (table, explore.export.table)):
        patch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), "SVG (*.svg)")
        )
        explore.export.check()
        assert action.isEnabled()
        action.trigger()
        qtbot.waitUntil(lambda path=path: path.is_file() and explore.context.idle(), timeout=60_000)
    return figure, table


@pytest.mark.soak
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_that_a_newcomer_gets_from_photographs_to_an_export(
    open_window: OpenWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    mode: Mode,
) -> None:
    photographs = _photographs(tmp_path / "photographs")

    def opened(path: Path | None = None) -> Window:
        window = open_window(path)
        window.set_mode(mode)
        window.resize(*size)
        return window

    window = opened()
    _make_study(window, qtbot, photographs, tmp_path)
    study = window.context.study
    assert study is not None
    path = Path(study.path)
    _compare(window, qtbot, "L1", 46, stop=False)
    before = _answered(window, "L1")
    window.close()  # with a pair on the screen, of which a question is answered

    window = opened(path)
    assert _answered(window, "L1") == before >= 15
    _compare(window, qtbot, "L1", 44)
    assert _answered(window, "L1") >= 30
    _rate(window, qtbot, "L1", 90)
    _compare(window, qtbot, "L2", 90)
    _rate(window, qtbot, "L2", 90)
    runs = _train(window, qtbot)
    assert {run.state for run in runs} == {"finished"}
    assert len({run.method for run in runs} - {"consensus"}) == 1 == len(runs) - 1

    explore = _explore(window, qtbot)
    (exported := tmp_path / "exported").mkdir()
    figure, written = _export(explore, qtbot, exported, monkeypatch)
    assert "</svg>" in figure.read_text()
    with written.open(encoding="utf-8-sig", newline="") as file:
        head, *body = csv.reader(file)
    assert head[:3] == ["labeler", "attribute", "accuracy"]
    assert {line[0] for line in body} >= {"L1", "L2"}


@pytest.mark.soak
@pytest.mark.timeout(3100)
@pytest.mark.skipif("QT_SCALE_FACTOR" in os.environ, reason="this is the process that it starts")
def test_that_a_newcomer_gets_there_at_twice_the_scale() -> None:
    test = f"{__file__}::{test_that_a_newcomer_gets_from_photographs_to_an_export.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "soak", test],
        env=os.environ | {"QT_SCALE_FACTOR": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "2 passed" in done.stdout
