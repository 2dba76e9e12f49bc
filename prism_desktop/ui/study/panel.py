"""The Study panel: home, new study, overview of the open one."""

from pathlib import Path
from typing import Any

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.records import Changes, ImportReport, RelinkReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.leave_dialogs import may_leave
from prism_desktop.ui.study.home_page import HomePage
from prism_desktop.ui.study.new_study_page import (
    NewStudy,
    NewStudyPage,
    free_folder,
    studies_folder,
)
from prism_desktop.ui.study.overview import OverviewPage
from prism_desktop.ui.study.reports import done_text
from prism_desktop.ui.widgets.fields import choose_folder


class StudyPanel(QWidget):
    """What is in the study, and the ways in and out of it."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
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

    def views(self) -> tuple[str, ...]:
        """The views that can be shown."""
        return ("overview",) if self._context.study is not None else ("home", "new")

    def show_view(self, name: str) -> None:
        """Bring a view to the front."""
        self._show({"overview": self.overview, "home": self.home, "new": self.new}[name])

    def idle(self) -> bool:
        """Whether everything that is shown has arrived."""
        return self._context.idle()

    def make_demo(self, folder: Path | None = None) -> None:
        """Draw the demo study and open it."""
        folder = folder or free_folder(studies_folder(), "Demo")
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.home.demo.setEnabled(False)
        job = self._context.run(operations.demo(folder), "Drawing the demo study", owner=self)
        job.finished.connect(lambda: self.home.demo.setEnabled(True))
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
        """Make a study, open it and import its images."""

        def made(path: Path) -> None:
            images = wanted.images
            then = (lambda: self.import_images(images, wanted.copy)) if images is not None else None
            self._context.open_study(path, then)

        self._context.ask(
            lambda: operations.create_study(wanted.folder, wanted.name, wanted.attributes),
            made,
            owner=self,
        )

    def import_images(self, folder: Path, copy: bool = False) -> None:
        """Import a folder of images with progress and report."""
        study = self._context.study
        if study is not None:
            self._context.run(
                operations.import_images(study, folder, copy),
                "Reading images",
                events=self._imported,
                owner=self,
            )

    def import_files(self, files: list[Path], options: dict[str, Any]) -> None:
        """Import ratings or comparisons with progress and report."""
        study = self._context.study
        if study is not None:
            self._context.run(
                operations.import_files(study, files, **options),
                "Importing",
                events=self._imported,
                owner=self,
            )

    def export(self, folder: Path, kind: str) -> None:
        """Write the study's tables into a folder."""
        study = self._context.study
        if study is None:
            return
        job = self._context.run(operations.export(study, folder, kind), "Exporting", owner=self)
        told = f"The study's tables and codebook are in {folder}."
        job.ended.connect(
            lambda cancelled: None if cancelled else self._context.message(told, "good")
        )

    def close_study(self) -> None:
        """Let go of the study, but not of answers that could not be saved."""
        if may_leave(self._context, self):
            self._context.close_study()

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
        text = f"{report.found:,} images were found again" + (
            f"; {left:,} are still missing." if left else "."
        )
        self._context.message(text, "warn" if left else "good")
        self._context.changed.emit(report.changes)

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
        self.home.new_wanted.connect(lambda: self._show(self.new))
        self.home.open_wanted.connect(
            lambda: choose_folder(self, "Open a study (NAME.prism)", context.open_study)
        )
        self.home.demo_wanted.connect(self.make_demo)
        self.home.study_wanted.connect(context.open_study)
        self.new.left.connect(lambda: self._show(self.home))
        self.new.made.connect(self.make_study)
        overview = self.overview
        overview.closed.connect(self.close_study)
        overview.importing.files_chosen.connect(self.import_files)
        overview.importing.folder_chosen.connect(self.import_images)
        overview.storage.relink_wanted.connect(self.relink)
        overview.storage.export_wanted.connect(self.export)
        overview.storage.backed_up.connect(self._refresh)

    def _show(self, page: QWidget) -> None:
        if page is self.home:
            self.home.refresh()
        if page is self.new:
            self.new.reset()
        self.pages.setCurrentWidget(page)
        self.setFocusProxy(page)
        if self.isVisible():
            page.setFocus()

    def _opened(self) -> None:
        self._show(self.overview)
        self._refresh()

    def _closed(self) -> None:
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
                self.overview.show_overview,
                owner=self,
                topic="overview",
            )

    def _imported(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done) and isinstance(event.value, ImportReport):
                report = event.value
                kind, text = done_text(report)
                self._context.message(text, kind)
                if report.refused or report.notices:
                    self.overview.imports.open.add(report.id)
                self.overview.importing.set_files([])
                self.overview.importing.hide()
                self._context.changed.emit(Changes(images=True, labelers=True, attributes=True))
