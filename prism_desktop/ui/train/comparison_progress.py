"""The progress of a comparison: which run it is at, how long still, and how to end it."""

import time
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QProgressBar

from prism_desktop.engine.methods import labelled, method_title
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.runs.run_events import (
    ComparisonBegun,
    ItemBegun,
    ItemEnded,
    ProgressTold,
    Stage,
    Started,
    Step,
    ToldEvent,
)
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.progress import time_left

_STATES = {"reused": "is there already", "resumed": "goes on", "new": "starts"}
_FINE = 1000  # steps of the bar


class ComparisonProgress(QFrame):
    """A card that follows a comparison's events; hidden while none goes on."""

    cancelled = Signal()

    def __init__(self) -> None:
        """What goes on, how long still, a bar, and the button that ends it."""
        super().__init__()
        self.setProperty("role", "card")
        self.what, self.detail = label("", "strong"), label("", "small")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _FINE)
        self.cancel = button(
            "&Cancel", self._cancel, tip="End the comparison; finished runs are kept and used again"
        )
        layout = columns(
            rows(columns(self.what, None, self.detail), self.bar, gap=GRID),
            self.cancel,
            gap=2 * GRID,
        )
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.hide()

    def begin(self) -> None:
        """A comparison starts."""
        self._item: ItemBegun | None = None
        self._stage = ""
        self._runs, self._steps, self._begun, self._trained = 0, 0, 0.0, 0
        self._writes = False
        self.what.setText("Preparing the comparison")
        self.detail.setText("")
        self.bar.setRange(0, 0)
        self.cancel.setEnabled(True)
        self.show()

    def receive(self, events: Iterable[ToldEvent]) -> list[Path]:
        """Show what was told; returns the run folders that were begun."""
        begun: list[Path] = []
        for event in events:
            match event:
                case ComparisonBegun():
                    self._runs, self._writes = event.runs, event.task == "writing"
                case ItemBegun():
                    begun.append(Path(event.run))
                    self._take(event)
                case ItemEnded():
                    self._move(1.0)
                case Stage():
                    self._say(event.name)
                case Started():
                    self._steps = event.epochs * event.steps_per_epoch
                case Step() if self._steps:
                    self._move(event.step / self._steps)
                case ProgressTold() if self._item is None:
                    self.detail.setText(event.what)
                # what is counted before or after it is no share of the run
                case ProgressTold() if event.total and self._stage == "training":
                    self._move(event.done / event.total)
        return begun

    def _take(self, event: ItemBegun) -> None:
        self._item, self._steps = event, 0
        if event.state != "reused":
            self._trained += 1
            self._begun = self._begun or time.monotonic()
        self._say(_STATES[event.state])
        self._move(0.0)

    def _say(self, stage: str) -> None:
        if self._item is None:
            return
        name = self._item.method
        called = writing_method(name).title if self._writes else method_title(name)
        title = labelled(called, self._item.settings)
        self.what.setText(
            f"Run {self._item.number} of {self._runs}: {title}, seed {self._item.seed}"
        )
        self._stage = stage
        self._tell(None)

    def _move(self, share: float) -> None:
        if self._item is None or not self._runs:
            return
        done = (self._item.number - 1 + min(1.0, share)) / self._runs
        self.bar.setRange(0, _FINE)
        self.bar.setValue(round(_FINE * done))
        passed = time.monotonic() - self._begun if self._begun else 0.0
        # One run tells little of the others, which are other methods.
        self._tell(passed * (1 - done) / done if self._trained > 2 and done > 0 else None)

    def _tell(self, left: float | None) -> None:
        parts = [self._stage, time_left(left) if left is not None else ""]
        self.detail.setText(" · ".join(part for part in parts if part))

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.detail.setText("Ending the run that goes on…")
        self.cancelled.emit()
