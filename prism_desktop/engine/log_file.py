"""The program's log: one file for the window and the commands, which never stops either."""

import contextlib
import io
import logging
import logging.handlers
import sys
import threading
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from prism_desktop.engine import paths
from prism_desktop.engine.files import append, make_folder
from prism_desktop.engine.plain_text import LineFormatter

NAME = "log.txt"
_SIZE, _OLDER = 2_000_000, 2  # bytes of one file, and how many are kept beside it
_log = logging.getLogger(__name__)


class _Patient(logging.handlers.RotatingFileHandler):
    """Makes its folder and file with the first line; where that cannot be, lines are lost."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            file, maxBytes=_SIZE, backupCount=_OLDER, encoding="utf-8", delay=True,
            errors="backslashreplace",
        )  # fmt: skip
        self.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> TextIOWrapper:
        file = Path(self.baseFilename)
        make_folder(file.parent)
        return io.TextIOWrapper(append(file), self.encoding, self.errors, write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk or a folder that cannot be written is no reason to say anything else."""


@contextlib.contextmanager
def logging_to_file() -> Iterator[Path]:
    """Warnings, faults and mistakes of the program go to the log; inside the block.

    So does what Python would print of errors that nobody can catch: those of threads and of
    objects being thrown away.

    Yields:
        The log's place, whether or not there is a file yet.
    """
    file = paths.config() / NAME
    handler = _Patient(file)
    logging.getLogger().addHandler(handler)
    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = _unraisable, _in_thread
    try:
        yield file
    finally:
        sys.unraisablehook, threading.excepthook = before
        logging.getLogger().removeHandler(handler)
        with contextlib.suppress(OSError):  # what the disk would not take
            handler.close()


def _unraisable(told: Any) -> None:
    if told.exc_value is not None:
        _log.error("An error while %r was put away.", told.object, exc_info=told.exc_value)


def _in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        _log.error("An error in a thread.", exc_info=told.exc_value)
