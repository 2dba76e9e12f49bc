"""Application start and end: the one window, the log, and what no one caught."""

import builtins
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from prism_desktop.engine import orders_to_end, paths
from prism_desktop.engine.processes.last_resort import leave_within
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.preferences import Settings
from prism_desktop.ui.theme import Mode, Theme, install_fonts
from prism_desktop.ui.window import FRAME, PANELS, Window, panel_class

_TERMINATED = 143  # the exit code of what is asked to end
_LOOKING_ON = "This window was opened to look only, so nothing can be changed in it."
_LEAVE_SECONDS = 10.0  # after the last answer is on the disk
_LATER = 1500  # ms after the start
_AFTER_YOU = 0.02  # s between two panels, for a window that waits to import one


def main(study: Path | None = None, *, read_only: bool = False) -> int:
    """Open the window, on `study` if given, to look only if `read_only`; returns the exit code when
    it is closed."""
    with ExitStack() as starting:
        # what Qt calls cannot be left: orders wait until it waits for events
        starting.enter_context(orders_to_end.held())
        return _run(study, read_only, starting)


def _run(study: Path | None, read_only: bool, starting: ExitStack) -> int:
    app = make_application(sys.argv[:1])
    _log_qt()
    window = build(app)
    _catch_bugs(window.context)
    if read_only:
        window.context.looking_on = _LOOKING_ON
    # the first time: no larger than what the screen has room for
    if window.context.settings.geometry is None:
        window.resize(window.size().boundedTo(window.screen().availableSize() - FRAME))
    window.show()
    if study is not None:
        window.context.open_study(study)
    window.context.say_unsaid()
    QTimer.singleShot(
        _LATER, lambda: threading.Thread(target=import_panels, name="imports", daemon=True).start()
    )
    heartbeat = QTimer()  # lets Python hear Ctrl+C while Qt waits
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(200)
    _hear(app, window)
    QTimer.singleShot(0, starting.close)
    try:
        return app.exec()
    finally:
        window.context.close()  # where it ends otherwise than by closing the window
        leave_within(_LEAVE_SECONDS)


def _hear(app: QApplication, window: Window) -> None:
    """End as the keyboard or the system asks, but for what whoever started this lets it ignore."""
    # The system, or whoever ends the session, waits for no answer to a question.
    ways: dict[str, Callable[[int], object]] = {
        "SIGINT": lambda _: window.close(),
        "SIGTERM": lambda _: app.exit(_TERMINATED),
        "SIGHUP": lambda _: app.exit(_TERMINATED),  # Windows has none
    }
    for name, way in ways.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            orders_to_end.hear(number, way)


def import_panels() -> None:
    """Load what the other panels need while the user looks at the first one."""
    for name in PANELS:
        # told once the panel is looked at, if it is so still
        with suppress(ImportError, MemoryError):
            panel_class(name)
        time.sleep(_AFTER_YOU)


def _import_plainly() -> None:
    """Take PySide's place in `import` away.

    It looks through the source of each module for a use of `__feature__`, of which there is none
    here; and where two threads import at once, it asks half a module, which is an error.
    """
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


def make_application(arguments: list[str]) -> QApplication:
    """The process's one QApplication, with our name, font and base style."""
    _import_plainly()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(arguments)
    app.setApplicationName(paths.APP)
    app.setApplicationDisplayName("PRISM Desktop")
    app.setDesktopFileName(paths.APP)
    app.setStyle("Fusion")
    app.setWindowIcon(QIcon(str(paths.resources() / "icons" / "prism.svg")))
    install_fonts(app)
    return app


def build(app: QApplication, settings: Settings | None = None, mode: Mode | None = None) -> Window:
    """The window and all it needs, not yet shown."""
    settings = settings or Settings()
    theme = Theme(app, mode or settings.mode)
    theme.apply()
    return Window(AppContext(settings, theme))


def _log_qt() -> None:
    """Let what Qt complains of go into the log."""
    levels = {QtMsgType.QtWarningMsg: logging.WARNING, QtMsgType.QtCriticalMsg: logging.ERROR}
    qInstallMessageHandler(
        lambda kind, _, text: logging.getLogger("qt").log(levels.get(kind, logging.INFO), text)
    )


def _catch_bugs(context: AppContext) -> None:
    """What no one caught is logged whole and shown as a sentence; the window lives on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        if isinstance(error, Exception):
            context.report(error.with_traceback(trace))

    sys.excepthook = hook
