"""events.jsonl, written line by line so that a reader can
follow and a killed writer spoils at most one line."""

import json
import os
import time
from pathlib import Path
from typing import BinaryIO

from prism_desktop.engine.files import append, write_all
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import LoggedEvent


class EventLog:
    """Appends to a run's events.jsonl; each line is with the system when `write` returns."""

    def __init__(self, run: RunFolder) -> None:
        path = run.path / layout.EVENTS
        self._file: BinaryIO = append(path)
        try:
            if _cut(path):  # by a writer that was killed within a line
                self._file.write(b"\n")
        except BaseException:
            self._file.close()
            raise

    def write(self, event: LoggedEvent) -> None:
        """Append one event; it gets a time if it has none."""
        fields = {**event.model_dump(mode="json"), "time": event.time or time.time()}
        line = json.dumps(fields, ensure_ascii=False, allow_nan=False)
        write_all(self._file, line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _cut(path: Path) -> bool:
    """Whether the last line has no end."""
    with open_foreign(path) as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
