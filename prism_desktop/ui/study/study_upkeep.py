"""The upkeep of a study: look through it, mend it, go back to a backup, find moved images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import RelinkReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.leave_dialogs import may_leave
from prism_desktop.ui.study.check_dialog import CheckDialog
from prism_desktop.ui.study.restore_dialog import RestoreDialog


class StudyUpkeep(QObject):
    """Its dialogs stand over a panel; what changes a study closes it and opens it again."""

    def __init__(self, context: AppContext, panel: QWidget) -> None:
        super().__init__(panel)
        self._context, self._panel = context, panel

    def check(self, study: Path) -> None:
        """Look through a study, and offer to mend what is damaged."""
        dialog = CheckDialog(self._panel, self._context, study)
        dialog.repair_wanted.connect(self.repair)
        dialog.restore_wanted.connect(self.choose_backup)
        dialog.begin()
        dialog.open()

    def repair(self, study: Path) -> None:
        """Close the study, mend its database, open it again and say what was done."""
        self._while_closed(study, operations.repair_study(study), "Repairing the study")

    def choose_backup(self, study: Path) -> None:
        """Show the backups of a study, open or not, to go back to one of them."""
        dialog = RestoreDialog(self._panel, self._context, study)
        dialog.restore_wanted.connect(self.restore)
        dialog.begin()

    def restore(self, study: Path, name: str) -> None:
        """Close the study, put a backup in place of its database and open it again."""
        self._while_closed(study, operations.restore_study(study, name), "Going back to a backup")

    def relink(self, folder: Path) -> None:
        """Look for moved images."""
        study = self._context.study
        if study is None:
            return

        def on_events(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done) and isinstance(event.value, RelinkReport):
                    self._relinked(event.value)

        self._context.run(
            operations.relink(study, folder), "Looking for images", events=on_events, owner=self
        )

    def _relinked(self, report: RelinkReport) -> None:
        left = len(report.still_missing)
        text = f"{counted(report.found, 'image was', 'images were')} found again" + (
            f"; {left:,} are still missing." if left else "."
        )
        self._context.message(text, "warn" if left else "good")
        self._context.changed.emit(report.changes)

    def _while_closed(self, study: Path, work: Iterator[Event[str]], title: str) -> None:
        """Do something to a study that is not open, open it again and say what was done.

        Where it fails, what was open before is opened again.
        """
        if not may_leave(self._context, self._panel):
            return
        context, told, wrong = self._context, list[str](), list[Exception]()
        before = None if context.study is None else Path(context.study.path)

        def hear(events: list[Any]) -> None:
            told.extend(event.value for event in events if isinstance(event, Done))

        def reopen() -> None:
            path = study if told else before
            if path is not None and context.study is None and not context.busy_opening:
                context.open_study(path, say)

        def say() -> None:
            for text in told:
                context.message(text, "good")
            for error in wrong:  # again, since opening a study takes what was said before away
                context.report(error)

        def begin() -> None:
            job = context.run(work, title, owner=self._panel, events=hear)
            job.failed.connect(wrong.append)
            job.finished.connect(reopen)

        context.close_study(begin)
