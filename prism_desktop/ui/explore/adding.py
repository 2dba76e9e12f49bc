"""Adding a labeler to a trained run from some answers, without training it again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QPushButton, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.training.newcomers import Newcomer, adapt_in_child
from prism_desktop.engine.training.run import RunFolder
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.data import RunData
from prism_desktop.ui.explore.joining import Candidate, candidates
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.fields import Field, choose_files

_TABLES = "Tables (*.csv *.tsv *.xlsx *.parquet *.jsonl *.json)"


class AddButton(QPushButton):
    """Opens the form for the run that is shown; tells when somebody has entered."""

    entered = Signal(str)  # code

    def __init__(self, context: AppContext, data: Callable[[], RunData | None]) -> None:
        super().__init__("Add a labeler")
        self._context, self._data = context, data
        self.setToolTip("Predict for somebody new from their answers, without training again")
        self.clicked.connect(lambda _=False: self.open_form())
        self.form: AddForm | None = None

    def open_form(self) -> None:
        """Show the form beside the window's work."""
        data, study = self._data(), self._context.study
        if data is None or study is None:
            return
        trained = tuple(code for code in data.labelers if code not in data.newcomers)
        self.form = form = AddForm(self, str(data.summary.get("method", "")))
        form.finished.connect(form.deleteLater)
        form.wanted.connect(lambda labeler, file: self._add(form, data.folder, labeler, file))
        form.show()
        self._context.ask(lambda: candidates(study, trained), form.offer, owner=form)

    def _add(self, form: "AddForm", run: Path, labeler: str, file: Path | None) -> None:
        work = adapt_in_child(RunFolder(run), labels=file, labeler=labeler or None)
        job = self._context.jobs.start(work, "Adding a labeler", events=self._hear)
        job.failed.connect(lambda error: self._failed(form, error))
        job.ended.connect(lambda cancelled: form.wait(False) if cancelled else form.accept())
        form.wait(True)

    def _hear(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                self._context.message(sentence(event.value), "good")
                self.entered.emit(event.value.code)

    def _failed(self, form: "AddForm", error: Exception) -> None:
        form.wait(False)
        if isinstance(error, PrismError):
            form.say(str(error))
        else:
            self._context.report(error)


class AddForm(QDialog):
    """Who enters, and what the run's method makes of their answers."""

    wanted = Signal(str, object)  # code of the study's labeler, or empty and the file's path

    def __init__(self, parent: QWidget, method: str) -> None:
        super().__init__(parent.window())
        self.setWindowTitle("Add a labeler")
        self.setMinimumWidth(460)
        self._file: Path | None = None
        known = METHODS.get(method)
        how = f"{known.title}: {known.enters}." if known is not None else ""
        self.who = QComboBox()
        self._field = Field("&Labeler of the study who is not in this run", self.who)
        self.file = button("From a &file…", self._choose, tip="Answers in any format that the study imports")
        self.add = button("&Add", self._add, "primary")
        self.problem = label("", "bad", wrap=True)
        self.problem.hide()
        told = "The run stays as it is. The labeler is then browsed like any other here, marked as added."
        self.setLayout(
            rows(
                label("Add a labeler", "heading"),
                label(f"{how} {told}".strip(), "muted", wrap=True),
                self._field,
                columns(self.file, None),
                self.problem,
                columns(None, button("Cancel", self.reject), self.add),
                gap=GRID + 4,
                margin=3 * GRID,
            )
        )
        self.who.currentIndexChanged.connect(lambda _: self._turn_to_study())
        self.offer(())

    def offer(self, found: tuple[Candidate, ...]) -> None:
        """Offer these labelers."""
        self.who.clear()
        for each in found:
            self.who.addItem(f"{each.name}, {each.trials:,} answered trials", each.code)
        if not found:
            self.who.addItem("Everybody with answers is in this run", "")
        self.who.setEnabled(bool(found))
        self.add.setEnabled(bool(found) or self._file is not None)

    def wait(self, busy: bool) -> None:
        """While the labeler enters, nothing else can be asked."""
        self.add.setEnabled(not busy)
        self.add.setText("Adding…" if busy else "&Add")
        self.problem.hide()

    def say(self, problem: str) -> None:
        """Why it came to nothing."""
        self.problem.setText(problem)
        self.problem.show()

    def _choose(self) -> None:
        choose_files(self, "Answers of the labeler", _TABLES, lambda files: self.take_file(files[0]))

    def take_file(self, file: Path) -> None:
        """Take the answers of this file."""
        self._file = file
        self.file.setText(file.name)
        self.add.setEnabled(True)
        self.add.setFocus()

    def _turn_to_study(self) -> None:
        self._file = None
        self.file.setText("From a &file…")

    def _add(self) -> None:
        self.wanted.emit("" if self._file is not None else str(self.who.currentData() or ""), self._file)


def sentence(newcomer: Newcomer) -> str:
    """How it went, for a reader."""
    begun = f"{newcomer.code} was added from {newcomer.answers:,} answers in {newcomer.seconds:.1f} s."
    if newcomer.accuracy is None:
        return f"{begun} {newcomer.note}"
    beside = f", {newcomer.start:.0%} without them" if newcomer.start is not None else ""
    return f"{begun} On their own answers, cross-validated: {newcomer.accuracy:.0%} right{beside}."
