"""Which device "automatic" means on this machine, found out in the background."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.events import Done
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations


class DeviceSearch(QObject):
    """A search in the background."""

    found = Signal(str, str)  # name, and why that one

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._asked = self.busy = False

    def start(self) -> None:
        """Search, unless that was done already."""
        if self._asked:
            return
        self._asked = self.busy = True
        job = self._context.jobs.start(
            operations.find_device(),
            "Looking for a GPU",
            quiet=True,
            events=self._receive,
            owner=self,
        )
        job.finished.connect(self._end)

    def _receive(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                self.found.emit(*event.value)

    def _end(self) -> None:
        self.busy = False
