"""Measuring how the screen and the keys keep time: a small window that swaps frames for a while.

A swap is only known where OpenGL waits for the screen. On a platform without a screen, or one that
does not wait, nothing is measured, and the report says so.
"""

import threading
import time
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QOpenGLContext, QScreen, QSurfaceFormat
from PySide6.QtOpenGL import QOpenGLWindow

from prism_desktop.engine.labeling.timing import (
    TimingReport,
    figures_of,
    now_report,
)

_SCREENLESS: Final = frozenset({"offscreen", "minimal", "minimalegl", "vnc", "linuxfb"})
_FRAMES: Final = 240
_WARM_UP: Final = 20  # frames before one looks
_LONGEST: Final = 15_000  # ms that a measurement may take
_KEY_EVERY: Final = 0.037  # s, out of step with the frames
_WHITE: Final = 48  # px of the patch for a photodiode


class _Probe(QOpenGLWindow):
    """Paints frame after frame, and notes when it painted, swapped and was told of keys."""

    def __init__(self, patch: bool) -> None:
        super().__init__(QOpenGLWindow.UpdateBehavior.NoPartialUpdate)
        self._patch = patch
        self.paints: list[float] = []
        self.swaps: list[float] = []
        self.keys: list[float] = []
        self.posted: list[float] = []
        self._painted = 0.0
        self.frameSwapped.connect(self._swapped)

    def paintGL(self) -> None:
        """Grey; with a patch, a corner that is black and white by turns."""
        functions = self.context().functions()
        functions.glDisable(_SCISSOR)
        functions.glClearColor(0.5, 0.5, 0.5, 1.0)
        functions.glClear(_COLOUR)
        if self._patch:
            size = round(_WHITE * self.devicePixelRatio())
            shade = float(len(self.swaps) % 2)
            functions.glEnable(_SCISSOR)
            functions.glScissor(0, 0, size, size)
            functions.glClearColor(shade, shade, shade, 1.0)
            functions.glClear(_COLOUR)
        self._painted = time.perf_counter()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        now = time.perf_counter()
        if self.posted:
            self.keys.append(now - self.posted.pop(0))

    def _swapped(self) -> None:
        self.swaps.append(time.perf_counter())
        self.paints.append(self._painted)
        self.update()


_COLOUR: Final = 0x4000  # GL_COLOR_BUFFER_BIT
_SCISSOR: Final = 0x0C11  # GL_SCISSOR_TEST


def measure_timing(patch: bool = False) -> TimingReport:
    """Measure for some seconds; an application must be there.

    Args:
        patch: paint a corner black and white by turns, for a photodiode.
    """
    screen, platform = QGuiApplication.primaryScreen(), QGuiApplication.platformName()
    described, nominal = describe(screen), screen.refreshRate()

    def without(why: str) -> TimingReport:
        return now_report(platform, described, nominal, why)

    if platform in _SCREENLESS:
        return without(f"the platform {platform} has no screen")
    form = QSurfaceFormat()
    form.setSwapInterval(1)
    context = QOpenGLContext()
    context.setFormat(form)
    if not context.create():
        return without("OpenGL is not available")
    del context
    probe = _Probe(patch)
    probe.setFormat(form)
    _run(probe)
    skip = slice(_WARM_UP, None)
    found = figures_of(probe.swaps[skip], probe.paints[skip], probe.keys, nominal)
    if isinstance(found, str):
        return without(found)
    return without("").model_copy(update={"figures": found})


def describe(screen: QScreen) -> str:
    """A screen by name and size in pixels."""
    size, ratio = screen.size(), screen.devicePixelRatio()
    name = screen.name() or "screen"
    return f"{name}, {round(size.width() * ratio)} x {round(size.height() * ratio)}"


def _run(probe: _Probe) -> None:
    """Show the window until there are frames enough, with a key now and then."""
    loop, end = QEventLoop(), threading.Event()
    probe.setFlags(Qt.WindowType.FramelessWindowHint)
    probe.resize(480, 320)

    def post() -> None:
        while not end.wait(_KEY_EVERY):
            probe.posted.append(time.perf_counter())
            key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_F24, Qt.KeyboardModifier.NoModifier)
            QCoreApplication.postEvent(probe, key)

    def look() -> None:
        if len(probe.swaps) >= _FRAMES + _WARM_UP:
            loop.quit()

    probe.frameSwapped.connect(look)
    QTimer.singleShot(_LONGEST, loop.quit)
    probe.show()
    poster = threading.Thread(target=post, name="posting keys", daemon=True)
    poster.start()
    loop.exec()
    end.set()
    poster.join()
    probe.close()
    probe.deleteLater()
