"""The add-labeler form: a labeler enters a trained run by some answers, without training again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QPushButton, QWidget

from prism_desktop.engine.adaptation.adaptation_request import adapt_in_worker
from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler, list_adapted
from prism_desktop.engine.clocks import duration
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.processes.pool import get_ready
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.operations import Candidate, candidates, tested
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import set_tip, set_window_title
from prism_desktop.ui.spoken_labels import speak_of
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.fields import Field, choose_files

_TABLES = "Tables (*.csv *.tsv *.xlsx *.parquet *.jsonl *.json)"


class AddLabelerButton(QPushButton):
    """Opens the form for the run that is shown; tells when somebody has entered."""

    entered = Signal(str)  # code

    def __init__(self, context: AppContext, data: Callable[[], RunData | None]) -> None:
        super().__init__("Add a labeler")
        self._context, self._data = context, data
        set_tip(self, "Predict for somebody new from their answers, without training again")
        self.clicked.connect(lambda _=False: self.open_form())
        context.guard.add(self)
        context.begun.connect(self._make_way)
        self.form: AddLabelerForm | None = None
        self._job: Job | None = None
        self._names: dict[str, str] = {}  # of those who may enter

    def open_form(self) -> None:
        """Show the form beside the window's work."""
        data, study = self._data(), self._context.study
        if data is None or study is None:
            return
        get_ready()  # while the user chooses
        trained = tuple(code for code in data.labelers if code not in data.adapted_labelers)
        self.form = form = AddLabelerForm(self, data.summary.method)
        speak_of(form, data.words)
        self._context.guard.add(form.add)
        form.finished.connect(lambda _: self._closed(form))
        form.wanted.connect(lambda labeler, file: self._add(data.folder, labeler, file))
        form.show()

        def offer(found: tuple[Candidate, ...]) -> None:
            self._names = {each.code: each.name for each in found}
            form.offer(found)

        self._context.ask(
            lambda: candidates(study, trained), offer, owner=form, what="Reading the labelers"
        )

    def _closed(self, form: "AddLabelerForm") -> None:
        """The form was cancelled, or is done with: what it began ends."""
        if self._job is not None:
            self._job.cancel()
        self.form = None
        form.deleteLater()

    def _make_way(self) -> None:
        """Something new begins."""
        if self.form is not None:
            self.form.make_way()

    def _add(self, run: Path, labeler: str, file: Path | None) -> None:
        self._context.begin()
        work = adapt_in_worker(RunFolder(run), labels=file, labeler=labeler or None)
        self._job = job = self._context.jobs.start(
            work, "Adding a labeler", events=self._on_events, owner=self
        )
        job.failed.connect(self._failed)
        job.ended.connect(lambda cancelled: self._look(run) if cancelled else None)
        job.finished.connect(lambda: self._ended(job))
        if self.form is not None:
            self.form.wait(True)

    def _on_events(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Progress) and self.form is not None:
                self.form.tell(event.what)
            if isinstance(event, Done):
                who = self._names.get(event.value.code, event.value.code)
                self._context.message(sentence(event.value, who), "good")
                self.entered.emit(event.value.code)
                if self.form is not None:
                    self.form.accept()

    def _ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
        if self.form is not None:
            self.form.wait(False)

    def _look(self, run: Path) -> None:
        """Whoever was being tested when it was cancelled has entered already."""
        data = self._data()
        known = set(data.labelers) if data is not None and data.folder == run else set()

        def show(found: tuple[AdaptedLabeler, ...]) -> None:
            now = self._data()
            for each in found:
                if known and each.code not in known and now is not None and now.folder == run:
                    self._context.message(
                        f"{each.code} was added; the test on their own answers was left out.",
                        "info",
                    )
                    self.entered.emit(each.code)

        self._context.ask(
            lambda: list_adapted(RunFolder(run)), show, owner=self, what="Looking who was added"
        )

    def _failed(self, error: Exception) -> None:
        if self.form is None:
            return
        if isinstance(error, PrismError):
            self.form.say(str(error))
        else:
            self._context.report(error)


