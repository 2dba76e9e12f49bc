"""The page for a table of texts: what each column is, what would come in, then Import."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.text_columns import TextRole, TextsKind
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.ui import text_operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import set_tip, text_line
from prism_desktop.ui.study.assistant.role_header import SteadyBox
from prism_desktop.ui.study.doubt_words import told
from prism_desktop.ui.widgets.basics import GRID, button, clear, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import Card, ScrollPage
from prism_desktop.ui.widgets.pickers import Segments

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.texts.text_preview import ColumnOfTexts, TextsPreview

TEXT_ROLE_WORDS: Final[dict[TextRole, str]] = {
    "text": "The text",
    "id": "What it is called",
    "prompt": "What it answers",
    "author": "Who wrote it",
    "group": "Texts that belong together",
    "fact": "Fact about the text",
    "ignore": "Leave out",
}
_FACTS: Final = (
    "Columns that are no part of a text are kept as facts about it. If who judged stands in one of "
    "them, this is a table of judgments."
)
_SHOWN: Final = 5  # rows that are left out, doubts


class TextsPage(QWidget):
    """One file of texts after another on its way; nothing is stored before Import is pressed."""

    left = Signal()
    imported = Signal(object)  # ImportReport
    judgments_wanted = Signal(list)  # the files are tables of judgments after all

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.files: tuple[Path, ...] = ()
        self.given = Recipe()
        self.found: TextsPreview | None = None
        self._looking: Job | None = None
        self._importing = False
        self.title = label("", "title")
        self.title.setMinimumWidth(80)
        self.headline = label("", "muted", wrap=True)
        self.kind = Segments({"texts": "To be judged", "own texts": "What people wrote themselves"})
        self.doubt = label(_FACTS, "notice", wrap=True)
        self.judged = button("These are &judgments…", self._leave_for_judgments, "quiet")
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(2 * GRID)
        self.grid.setVerticalSpacing(GRID)
        self.grid.setColumnStretch(2, 1)
        self.boxes: dict[str, SteadyBox] = {}
        self.told = label("", "small", wrap=True)
        self.why = label("", "muted", wrap=True)
        self.cancel = button("&Cancel", self.left.emit)
        self.run = button("&Import", self.start, "primary")
        context.guard.add(self.run)
        self._lay_out()
        self.kind.picked.connect(lambda _: self._look())

    def open_files(self, files: Sequence[Path], kind: TextsKind = "texts") -> None:
        """Begin with the first of these files."""
        self.files, self.given, self.found = tuple(files), Recipe(), None
        self.kind.settle(kind)
        self._show_columns(())
        self._look()

    def leave(self) -> None:
        """Forget everything; nothing was stored."""
        self._stop()
        self.files, self.found = (), None

    def say(self, column: str, role: TextRole) -> None:
        """Say what a column is; one that was taken for the same is a fact from now on."""
        before = {} if self.found is None else {each.name: each.role for each in self.found.columns}
        roles = before | dict(self.given.texts)
        if role not in ("fact", "ignore"):
            roles |= {name: "fact" for name, taken in roles.items() if taken == role}
        roles[column] = role
        self.given = Recipe.model_validate({**self.given.model_dump(), "texts": roles})
        self._look()

    def start(self) -> None:
        """Import the file as it is understood now."""
        study = self._context.study
        if study is None or not self.run.isEnabled():
            return
        self._importing = True
        self._refresh()
        work = text_operations.import_texts(study, self.files[0], self._kind(), self.given)
        job = self._context.run(work, "Reading texts", events=self._on_import, owner=self)
        job.finished.connect(self._finished)

    def _lay_out(self) -> None:
        card = Card("Columns")
        card.body.addLayout(self.grid)
        outcome = Card("What comes in")
        outcome.body.addWidget(self.told)
        hint = columns(self.doubt, self.judged, gap=GRID)
        hint.setStretch(0, 1)
        body = rows(
            self.title, self.headline, GRID, columns(self.kind, None), hint, card, outcome, None
        )
        foot = frame("footer")
        buttons = columns(self.why, self.cancel, self.run, gap=GRID)
        buttons.setStretch(0, 1)
        buttons.setContentsMargins(3 * GRID, GRID, 3 * GRID, GRID)
        foot.setLayout(buttons)
        whole = rows(ScrollPage(body, 1000), foot, gap=0)
        whole.setStretch(0, 1)
        whole.setContentsMargins(0, 0, 0, 0)
        self.setLayout(whole)

    def _kind(self) -> TextsKind:
        return "own texts" if self.kind.current == "own texts" else "texts"

    def _look(self) -> None:
        """Find out what would come in; an answer on its way is void."""
        study = self._context.study
        if study is None or not self.files:
            return
        self._stop()
        work = text_operations.preview_texts(study, self.files[0], self.given, self._kind())
        job = self._context.jobs.start(work, "Looking at the texts", quiet=True, owner=self)
        job.events.connect(lambda events: self._looked(job, events))
        job.failed.connect(lambda error: self._failed(job, error))
        self._looking = job
        self._refresh()

    def _stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _looked(self, job: Job, events: list[Any]) -> None:
        if job is not self._looking:
            return
        for event in events:
            if isinstance(event, Progress):
                self.headline.setText(f"{event.what}…")
            if isinstance(event, Done):
                self._looking, self.found = None, event.value
                self._show_columns(event.value.columns)
                self._refresh()

    def _failed(self, job: Job, error: Exception) -> None:
        """A file that cannot be read at all is told here; anything unforeseen is reported."""
        if job is not self._looking:
            return
        self._looking, self.found = None, None
        if not isinstance(error, PrismError):
            self._context.report(error)
        self._refresh()
        self.why.setText(str(error))

    def _show_columns(self, found: "Sequence[ColumnOfTexts]") -> None:
        """A line for each column: its name, what it is, how its values begin."""
        if list(self.boxes) != [each.name for each in found]:
            clear(self.grid)
            self.boxes = {}
            for place, each in enumerate(found):
                box = SteadyBox()
                for role, words in TEXT_ROLE_WORDS.items():
                    box.addItem(words, role)
                box.setMaxVisibleItems(len(TEXT_ROLE_WORDS))
                box.setAccessibleName(f"Role of the column {each.name}")
                box.activated.connect(
                    lambda _, name=each.name, box=box: self.say(name, box.currentData())
                )
                self.grid.addWidget(label(each.name, "strong"), place, 0)
                self.grid.addWidget(box, place, 1)
                told = text_line(" · ".join(each.examples))
                examples = label(told, "small", wrap=True)
                self.grid.addWidget(examples, place, 2)
                self.boxes[each.name] = box
        for each in found:
            self.boxes[each.name].setCurrentIndex(list(TEXT_ROLE_WORDS).index(each.role))

    def _refresh(self) -> None:
        """Words and buttons as the state has them."""
        names = [file.name for file in self.files]
        more = f" (and {counted(len(names) - 1, 'more file')})" if len(names) > 1 else ""
        self.title.setText(f"Import texts: {names[0]}{more}" if names else "")
        set_tip(self.title, "\n".join(map(str, self.files)))
        found = self.found
        facts = [each.name for each in found.columns if each.role == "fact"] if found else []
        for part in (self.doubt, self.judged):
            part.setVisible(bool(facts) and self._kind() == "texts")
        report = found.report if found is not None and self._looking is None else None
        if self._looking is None:
            self.headline.setText(headline(report) if report is not None else "")
        self.told.setText(outcome_words(report) if report is not None else "")
        why = ""
        if self._importing or self._looking is not None:
            why = "Importing…" if self._importing else "The file is being checked."
        elif found is not None and found.problem:
            why = told(found.problem)
        elif report is None or not report.rows_kept:
            why = "There is nothing to import in this file."
        self.why.setText(why or "Nothing is stored before you press Import.")
        self.run.setEnabled(not why)
        self.cancel.setEnabled(not self._importing)

    def _on_import(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done) and isinstance(event.value, ImportReport):
                self.files = self.files[1:]
                self.imported.emit(event.value)
                if self.files:
                    self.open_files(self.files, self._kind())

    def _finished(self) -> None:
        self._importing = False
        self._refresh()

    def _leave_for_judgments(self) -> None:
        files = list(self.files)
        self.leave()
        self.judgments_wanted.emit(files)


def headline(report: ImportReport) -> str:
    """How much of a file would come in."""
    kept = counted(report.rows_kept, "text comes", "texts come")
    left = f"; {counted(len(report.refused), 'row is', 'rows are')} left out"
    return f"{kept} in" + (left if report.refused else "") + "."


def outcome_words(report: ImportReport) -> str:
    """What would be reported, the first lines of it."""
    lines = [*report.notices, *(doubt.text for doubt in report.doubts[:_SHOWN])]
    lines += [f"Row {each.row}: {each.reason}." for each in report.refused[:_SHOWN]]
    if len(report.refused) > _SHOWN:
        more = counted(len(report.refused) - _SHOWN, "more row")
        lines.append(f"And {more}; the report lists them.")
    return "\n".join(lines)
