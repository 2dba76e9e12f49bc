"""Key press to next image painted, on 1024-px images, in the real window with a real store; pairs
at random, by sorting, chosen by what they tell (planned in another process meanwhile), and under a
protocol that keeps similar faces apart.

Asked: p95 <= 16 ms.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest

from prism_desktop.engine.labeling.protocol import BlockRules, Protocol, SpacingRules
from prism_desktop.engine.study.records import Kind, NewImage, Order
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.app import build, make_application
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.window import Window

# images, key presses for each task, ms between them, ms
IMAGES, PRESSES, PAUSE, LIMIT = (140, 120, 120, 16.0)
TASKS: tuple[tuple[Kind, Order], ...] = (
    ("rating", "random"), ("comparison", "random"), ("comparison", "sorted"),
    ("comparison", "telling"),
)  # fmt: skip
PROTOCOL = Protocol(
    blocks=(BlockRules(name="Pairs", kind="comparison", trials=400),),
    spacing=SpacingRules(trials=3, similar_by="statistics"),
    strength=True,
)
KEYS = {"rating": Qt.Key.Key_3, "comparison": Qt.Key.Key_Left}


def main() -> int:
    """Print p50 and p95 for both tasks; 1 if a p95 is above the limit."""
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder))
        app = make_application([sys.argv[0]])
        window = build(app, Settings(Path(folder) / "window.ini"), "light")
        window.resize(1440, 900)
        window.show()
        window.context.open_study(study)
        _until(lambda: window.context.study is not None)
        worst = max(_measure(window, kind, order) for kind, order in TASKS)
        assert window.context.study is not None
        window.context.study.put_protocol(PROTOCOL.toml())
        worst = max(worst, _measure(window, "comparison", "random", " under a protocol"))
        window.context.labeler_mode.emit("")
        window.close()
    return int(worst > LIMIT)


def _measure(window: Window, kind: Kind, order: Order, led: str = "") -> float:
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    assert window.context.study is not None
    window.context.study.set_order(kind, order)
    _until(panel.idle)
    panel.begin("L1", kind)
    _until(
        lambda: panel.pages.currentWidget() in (panel.instructions, panel.trial) and panel.idle()
    )
    for _ in range(2 if led else 1):  # a protocol has a card before its first block
        panel.instructions.begun.emit()
        _wait(300)
    _until(panel.idle)
    _wait(300)
    times: list[float] = []
    worked: list[float] = []  # ms of the window's thread, which other work does not touch
    painted: list[tuple[float, float]] = []
    panel.trial.stimulus.painted.connect(
        lambda *_: painted.append((time.perf_counter(), time.thread_time()))
    )
    for _ in range(PRESSES):
        _wait(PAUSE)
        painted.clear()
        start, begun = time.perf_counter(), time.thread_time()
        QTest.keyClick(panel.trial, KEYS[kind])
        _until(lambda: bool(painted))
        times.append(1000 * (painted[0][0] - start))
        worked.append(1000 * (painted[0][1] - begun))
    _until(panel.idle)
    p50, p95 = np.percentile(times, [50, 95])
    print(
        f"{kind}, {order}{led}: key press to next image painted: p50 {p50:.1f} ms, "
        f"p95 {p95:.1f} ms, of the window's thread p95 {np.percentile(worked, 95):.1f} ms "
        f"(asked: p95 <= {LIMIT:.0f} ms)"
    )
    return float(p95)


def _study(folder: Path) -> Path:
    """A study of photograph-like 1024-px JPEGs, one
    attribute, so that each press asks for a new image."""
    random = np.random.default_rng(0)
    made = []
    for number in range(IMAGES):
        coarse = Image.fromarray(random.integers(0, 255, (48, 48, 3), dtype=np.uint8))
        path = folder / f"{number:03d}.jpg"
        coarse.resize((1024, 1024), Image.Resampling.BICUBIC).save(path, quality=92)
        made.append(NewImage(path, path.name, f"{number:064x}", 1024, 1024))
    with Study.create(folder / "bench.prism", attributes=("attractive",)) as study:
        study.add_images(made)
        study.add_labeler("L1")
        study.set_target("comparison", PRESSES * len(TASKS))  # nobody is told that it is enough
    return folder / "bench.prism"


def _until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        _wait(1)


def _wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
