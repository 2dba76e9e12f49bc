"""The name and the note of a run, edited in place."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from prism_desktop.engine.runs.run_label import MOST_NAME, MOST_NOTE
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.widgets.basics import GRID, columns


class RunLabelEditor(QWidget):
    """Two fields; what is typed is kept with Enter, or when the keyboard goes elsewhere."""

    written = Signal(object, str, str)  # path of the run, name, note

    def __init__(self) -> None:
        super().__init__()
        self._run: RunSummary | None = None
        self.name, self.note = QLineEdit(), QLineEdit()
        fields = ((self.name, "Name", MOST_NAME), (self.note, "Note", MOST_NOTE))
        for field, what, most in fields:
            field.setAccessibleName(f"{what} of the run")
            field.setMaxLength(most)
            field.editingFinished.connect(self._write)
        self.name.setPlaceholderText("Name this run")
        self.note.setPlaceholderText("A note about it")
        self.name.setMaximumWidth(260)
        inside = columns(self.name, self.note, gap=GRID)
        inside.setStretch(1, 1)
        self.setLayout(inside)

    def show_run(self, run: RunSummary) -> None:
        """Show a run's; what is being typed about the same one stays."""
        same = self._run is not None and self._run.path == run.path
        if self._run is not None and not same:
            self._write()
        before, self._run = self._run, run
        texts = (
            (self.name, run.label, before.label if before is not None else ""),
            (self.note, run.note, before.note if before is not None else ""),
        )
        for field, now, was in texts:
            typing = same and field.hasFocus() and field.text() != was
            if not typing and field.text() != now:
                field.setText(now)

    def _write(self) -> None:
        run = self._run
        name, note = " ".join(self.name.text().split()), self.note.text().strip()
        # one line: a note of several, written by a command, is not flattened unless it is changed
        if run is not None and note == " ".join(run.note.split()):
            note = run.note
        if run is not None and (name, note) != (run.label, run.note):
            self.written.emit(run.path, name, note)
