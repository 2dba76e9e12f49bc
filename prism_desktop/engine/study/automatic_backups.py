"""Backups that nobody asks for: while a study is open for writing, every half hour if it has
changed, and before steps that change much.

They have connections of their own, and copy from one snapshot, so that no answer waits for them.
"""

import logging
import threading
from pathlib import Path
from typing import Final

from prism_desktop.engine.study.backup import back_up, back_up_before, is_due

LOOK: Final = 300.0  # s between two looks whether one is due
_log = logging.getLogger(__name__)


class AutomaticBackups:
    """Of one study, in a thread of its own: opening the study does not wait for a backup, closing
    waits for one that has begun."""

    def __init__(self, file: Path, look: float = LOOK) -> None:
        """Args: file: the database. look: s between two looks whether a backup is due."""
        self._file, self._look = file, look
        self.failure: str | None = None  # why the latest one failed
        self.looked = threading.Event()  # whether the first one that was due was tried
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(is_due(file),), name="study-backup", daemon=True
        )
        self._thread.start()

    def before(self, step: str) -> None:
        """Back up before a step, one of `backup_files.BEFORE`, in the caller's thread.

        Where that fails it is told, and the step is taken all the same: it is one transaction.
        """
        try:
            back_up_before(self._file, step)
        except Exception as error:
            self._note(error)

    def close(self) -> None:
        """Begin no more; again is harmless."""
        self._ended.set()
        self._thread.join()

    def _watch(self, due: bool) -> None:
        while True:
            if due:
                self._back_up()
            self.looked.set()
            if self._ended.wait(self._look):
                return
            # nothing is made again where a study was deleted or moved
            due = self._file.exists() and is_due(self._file)

    def _back_up(self) -> None:
        try:
            back_up(self._file)
            self.failure = None
        except Exception as error:
            self._note(error)

    def _note(self, error: Exception) -> None:
        self.failure = str(error)
        _log.warning("The automatic backup failed, and the study is open all the same: %s", error)
