"""The Study panel: home, new study, overview of the open one."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from prism_desktop.engine.events import Done, Event, Notice
from prism_desktop.engine.files import make_folder
from prism_desktop.engine.foreign_files import is_folder
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.records import Changes, ImportReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.incoming_files import Incoming, sort_incoming
from prism_desktop.ui.leave_dialogs import may_leave
from prism_desktop.ui.study.home_page import HomePage, see
from prism_desktop.ui.study.import_records import files_of, recipe_of
from prism_desktop.ui.study.new_study_page import (
    NewStudy,
    NewStudyPage,
    free_folder,
    studies_folder,
)
from prism_desktop.ui.study.overview import OverviewPage
from prism_desktop.ui.study.reports import done_text
from prism_desktop.ui.study.study_upkeep import StudyUpkeep
from prism_desktop.ui.study.text_intake import TextIntake
from prism_desktop.ui.widgets.fields import choose_folder

if TYPE_CHECKING:
    from prism_desktop.ui.study.assistant.assistant_page import AssistantPage


class StudyPanel(QWidget):
    """What is in the study, and the ways in and out of it."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._assistant: AssistantPage | None = None
        self.intake = TextIntake(context, self)
        self._waiting: list[Path] = []  # dropped before there was a study for them
        self._sets: list[Path] = []  # embeddings that are offered one after another
        self._came: list[ImportReport] = []  # of what was dropped together and is not all in
        self.upkeep = StudyUpkeep(context, self)
        self._stale = False  # what is shown is out of date; read again when it is looked at
        self.home = HomePage(context)
        self.new = NewStudyPage(context)
        self.overview = OverviewPage(context)
        self.pages = QStackedWidget()
        for page in (self.home, self.new, self.overview):
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self._connect()
        if context.study is not None:
            self._opened()
        else:
            self._show(self.home)

    @property
    def assistant(self) -> "AssistantPage":
        """The import assistant, made when it is first needed."""
        if self._assistant is None:
            from prism_desktop.ui.study.assistant.assistant_page import AssistantPage

            page = self._assistant = AssistantPage(self._context)
            self.pages.addWidget(page)
            page.left.connect(self._leave_assistant)
            page.imported.connect(self._plan_imported)
            page.folder_wanted.connect(
                lambda folder: self.import_images(folder)  # the page follows the study
            )
            page.files_wanted.connect(self.overview.importing.choose)
            page.texts_wanted.connect(self.intake.ask_about)
        return self._assistant

    def views(self) -> tuple[str, ...]:
        """The views that can be shown; the assistant while an import is on its way."""
        if self._context.study is None:
            return ("home", "new")
        page, texts = self._assistant, self.intake.made
        found = ["overview"]
        found += ["import"] if page is not None and page.files else []
        found += ["texts"] if texts is not None and texts.files else []
        return tuple(found)

    def show_view(self, name: str) -> None:
        """Bring a view to the front; of the overview also with one of its forms open: "bring",
        "labeler", "attribute"."""
        pages: dict[str, QWidget] = {
            "overview": self.overview, "home": self.home, "new": self.new
        }  # fmt: skip
        if name in ("import", "texts"):
            self._show(self.assistant if name == "import" else self.intake.page)
        else:
            self._show(pages.get(name, self.overview))
        self.overview.open_form(name)

    def idle(self) -> bool:
        """Whether everything that is shown has arrived."""
        return self._context.idle()

    def make_demo(self, folder: Path | None = None, *, texts: bool = False) -> None:
        """Make the demo study of faces or of texts and open it."""
        folder = folder or free_folder(studies_folder(), "Demo of texts" if texts else "Demo")
        make_folder(folder.parent)
        tile = self.home.texts_demo if texts else self.home.demo
        tile.setEnabled(False)
        what = "Writing the demo study of texts" if texts else "Drawing the demo study"
        job = self._context.run(operations.demo(folder, texts=texts), what, owner=self)
        job.finished.connect(lambda: tile.setEnabled(True))
        job.ended.connect(lambda cancelled: None if cancelled else self._offer(folder))

    def _offer(self, folder: Path) -> None:
        """Open what was made, unless the user is in another study by now."""
        if self._context.study is None and not self._context.busy_opening:
            self._context.open_study(folder)
            return

        def go() -> None:
            if may_leave(self._context, self):
                self._context.open_study(folder)

        self._context.message(f"The study {folder.stem} is ready.", "good", ("Open", go))

    def make_study(self, wanted: NewStudy) -> None:
        """Make a study, open it and import its images or texts."""

        def made(path: Path) -> None:
            images, waiting = wanted.images, self._waiting
            self._waiting, self._came = [], []

            def tables() -> None:
                if waiting:
                    self._take(waiting, but=images)

            def opened() -> None:
                if wanted.texts is not None:
                    self.intake.begin_study(wanted.texts, waiting)
                elif images is None:
                    tables()
                else:
                    self.import_images(images, wanted.copy, tables, follows=bool(waiting))

            self._context.open_study(path, opened)

        def failed(error: Exception) -> None:
            self.new.wait(False)
            self._context.report(error)

        self._context.begin()
        self.new.wait(True)
        self._context.ask(
            lambda: operations.create_study(
                wanted.folder, wanted.name, wanted.attributes, wanted.kind
            ),
            made,
            owner=self,
            what=f"Making the study {wanted.name}",
            failed=failed,
        )

    def take(self, paths: list[Path]) -> None:
        """Take in what was dropped on the window as one: images first, then tables and embeddings
        together in the assistant."""
        if self._context.study is None:
            self._wait_for_study(paths)
            return
        self._came = []
        self._context.begin()
        self._take(paths)

    def _take(self, paths: list[Path], but: Path | None = None) -> None:
        """Tell apart what was dropped and take it in, but for a folder whose images are in."""
        work = sort_incoming(paths, study=self._context.study)

        def on_events(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done):
                    self._take_sorted(event.value, but)

        job = self._context.jobs.start(
            work, "Looking at what was dropped", events=on_events, owner=self
        )
        job.failed.connect(self._context.report)

    def import_tables(self, files: list[Path], sets: Sequence[Path] = ()) -> None:
        """Open the assistant with these tables, and the embeddings that came with them."""
        if self._context.study is not None:
            self._show(self.assistant)
            self.assistant.open_files(files, sets=sets)

    def read_anew(self, report: ImportReport) -> None:
        """Open the assistant with an import's files and recipe, to take its place."""
        files = files_of(report)
        lost = [file.name for file in files if not operations.is_there(file)]
        if lost or not files:
            names = ", ".join(lost) or report.source
            self._context.message(
                f"{names} is not where it was; choose Import and the moved file. The import stays "
                "as it is.",
                "warn",
            )
            return
        self._show(self.assistant)
        self.assistant.open_files(files, recipe_of(report), report.id)

        def tell(changed: list[Path]) -> None:
            if changed:
                names = ", ".join(file.name for file in changed)
                since = (
                    "has changed since it was"
                    if len(changed) == 1
                    else "have changed since they were"
                )
                self._context.message(f"{names} {since} imported.", "warn")

        self._context.ask(
            lambda: operations.changed_files(report),
            tell,
            owner=self,
            what="Looking whether the files have changed",
        )

    def import_images(
        self,
        folder: Path,
        copy: bool = False,
        then: Callable[[], object] | None = None,
        only: Sequence[str] | None = None,
        *,
        follows: bool = False,
    ) -> None:
        """Import a folder of images, or the files of it that `only` names, with progress and
        report; `then` follows if it went well.

        `follows` says whether more of the same drop comes in then.
        """
        study = self._context.study
        if study is None:
            return
        job = self._context.run(
            operations.import_images(study, folder, copy, only),
            "Reading images",
            events=partial(self._imported, follows=follows),
            owner=self,
        )
        if then is not None:
            job.ended.connect(lambda cancelled: None if cancelled else then())

    def import_embeddings(self, file: Path, name: str) -> None:
        """Import a set of embeddings with progress and report."""
        study = self._context.study
        if study is not None:
            self._context.run(
                operations.import_embeddings(study, file, name or None),
                "Importing",
                events=partial(self._imported, follows=bool(self._sets)),
                owner=self,
            )

    def export(self, folder: Path, kind: str) -> None:
        """Write the study's tables into a folder."""
        study, told = self._context.study, f"The study's tables and codebook are in {folder}."
        if study is not None:
            self._write_out(operations.export(study, folder, kind), "Exporting", told)

    def write_paper(self, folder: Path, stimuli: bool) -> None:
        """Write what a paper takes out of the study into a folder."""
        told = f"Answers without names and the methods are in {folder}."
        if (study := self._context.study) is not None:
            self._write_out(operations.paper_bundle(study, folder, stimuli), "Writing", told)

    def _write_out(self, work: Iterator[Event[Any]], title: str, told: str) -> None:
        said = [told]  # and then what is doubtful

        def on_events(events: list[Any]) -> None:
            said.extend(one.text for one in events if isinstance(one, Notice))

        def ended(cancelled: bool) -> None:
            if not cancelled:
                self._context.message(" ".join(said), "warn" if len(said) > 1 else "good")

        self._context.run(work, title, owner=self, events=on_events).ended.connect(ended)

    def close_study(self) -> None:
        """Let go of the study, but not of answers that could not be saved."""
        if may_leave(self._context, self):
            self._context.close_study()

    def _connect(self) -> None:
        """Connect the context and the pages.

        Pages ask by signals for another page, or for a study to be opened, made or closed, and the
        panel does it; so no page needs to know the others.
        """
        context = self._context
        context.study_opened.connect(self._opened)
        context.study_closed.connect(self._closed)
        context.opening.connect(self.home.set_busy)
        context.changed.connect(self._changed)
        context.check_wanted.connect(self.upkeep.check)
        self.home.new_wanted.connect(lambda: self._show(self.new))
        self.home.open_wanted.connect(
            lambda: choose_folder(self, "Open a study (NAME.prism)", context.open_study)
        )
        self.home.demo_wanted.connect(self.make_demo)
        self.home.texts_demo_wanted.connect(partial(self.make_demo, texts=True))
        self.home.study_wanted.connect(context.open_study)
        self.new.left.connect(lambda: self._show(self.home))
        self.new.made.connect(self.make_study)
        intake = self.intake
        intake.page_made.connect(self.pages.addWidget)
        intake.page_wanted.connect(self._show)
        intake.taken.connect(self._take)
        intake.judgments_wanted.connect(self.import_tables)
        intake.left.connect(self._leave_texts)
        intake.imported.connect(lambda report, more: self._tell_imports([report], follows=more))
        overview = self.overview
        overview.closed.connect(self.close_study)
        overview.importing.embeddings_chosen.connect(self.import_embeddings)
        overview.importing.tables_chosen.connect(self.import_tables)
        overview.importing.files_chosen.connect(self.take)
        overview.imports.read_anew_wanted.connect(self.read_anew)
        overview.importing.folder_chosen.connect(self.import_images)
        overview.storage.relink_wanted.connect(self.upkeep.relink)
        overview.storage.export_wanted.connect(self.export)
        overview.storage.restore_wanted.connect(self.upkeep.choose_backup)
        overview.storage.paper_wanted.connect(self.write_paper)
        overview.storage.backed_up.connect(self._refresh)

    def _show(self, page: QWidget) -> None:
        if page is self.home:
            self.home.refresh()
        if page is self.new:
            self.new.reset()
            self._waiting = []
        self.pages.setCurrentWidget(page)
        self.setFocusProxy(page)
        if self.isVisible():
            page.setFocus()

    def _opened(self) -> None:
        self._show(self.overview)
        self._refresh()

    def _wait_for_study(self, paths: list[Path]) -> None:
        """Offer to make a study for what was dropped; a folder is taken for its images."""
        self._show(self.new)
        self._waiting = paths
        folder = next((path for path in paths if is_folder(path)), None)
        if folder is not None:
            self.new.images.setText(str(folder))
        else:
            self.intake.look_for(paths, self._offer_texts)
        names = few([path.name for path in paths])
        self._context.message(
            f"No study is open. Make one here, or open one; {names} can come in then."
        )

    def _offer_texts(self, file: Path) -> None:
        """The study that is being made is one of texts, of this file."""
        if self.pages.currentWidget() is self.new:
            self.new.of("text")
            self.new.texts.setText(str(file))
            self._waiting = [path for path in self._waiting if path != file]

    def _take_sorted(self, incoming: Incoming, but: Path | None = None) -> None:
        """Images come in one folder after another; then tables and the embeddings that came with
        them in the assistant, or embeddings by themselves one after another in the import card."""
        folders: list[tuple[Path, list[str] | None]] = [
            (each, None) for each in incoming.folders if each != but
        ]
        loose: dict[Path, list[str]] = {}
        for file in incoming.loose:
            loose.setdefault(file.parent, []).append(file.name)
        images = [*folders, *loose.items()]
        nothing = not (images or incoming.tables or incoming.embeddings or but)
        if nothing and not (incoming.texts or incoming.perhaps):
            self._context.message(
                "No tables, embeddings or images were found there. Nothing was imported.", "warn"
            )
        tables, sets = list(incoming.tables), list(incoming.embeddings)
        if incoming.texts:
            self._show(self.overview)
        follows = bool(images or tables or sets or incoming.perhaps or incoming.texts[1:])
        self.intake.take(
            incoming.texts,
            lambda: self._take_folders(images, tables, sets, list(incoming.perhaps)),
            partial(self._imported, follows=follows),
        )

    def _offer_sets(self, files: list[Path]) -> None:
        """Ask what the first set of embeddings is to be called; the others follow it."""
        self._show(self.overview)
        self._sets = files[1:]
        self.overview.importing.show()
        self.overview.importing.set_files(files[:1], following=len(self._sets))

    def _take_folders(
        self,
        folders: list[tuple[Path, list[str] | None]],
        tables: list[Path],
        sets: list[Path],
        perhaps: list[Path],
    ) -> None:
        if folders:
            self._show(self.overview)
            (first, names), left = folders[0], folders[1:]
            self.import_images(
                first,
                then=lambda: self._take_folders(left, tables, sets, perhaps),
                only=names,
                follows=bool(left or tables or sets),
            )
        elif perhaps:  # texts come before judgments of them
            self.intake.ask_about(perhaps, following=(tables, sets))
        elif tables:
            self.import_tables(tables, sets)
        elif sets:
            self._offer_sets(sets)

    def _leave_assistant(self) -> None:
        self.assistant.leave()
        self._came = []
        if self._context.study is not None:
            self._show(self.overview)

    def _leave_texts(self, tables: list[Path], sets: list[Path]) -> None:
        """Back to the overview, or on to what came with the texts."""
        if not (tables or sets):
            self._came = []
        if self._context.study is not None:
            self._show(self.overview)
            self._take_folders([], tables, sets, [])

    def _plan_imported(self, reports: tuple[ImportReport, ...]) -> None:
        """Back to the overview, where the report of the tables is unfolded."""
        self.overview.imports.open.add(reports[0].id)
        self._tell_imports(reports, follows=False)
        self._leave_assistant()

    def _closed(self) -> None:
        self._came, self._sets = [], []
        self.new.reset()
        self.overview.begin_anew()
        if self._assistant is not None:
            self._assistant.leave()
        self.intake.leave()
        self._show(self.home)

    def _changed(self, _changes: Changes) -> None:
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._refresh()

    def _refresh(self) -> None:
        study = self._context.study
        self._stale = not self.isVisible()
        if study is not None and not self._stale:
            self._context.ask(
                lambda: operations.overview(study),
                self._show_overview,
                owner=self,
                what="Reading the study",
                topic="overview",
            )

    def _show_overview(self, found: operations.Overview) -> None:
        see(self._context, found.info)
        self.overview.show_overview(found)

    def _imported(self, events: list[Any], *, follows: bool = False) -> None:
        for event in events:
            if isinstance(event, Done) and isinstance(event.value, ImportReport):
                self._tell_imports((event.value,), follows=follows)

    def _tell_imports(self, reports: Sequence[ImportReport], *, follows: bool) -> None:
        """One sentence about all that was dropped together and has come in so far."""
        came = [*self._came, *reports]
        self._came = came if follows else []
        kind, text = done_text(came)
        self._context.message(text, kind)
        self.overview.imports.open |= {
            report.id for report in reports if report.refused or report.notices
        }
        self.overview.importing.set_files([])
        self.overview.importing.hide()
        if reports[-1].format == "embeddings" and self._sets:
            self._offer_sets(self._sets)
        self._context.changed.emit(Changes(images=True, labelers=True, attributes=True))
