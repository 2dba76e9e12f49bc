"""Screenshots of every panel, drawn without a display: for
the README, the demo's report and golden images."""

import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from PySide6.QtCore import QBuffer, QEventLoop, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from prism_desktop.engine import orders_to_end
from prism_desktop.engine.errors import MemoryFullError, PrismError
from prism_desktop.engine.files import make_folder, put_bytes, write_named
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.app import build, make_application
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.window import PANELS, Window

SIZE = (1440, 900)
PATIENCE = 60.0  # seconds that one view may take to fill
_OF_IMAGES = ("map", "where")  # views of maps, which texts have none of
_SETTLED = 150  # ms without anything to do before the picture is taken
_PASSES = 8  # of layouts, each of which may ask for the next


@runtime_checkable
class Viewable(Protocol):
    """A panel with views that can be shown by name."""

    def views(self) -> tuple[str, ...]: ...
    def show_view(self, name: str) -> None: ...
    def idle(self) -> bool: ...


def render_all(study: Path, out: Path, theme: str = "light") -> list[Path]:
    """Draw every view of every panel on `study`; nothing is written to it.

    Args:
        theme: "light", "dark" or "both".

    Returns:
        The PNG files, PANEL-VIEW-THEME.png, in the order of the rail; of a study of texts
        texts-PANEL-VIEW-THEME.png, so that those of faces lie beside them.

    Raises:
        PrismError: the study cannot be opened.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    modes: tuple[Mode, ...] = ("light", "dark") if theme == "both" else (cast(Mode, theme),)
    make_folder(out)
    files = []
    for mode in modes:
        with closing(_render(study, out, mode)) as pictures:
            while (file := _next(pictures)) is not None:
                files.append(file)
    return files


def _next(pictures: Iterator[Path]) -> Path | None:
    """The next picture; an order to end waits for it, since what Qt calls cannot be left."""
    with orders_to_end.held():
        return next(pictures, None)


def _render(study: Path, out: Path, mode: Mode) -> Generator[Path, None, None]:
    """Draw all views in one mode with one window.

    Its settings lie in a temporary folder, so that the pictures do not depend on the user's own and
    change none of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        window = build(
            make_application(["prism-desktop"]), Settings(Path(folder) / "window.ini"), mode
        )
        try:
            window.resize(*SIZE)
            window.show()
            _open(window, study)
            of_texts = window.context.words is not FACES
            for name in PANELS:
                panel = window.show_panel(name)
                for view in _views(window, panel):
                    if of_texts and view in _OF_IMAGES:
                        continue
                    file = out / f"{'texts-' if of_texts else ''}{name}-{view}-{mode}.png"
                    write_named(file, partial(_save, window.grab()))
                    yield file
                window.context.labeler_mode.emit("")  # a protocol led the labeler
        finally:
            window.context.labeler_mode.emit("")
            window.close()
            window.deleteLater()


def _save(picture: QPixmap, beside: Path) -> None:
    """Write a picture as PNG; Qt itself would not say why it could not."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):
        raise MemoryFullError("Memory ran out while a picture was drawn. Close other programs.")
    put_bytes(beside, bytes(buffer.data().data()))


def _open(window: Window, study: Path) -> None:
    said: list[str] = []
    window.context.messaged.connect(lambda _, text: said.append(text))
    window.context.notes_studies = False
    window.context.open_study(study)  # read-only by itself where another window has it
    wait_until(lambda: window.context.study is not None or (bool(said) and window.context.idle()))
    window.messages.hide_message()
    if window.context.study is None:
        raise PrismError(said[-1] if said else f"The study {study} did not open in time.")


def _views(window: Window, panel: QWidget) -> Iterator[str]:
    if not isinstance(panel, Viewable):
        pause(_SETTLED)
        yield "empty"
        return
    _settle(window, panel)
    for view in panel.views():
        panel.show_view(view)
        _settle(window, panel)
        yield view


def _settle(window: Window, panel: Viewable) -> None:
    """Wait until a panel shows all that it asked for, and the layout rests."""
    pause(_SETTLED)
    wait_until(lambda: panel.idle() and window.context.idle())
    pause(_SETTLED)
    for _ in range(_PASSES):  # on a busy machine the pause ends before layouts do
        QApplication.processEvents()


def wait_until(done: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Let Qt work until `done`; False if it took too long."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        pause(10)
    return True


def pause(milliseconds: int) -> None:
    """Let Qt, and Python's other threads, work for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
