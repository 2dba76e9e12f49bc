"""The progress of long work: what is done, how far, how long still, and a Cancel that works."""

import time
from typing import Any

from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout, QWidget

from prism_desktop.engine.events import Progress
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows


def time_left(seconds: float) -> str:
    """ "3 min left", in words that do not pretend to be exact."""
    if seconds < 2:
        return "almost done"
    if seconds < 60:
        return f"{int(seconds // 5 + 1) * 5} s left"
    if seconds < 3600:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"


class TimeLeft:
    """Time left from the rate of the present stage; silent until there is something to go by."""

    def __init__(self) -> None:
        self._what = ""
        self._start = (0.0, 0)

    def left(self, event: Progress, now: float | None = None) -> float | None:
        """Seconds left of `event.what`, or None while unknown."""
        now = time.monotonic() if now is None else now
        if event.what != self._what or event.done < self._start[1]:
            self._what, self._start = event.what, (now, event.done)
        elapsed, done = now - self._start[0], event.done - self._start[1]
        if event.total is None or elapsed < 0.5 or done <= 0:
            return None
        return elapsed / done * max(0, event.total - event.done)


class ProgressStrip(QFrame):
    """One job's line at the window's foot."""

    def __init__(self, job: Job) -> None:
        """Title and count above the bar, and Cancel, in a line that goes when the job has ended."""
        super().__init__()
        self._job = job
        self._time_left = TimeLeft()
        self.what = label(job.title, "strong")
        self.detail = label("", "small")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.cancel = button("Cancel", self._cancel)
        self.bar.setMinimumWidth(40)
        words = rows(columns(self.what, None, self.detail, gap=GRID), self.bar, gap=GRID // 2)
        layout = columns(words, self.cancel, gap=GRID)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        job.events.connect(self._on_events)
        job.closed.connect(self.deleteLater)

    def _on_events(self, events: list[Any]) -> None:
        """Show the last progress of a batch; those before it are out of date."""
        last = next((event for event in reversed(events) if isinstance(event, Progress)), None)
        if last is None:
            return
        self.what.setText(last.what or self._job.title)
        self.bar.setRange(0, last.total or 0)
        self.bar.setValue(last.done)
        left = self._time_left.left(last)
        count = (
            f"{last.done:,} of {last.total:,}"
            if last.total
            else f"{last.done:,}"
            if last.done
            else ""
        )
        self.detail.setText(f"{count} · {time_left(left)}" if left is not None else count)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.detail.setText("Cancelling…")
        self._job.cancel()


class WaitStrip(QFrame):
    """The line of a question that takes longer than a glance; nothing tells how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self.what = label("", "strong")
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setRange(0, 0)
        bar.setMinimumWidth(40)
        self.setLayout(rows(columns(self.what, None, gap=GRID), bar, gap=GRID // 2))
        self.hide()


class ProgressStack(QWidget):
    """A strip for each job that goes on, and for each thread whose answer takes long."""

    def __init__(self) -> None:
        super().__init__()
        self._waits: dict[str, WaitStrip] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)

    def add(self, job: Job) -> None:
        self._layout.addWidget(ProgressStrip(job))

    def wait(self, thread: str, what: str) -> None:
        """Say what a thread has been doing for longer than a glance; "" when it has done it."""
        if thread not in self._waits:
            self._waits[thread] = WaitStrip()
            self._layout.addWidget(self._waits[thread])
        strip = self._waits[thread]
        if what:
            strip.what.setText(f"{what}…")
        strip.setVisible(bool(what))
