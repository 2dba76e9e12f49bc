"""The import assistant: files are planned, looked at, decided on, and only then imported."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.grammar import counted, listed, word_for
from prism_desktop.engine.study.importing.import_recipe import Recipe, read_recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.records import Changes, ImportReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.study.assistant.plan_questions import PlanQuestions
from prism_desktop.ui.study.assistant.preview import Preview
from prism_desktop.ui.study.assistant.recipe_edits import (
    changed,
    column_names,
    waits,
    with_choice,
    with_role,
    with_scale,
)
from prism_desktop.ui.study.assistant.set_names import SetNames
from prism_desktop.ui.study.assistant.trouble import Trouble
from prism_desktop.ui.study.doubt_words import told
from prism_desktop.ui.study.import_records import alike
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.fields import choose_files, choose_new_file

_PATIENCE = 200  # ms before a preview that is being planned anew is dimmed
_RECIPES = "Recipes (*.toml);;All files (*)"


class AssistantPage(QWidget):
    """One import on its way; nothing is stored before Import is pressed."""

    left = Signal()
    imported = Signal(object)  # ImportReports: of the tables, then of each set of embeddings
    folder_wanted = Signal(Path)  # images that the files name and the study lacks
    files_wanted = Signal()
    texts_wanted = Signal(list)  # these files are tables of texts

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.files: tuple[Path, ...] = ()
        self.given = Recipe()  # what the user said; the rest is found out
        self.plan: ImportPlan | None = None
        self.replacing = ""  # id of the import that is read anew
        self._before: list[Recipe] = []  # what was given before each change
        self._fresh = False  # whether the plan is of what is given now
        self._importing = False
        self._attributes: tuple[str, ...] = ()
        self.sets = SetNames()
        self.planner = PlanQuestions(context, self)
        self.preview = Preview(context.theme)
        self._make_head()
        self._make_foot()
        self._make_states()
        self._dim_later = QTimer(self, interval=_PATIENCE, singleShot=True)
        self._lay_out()
        self._connect()

    def open_files(
        self,
        files: Sequence[Path],
        recipe: Recipe | None = None,
        replacing: str = "",
        *,
        sets: Sequence[Path] = (),
    ) -> None:
        """Begin with these tables.

        Args:
            recipe: how they are read, as far as that is known.
            replacing: an import that is read anew.
            sets: embeddings that come in with them.
        """
        self.planner.stop()
        self.files, self.given, self.replacing = tuple(files), recipe or Recipe(), replacing
        self.plan, self._before, self._offered = None, [], bool(recipe)
        self.preview.clear()
        self.offer.hide()
        self.sets.show_sets(sets)
        names = ", ".join(file.name for file in (*self.files, *sets))
        self.title.setText(f"Read anew: {names}" if replacing else f"Import {names}")
        set_tip(self.title, "\n".join(str(file) for file in (*self.files, *sets)))
        study = self._context.study
        if study is not None:
            self._context.ask(
                lambda: tuple(attribute.name for attribute in study.attributes()),
                self._know_attributes,
                owner=self,
                what="Reading the attributes",
                topic="attributes",
            )
        self.texts.hide()
        if study is not None and not replacing:
            self._context.ask(
                lambda: study.open_for("text"),
                self.texts.setVisible,
                owner=self,
                what="Reading the study",
                topic="kind",
            )
        self.plan_again()

    def plan_again(self) -> None:
        """Plan with what is given now; an answer on its way is void."""
        study = self._context.study
        if study is None or not self.files:
            return
        self._fresh = False
        self.planner.ask(study, self.files, self.given, self.replacing)
        self.activity.setText("Reading the files" if self.plan is None else "Checking")
        for bar in (self.bar, self.first_bar):
            bar.setRange(0, 0)
        self.trouble_line.hide()
        if self.plan is None:
            self.states.setCurrentWidget(self.waiting)
        self._dim_later.start()
        self._refresh()

    def _study_changed(self, changes: Changes) -> None:
        """Plan anew: a plan rests on the study's imports, images, labelers and attributes."""
        touched = changes.images or changes.labelers or changes.attributes or changes.imports
        if self.files and touched and not self._importing:
            self.plan_again()

    def leave(self) -> None:
        """Forget everything; nothing was stored."""
        self.files, self.plan = (), None
        self.sets.show_sets(())
        self.planner.forget()
        self.preview.clear()

    def give(self, recipe: Recipe) -> None:
        """Go on with another recipe."""
        if recipe != self.given:
            self._before.append(self.given)
            self.given = recipe
            self.plan_again()

    def take_back(self) -> None:
        """Take the last change back."""
        if self._before:
            self.given = self._before.pop()
            self.plan_again()

    def use_recipe(self, file: Path) -> None:
        """Go on with a recipe from a file."""
        self._context.ask(
            lambda: read_recipe(file),
            self.give,
            owner=self,
            what="Reading the recipe",
            topic="recipe",
        )

    def save_recipe(self, file: Path) -> None:
        """Write the recipe, complete as the plan has it."""
        plan = self.plan
        if plan is not None:
            file = file if file.suffix else file.with_suffix(".toml")
            self._context.ask(
                lambda: operations.save_recipe(plan.recipe, file),
                lambda _: self._context.message(f"The recipe is in {file.name}.", "good"),
                owner=self,
                what="Saving the recipe",
            )

    def start(self) -> None:
        """Import what the plan holds."""
        study, plan = self._context.study, self.plan
        if study is None or plan is None or self._why_not():
            return
        self._importing = True
        self._refresh()
        sets = self.sets.chosen()
        work: Iterator[Any] = (
            operations.apply_together(study, plan, sets, replacing=self.replacing)
            if sets
            else operations.apply_import_plan(study, plan, replacing=self.replacing)
        )
        job = self._context.run(work, "Importing", events=self._on_import, owner=self)
        job.ended.connect(self._import_ended)
        job.failed.connect(lambda _: self._import_failed())
        job.finished.connect(self._import_finished)

    # ---- layout ----

    def _make_head(self) -> None:
        self.title = label("", "title")
        self.title.setMinimumWidth(80)
        self.headline = label("", "muted")
        self.activity = label("", "small")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.stop = button("Stop", self.planner.stop, tip="Stop checking")
        self.working = QWidget()
        self.working.setLayout(columns(self.activity, self.bar, self.stop, gap=GRID + 4))
        self.back = button("U&ndo", self.take_back, tip="Take the last change back")
        self.again = button("Check a&gain", self.plan_again)
        self.texts = button("These are &texts…", lambda: self.texts_wanted.emit(list(self.files)))

    def _make_foot(self) -> None:
        self.why = label("", "muted", wrap=True)
        self.use = button("&Use a recipe…", self._choose_recipe)
        self.save = button("Save reci&pe…", self._choose_place)
        self.cancel = button("&Cancel", self.left.emit)
        self.run = button("&Import", self.start, "primary")

    def _make_states(self) -> None:
        """Three pages: while the first plan is made, the preview, and what went wrong at first.

        What goes wrong later is said in a line above the preview, which stays.
        """
        theme = self._context.theme
        self.first_bar = QProgressBar()
        self.first_bar.setTextVisible(False)
        self.first_bar.setFixedWidth(320)
        self.first = label("Reading the files", "muted")
        self.waiting = QWidget()
        self.waiting.setLayout(
            rows(None, columns(None, self.first, None), columns(None, self.first_bar, None), None)
        )
        self.trouble = Trouble(theme)
        self.trouble.files_wanted.connect(self.files_wanted)
        self.trouble.recipe_wanted.connect(self._choose_recipe)
        self.trouble.folder_chosen.connect(self.folder_wanted)
        self._context.guard.add(self.trouble.folder)
        self.trouble.encoding_said.connect(
            lambda name: self.give(changed(self.given, encoding=name))
        )
        self.states = QStackedWidget()
        for page in (self.waiting, self.preview, self.trouble):
            self.states.addWidget(page)
        self.trouble_text = label("", "", wrap=True)
        self.trouble_line = frame("failure")
        inside = columns(self.trouble_text, button("Take it back", self.take_back, "quiet"))
        inside.setStretch(0, 1)
        inside.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        self.trouble_line.setLayout(inside)
        self.offer_text = label("", "", wrap=True)
        self.offer_use = button("", self._take_offer, "quiet")
        self.offer = frame("message")
        inside = columns(
            self.offer_text, self.offer_use, button("No", self.offer.hide, "quiet"), gap=GRID
        )
        inside.setStretch(0, 1)
        inside.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        self.offer.setLayout(inside)

    def _lay_out(self) -> None:
        """Head, lines that come and go, the states in the rest, and the foot with its buttons."""
        titles = rows(self.title, self.headline, gap=2)
        head = columns(titles, self.working, self.texts, self.again, self.back, gap=GRID)
        head.setStretch(0, 1)
        body = rows(head, self.trouble_line, self.offer, self.sets, self.states, gap=GRID + 4)
        body.setStretch(4, 1)
        body.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, GRID)
        foot = frame("footer")
        buttons = columns(self.why, self.use, self.save, self.cancel, self.run, gap=GRID)
        buttons.setStretch(0, 1)
        buttons.setContentsMargins(3 * GRID, GRID + 2, 3 * GRID, GRID + 2)
        foot.setLayout(buttons)
        whole = rows(body, foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)
        self.setFocusProxy(self.preview.table)

    def _connect(self) -> None:
        preview = self.preview
        self._context.changed.connect(self._study_changed)
        preview.role_chosen.connect(
            lambda column, role, attribute: self.give(
                with_role(self.given, column, role, attribute)
            )
        )
        preview.scale_said.connect(
            lambda attribute, scale: self.give(with_scale(self.given, attribute, scale))
        )
        preview.field_said.connect(
            lambda name, value: self.give(changed(self.given, **{name: value}))
        )
        preview.decided.connect(lambda change: self.give(with_choice(self.given, change)))
        preview.images.folder_chosen.connect(self.folder_wanted)
        self._context.guard.add(preview.images.find_folder)
        self.sets.edited.connect(self._refresh)
        planner = self.planner
        planner.planned.connect(self._show_plan)
        planner.progressed.connect(self._show_progress)
        planner.failed.connect(self._show_trouble)
        planner.stopped.connect(self._stopped)
        self._dim_later.timeout.connect(lambda: self._dim(self.planner.busy))

    # ---- what comes back ----

    def _show_plan(self, plan: ImportPlan) -> None:
        self.plan, self._fresh = plan, True
        self.states.setCurrentWidget(self.preview)
        self.preview.show_plan(plan, self.given, self._attributes)
        self.headline.setText(headline(plan))
        self._dim(False)
        self._refresh()
        if self.preview.answering and not plan.decisions:
            self.run.setFocus()
        self.preview.answering = False
        study = self._context.study
        if not self._offered and study is not None:
            self._offered = True
            heads = column_names(plan)
            self._context.ask(
                lambda: alike(heads, study.imports()),
                self._offer,
                owner=self,
                what="Looking for an import like this one",
                topic="alike",
            )

    def _show_progress(self, progress: Progress) -> None:
        self.activity.setText(progress.what)
        self.first.setText(progress.what)
        for bar in (self.bar, self.first_bar):
            bar.setRange(0, progress.total or 0)
            bar.setValue(progress.done)

    def _show_trouble(self, error: Exception) -> None:
        """Say what went wrong; where there is a preview it stays, and the change can go back."""
        if not isinstance(error, PrismError):
            self._context.report(error)
        known = isinstance(error, PrismError)
        text = str(error) if known else "Something unexpected went wrong. Nothing was imported."
        if self.plan is None:
            self.trouble.text.setText(told(text))
            self.trouble.encoding.setVisible("--encoding" in text)
            self.trouble.folder.setVisible("no images yet" in text)
            self.states.setCurrentWidget(self.trouble)
        else:
            self.trouble_text.setText(told(text))
            self.trouble_line.setVisible(bool(self._before))
        self._dim(False)
        self._refresh()

    def _stopped(self) -> None:
        self._dim(False)
        if self.plan is None and self.files:
            self.left.emit()
        else:
            self._refresh()

    def _know_attributes(self, names: tuple[str, ...]) -> None:
        self._attributes = names
        if self.plan is not None and self._fresh:
            self.preview.show_plan(self.plan, self.given, names)

    def _offer(self, found: tuple[ImportReport, Recipe] | None) -> None:
        if found is None or found[1] == self.given:
            return
        name = Path(found[0].source).name or found[0].source
        self._offer_recipe = found[1]
        self.offer_text.setText(f"These columns are those of {name}, which was imported before.")
        self.offer_use.setText(literal(f"Read as {name} was"))
        self.offer.show()

    def _take_offer(self) -> None:
        self.offer.hide()
        self.give(self._offer_recipe)

    def _on_import(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                came = event.value
                self.imported.emit((came,) if isinstance(came, ImportReport) else came)

    def _import_ended(self, cancelled: bool) -> None:
        if cancelled:
            self._context.ask(
                self._came_in,
                self._cancelled,
                owner=self,
                what="Looking whether the import came in",
                topic="cancelled",
            )

    def _import_failed(self) -> None:
        """The tables may have come in before what failed; then this page is done with them."""
        self._context.ask(
            self._came_in,
            lambda came: self._cancelled(True) if came else None,
            owner=self,
            what="Looking what came in",
            topic="cancelled",
        )

    def _came_in(self) -> bool:
        """Whether an import was cancelled too late, its transaction being closed already."""
        study, plan = self._context.study, self.plan
        if study is None or plan is None or plan.batch is None:
            return False
        return any(report.id == plan.batch.report.id for report in study.imports())

    def _cancelled(self, too_late: bool) -> None:
        if too_late and self.plan is not None and self.plan.batch is not None:
            self.imported.emit((self.plan.batch.report,))
        else:
            self._context.message("The import was cancelled; nothing was imported.", "info")

    def _import_finished(self) -> None:
        self._importing = False
        self._refresh()

    # ---- what is shown of it ----

    def _dim(self, dim: bool) -> None:
        self.preview.veil.raise_()
        self.preview.veil.setVisible(dim and self.plan is not None)

    def _why_not(self) -> str:
        """Why Import cannot be pressed; empty if it can."""
        plan = self.plan
        study = self._context.study
        if study is None:
            return "No study is open."
        if study.read_only:
            return study.read_only_reason or "This study is open read-only."
        if self._importing:
            return "Importing…"
        if self.planner.busy:
            return "The files are being checked."
        if plan is None:
            return "Nothing can be imported yet."
        if not self._fresh:
            return "What is shown is not checked with the last change yet."
        if count := len(plan.decisions):
            are = word_for(count, "question is", "questions are")
            return f"{count:,} {are} open; answer above, and the import can go on."
        if problem := self.sets.problem():
            return problem
        empty = not (plan.rows_kept or plan.ratings or plan.comparisons)
        return "There is nothing to import in these files." if plan.batch is None or empty else ""

    def _refresh(self) -> None:
        """Buttons and words as the state has them."""
        why, plan = self._why_not(), self.plan
        busy = self.planner.busy
        self.run.setEnabled(not why)
        set_tip(self.run, why)
        words = import_words(plan, len(self.sets.files)) if plan is not None else ""
        self.run.setText(words if words and not why else "&Import")
        self.why.setText(why or "Nothing is stored before you press Import.")
        self.working.setVisible(busy and plan is not None)
        self.again.setVisible(not busy and plan is not None and not self._fresh)
        self.back.setVisible(bool(self._before))
        self.save.setEnabled(plan is not None and self._fresh)
        self.use.setEnabled(not self._importing)
        self.cancel.setEnabled(not self._importing)
        for part in (self.preview, self.sets):
            part.setEnabled(not self._importing)
        if plan is None:
            self.headline.setText("")

    def _choose_recipe(self) -> None:
        choose_files(self, "Use a recipe", _RECIPES, lambda files: self.use_recipe(files[0]))

    def _choose_place(self) -> None:
        name = f"{self.files[0].stem}.toml" if self.files else "recipe.toml"
        choose_new_file(self, "Save the recipe", name, _RECIPES, self.save_recipe)


def headline(plan: ImportPlan) -> str:
    """What comes in; while questions are open that need not be known yet."""
    if waits(plan):
        rows = counted(plan.rows_read, "row")
        return f"{rows}; what they bring is known when the questions are answered"
    return plan.headline()


def import_words(plan: ImportPlan, sets: int = 0) -> str:
    """What the button does: "Import 48 ratings"."""
    parts = [
        counted(count, word)
        for count, word in (
            (plan.ratings, "rating"),
            (plan.comparisons, "comparison"),
            (sets, "set of embeddings"),
        )
        if count
    ]
    return "&Import " + listed(parts)
