"""events.jsonl, written line by line so that a reader can
follow and a killed writer spoils at most one line."""

import json
import time
from typing import BinaryIO

from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import LoggedEvent


class EventLog:
    """Appends to a run's events.jsonl; each line is with the system when `write` returns."""

    def __init__(self, run: RunFolder) -> None:
        path = run.path / layout.EVENTS
        cut = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
        self._file: BinaryIO = path.open("ab", buffering=0)
        try:
            if cut:  # by a writer that was killed within a line
                self._file.write(b"\n")
        except BaseException:
            self._file.close()
            raise

    def write(self, event: LoggedEvent) -> None:
        """Append one event; it gets a time if it has none."""
        fields = {**event.model_dump(mode="json"), "time": event.time or time.time()}
        line = json.dumps(fields, ensure_ascii=False, allow_nan=False)
        self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
