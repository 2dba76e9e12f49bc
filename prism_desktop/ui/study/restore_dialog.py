"""Going back to a backup: a list of them, and what becomes of what the study holds now."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.plain_text import dated
from prism_desktop.engine.study.backup_files import BackupRecord
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import set_window_title
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.reading_table import ReadingTable

_WHAT = (
    "What the study holds now is backed up first, so that you can come back to it. The study is "
    "closed meanwhile and opened again afterwards. Images and runs are not touched."
)
_NONE = "There is no backup yet. One is made by itself within half an hour of a change."


class RestoreDialog(QDialog):
    """The backups of a study, the newest first; choose one to go back to."""

    restore_wanted = Signal(Path, str)  # study, name of the backup

    def __init__(self, parent: QWidget, context: AppContext, study: Path) -> None:
        super().__init__(parent.window())
        set_window_title(self, "Go back to a backup")
        self.resize(720, 460)
        self._context, self._study = context, study
        self._found: tuple[BackupRecord, ...] = ()
        self.told = label("Reading the backups…", "muted", wrap=True)
        self.table = ReadingTable("Backups", ("Made", "", "Why", "Trials", "Size"), 2)
        self.restore = button("&Go back to this one", self._restore, "primary")
        self.restore.setEnabled(False)
        self.table.row_chosen.connect(lambda _: self.restore.setEnabled(True))
        context.guard.add(self.restore)
        self.close_button = button("&Cancel", self.reject)
        layout = rows(
            label(f"Go back to a backup of {study.stem}", "heading", wrap=True),
            self.told,
            frame("card", rows(self.table, margin=GRID)),
            label(_WHAT, "small", wrap=True),
            columns(None, self.close_button, self.restore),
            gap=GRID + 4,
            margin=3 * GRID,
        )
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.finished.connect(self.deleteLater)

    def begin(self) -> None:
        """Show the dialog, and read what there is."""
        self.open()
        study = self._study
        self._context.ask(
            lambda: operations.backups_of(study), self._show, owner=self,
            what="Reading the backups",
        )  # fmt: skip

    def _show(self, found: tuple[BackupRecord, ...]) -> None:
        self._found = found
        self.told.setText("" if found else _NONE)
        self.told.setVisible(not found)
        self.table.show_lines(
            [
                (
                    dated(each.made, "%d %b %Y %H:%M"), ago(each.made), each.why,
                    "–" if each.trials is None else f"{each.trials:,}",
                    f"{each.bytes / 1e6:,.1f} MB",
                )
                for each in found
            ],
            [each.path.name for each in found],
        )  # fmt: skip
        self.table.setFocus()

    def _restore(self) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self._found):
            self.accept()
            self.restore_wanted.emit(self._study, self._found[row].path.name)