class AddLabelerForm(QDialog):
    """Who enters, and what the run's method makes of their answers."""

    wanted = Signal(str, object)  # code of the study's labeler, or empty and the file's path

    def __init__(self, parent: QWidget, method: str) -> None:
        """What adding means for the run's method, whose answers to take, and the buttons.

        The answers come from a labeler of the study or from a file, of which a sentence says what
        it must hold. A problem is told above the foot and is hidden until there is one.
        """
        super().__init__(parent.window())
        set_window_title(self, "Add a labeler")
        self.setMinimumWidth(520)
        known = METHODS.get(method)
        how = f"{known.title}: {known.entering()}." if known is not None else ""
        self.who = QComboBox()
        self.who.currentIndexChanged.connect(lambda _: self.make_way())
        self._field = Field("&Labeler of the study who is not in this run", self.who)
        self.file = button(
            "From a &file…", self._choose, tip="Answers in any format that the study imports"
        )
        note = (
            "A table of ratings (labeler, image, one column per attribute) or comparisons "
            "(labeler, left, right, "
        )
        note += "attribute, outcome) of the study's images."
        self.add = button("&Add", self._add, "primary")
        self.problem, self.progress = label("", "bad", wrap=True), label("", "small")
        self.problem.hide()
        told = (
            "The run stays as it is. The labeler is then browsed like any other here, marked as "
            "added."
        )
        self.setLayout(
            rows(
                label("Add a labeler", "heading"),
                label(f"{how} {told}".strip(), "muted", wrap=True),
                self._field,
                rows(columns(self.file, None), label(note, "small", wrap=True), gap=GRID // 2),
                self.problem,
                None,
                columns(self.progress, None, button("Cancel", self.reject), self.add),
                gap=GRID + 4,
                margin=3 * GRID,
            )
        )
        self.offer(())

    def offer(self, found: tuple[Candidate, ...]) -> None:
        """Offer these labelers, and the file that was chosen meanwhile."""
        files = [
            self.who.itemData(row)
            for row in range(self.who.count())
            if isinstance(self.who.itemData(row), Path)
        ]
        self.who.clear()
        for each in found:
            self.who.addItem(
                f"{one_line(each.name)}, {counted(each.trials, 'answered trial')}", each.code
            )
        if not found:
            self.who.addItem("Everybody with answers is in this run", "")
        self._enable()
        for file in files:
            self.take_file(file)

    def wait(self, busy: bool) -> None:
        """While the labeler enters, nothing else can be asked."""
        for widget in (self.who, self.file):
            widget.setEnabled(not busy)
        self.tell("Starting" if busy else "")
        if busy:
            self.add.setEnabled(False)
        else:
            self._enable()

    def make_way(self) -> None:
        """Why the last one came to nothing is out of date."""
        self.problem.clear()
        self.problem.hide()

    def tell(self, doing: str) -> None:
        """What goes on."""
        self.progress.setText(f"{doing}…" if doing else "")

    def say(self, problem: str) -> None:
        """Why it came to nothing."""
        self.problem.setText(problem)
        self.problem.show()

    def take_file(self, file: Path) -> None:
        """Take the answers of this file: it stands where the
        labelers do, so that one place says who enters."""
        place = next(
            (row for row in range(self.who.count()) if isinstance(self.who.itemData(row), Path)), -1
        )
        if place < 0:
            place = self.who.count()
            self.who.addItem("")
        self.who.setItemText(place, f"Whoever answered in {one_line(file.name)}")
        self.who.setItemData(place, file)
        self.who.setCurrentIndex(place)
        self._enable()
        self.add.setFocus()

    def _enable(self) -> None:
        some = any(self.who.itemData(row) for row in range(self.who.count()))
        self.who.setEnabled(some)
        self.add.setEnabled(some)

    def _choose(self) -> None:
        choose_files(
            self, "Answers of the labeler", _TABLES, lambda files: self.take_file(files[0])
        )

    def _add(self) -> None:
        chosen = self.who.currentData()
        if isinstance(chosen, Path):
            self.wanted.emit("", chosen)
        elif chosen:
            self.wanted.emit(str(chosen), None)


def sentence(adapted: AdaptedLabeler, who: str) -> str:
    """How it went, for a reader; `who` is what to call them."""
    count, seconds = (
        counted(adapted.answers, "answer"),
        adapted.seconds,
    )
    took = duration(seconds, 1) if seconds >= 0.1 else "less than 0.1 s"
    return f"{who} was added from {count} in {took}. {tested(adapted)}"
