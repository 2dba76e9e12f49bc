"""The check of a study: what is damaged or odd in it, and the offer to mend the database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.faults import fault_of
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import set_window_title
from prism_desktop.ui.widgets.basics import GRID, button, clear, columns, label, rows

_WHAT_REPAIR_DOES = (
    "Repair first makes a backup. Then it writes the database anew from what is sound in it. "
    "Damaged trials are moved to files in the folder repairs of the study, which Import reads "
    "again; nothing is deleted. The study is closed meanwhile and opened again afterwards. Images "
    "and runs are not touched."
)
_LISTED = 200  # sentences of one kind


class CheckDialog(QDialog):
    """Looks through a study that is open, or that cannot be opened, and says what it found."""

    repair_wanted = Signal(Path)
    restore_wanted = Signal(Path)

    def __init__(self, parent: QWidget, context: AppContext, study: Path) -> None:
        """The heading, what goes on, the list, what a repair would do, and the buttons."""
        super().__init__(parent.window())
        set_window_title(self, "Check the study")
        self.resize(640, 480)
        self._context, self._study = context, study
        self.told = label("", "muted", wrap=True)
        self.found = QVBoxLayout()
        self.found.setSpacing(GRID)
        self.what_repair_does = label(_WHAT_REPAIR_DOES, "small", wrap=True)
        self.repair = button("&Repair", self._repair, "primary")
        self.restore = button("&Go back to a backup…", self._restore)
        self.close_button = button("&Close", self.reject)
        context.guard.add(self.repair, self.restore)
        self.what_repair_does.hide()
        self.repair.hide()
        self.restore.hide()
        self.setLayout(
            rows(
                label(f"Check {study.stem}", "heading", wrap=True),
                self.told,
                _scrolled(rows(self.found, None)),
                self.what_repair_does,
                columns(None, self.close_button, self.restore, self.repair),
                gap=GRID + 4,
                margin=3 * GRID,
            )
        )
        self.finished.connect(self.deleteLater)

    def begin(self) -> None:
        """Look; the dialog's end ends it."""
        self._context.begin()
        job = self._context.jobs.start(
            operations.check_study(self._study),
            "Checking the study",
            owner=self,
            quiet=True,
            events=self._hear,
        )
        job.failed.connect(self._failed)

    def _hear(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Progress):
                count = f" ({event.done:,} of {event.total:,})" if event.total else ""
                self.told.setText(f"{event.what}{count}…")
            elif isinstance(event, Done):
                self._show(event.value)

    def _show(self, faults: operations.StudyFaults) -> None:
        clear(self.found)
        words = self._context.words
        count = len(faults.database) + len(faults.files)
        self.told.setText(
            words.told(
                "The study is sound: the database, the images and the results are as they were "
                "written."
            )
            if not count
            else "One thing is not as it was written. Everything else can be used."
            if count == 1
            else f"{count:,} things are not as they were written. Everything else can be used."
        )
        self._list("In the database", faults.database)
        self._list(words.told("Among images and results"), faults.files)
        self.what_repair_does.setVisible(bool(faults.database))
        self.repair.setVisible(bool(faults.database))
        self.restore.setVisible(bool(faults.database))
        (self.repair if faults.database else self.close_button).setFocus()

    def _list(self, title: str, sentences: Sequence[str]) -> None:
        if not sentences:
            return
        self.found.addWidget(label(title, "strong"))
        for sentence in sentences[:_LISTED]:
            self.found.addWidget(label(sentence, wrap=True))
        if len(sentences) > _LISTED:
            self.found.addWidget(label(f"And {len(sentences) - _LISTED:,} more.", "muted"))

    def _failed(self, error: Exception) -> None:
        fault = fault_of(error)
        if fault is None:
            self._context.report(error)
        self.told.setText(str(fault or "The check came to nothing; the message bar says why."))

    def _restore(self) -> None:
        self.accept()
        self.restore_wanted.emit(self._study)

    def _repair(self) -> None:
        self.accept()
        self.repair_wanted.emit(self._study)


def _scrolled(inside: QVBoxLayout) -> QScrollArea:
    """A list that scrolls, so that the buttons stay where they are."""
    holder = QFrame()
    holder.setLayout(inside)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidget(holder)
    return scroll
