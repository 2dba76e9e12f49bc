"""The ways of tables of texts into a study: dropped, chosen, or what a new study is made of."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from prism_desktop.engine.study.importing.text_columns import TextsKind
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.ui import text_operations
from prism_desktop.ui.context import AppContext

if TYPE_CHECKING:
    from prism_desktop.ui.study.assistant.texts_page import TextsPage


class TextIntake(QObject):
    """Knows which tables are of texts, and asks where it does not."""

    page_made = Signal(object)  # TextsPage, to be one of the panel's
    page_wanted = Signal(object)  # TextsPage
    taken = Signal(list)  # paths that can be told apart by themselves
    imported = Signal(object, bool)  # an ImportReport; whether more of the same drop follows
    judgments_wanted = Signal(list)  # paths of tables
    left = Signal(list, list)  # tables and embeddings that came along and wait

    def __init__(self, context: AppContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self.made: TextsPage | None = None  # the page, once it was needed
        self._following: tuple[list[Path], list[Path]] = ([], [])

    @property
    def page(self) -> "TextsPage":
        """Where it is told what the columns of a table of texts are."""
        if self.made is None:
            from prism_desktop.ui.study.assistant.texts_page import TextsPage

            page = self.made = TextsPage(self._context)
            page.left.connect(self._leave)
            page.imported.connect(self._came)
            page.judgments_wanted.connect(self.judgments_wanted)
            self.page_made.emit(page)
        return self.made

    def ask_about(
        self,
        files: Sequence[Path],
        kind: TextsKind = "texts",
        following: tuple[list[Path], list[Path]] = ([], []),
    ) -> None:
        """Open the page; tables and embeddings in `following` come after these files."""
        if self._context.study is not None:
            self._following = following
            self.page_wanted.emit(self.page)
            self.page.open_files(files, kind)

    def look_for(self, paths: Sequence[Path], found: Callable[[Path], None]) -> None:
        """Tell which of some files seems to be one of texts, if one does."""
        self._context.ask(
            lambda: next((path for path in paths if text_operations.seems_of_texts(path)), None),
            lambda file: None if file is None else found(file),
            owner=self,
            what="Looking at what was dropped",
            topic="dropped",
        )

    def begin_study(self, file: Path, waiting: list[Path]) -> None:
        """What a new study is made of: texts that are plain from their columns come in, of others
        it is asked what the columns are; what was dropped with them follows."""

        def sorted_out(kinds: "set[TextsKind | None]") -> None:
            if None in kinds:
                self.ask_about([file])
            else:
                self.taken.emit([file, *waiting])

        self._context.ask(
            lambda: text_operations.kinds_of_texts(file),
            sorted_out,
            owner=self,
            what="Looking at the texts",
        )

    def take(
        self,
        files: Sequence[tuple[Path, TextsKind]],
        then: Callable[[], object],
        tell: Callable[[list[Any]], None],
    ) -> None:
        """Import files of texts one after another; `then` follows if all came in."""
        study = self._context.study
        if not files or study is None:
            then()
            return
        (file, kind), left = files[0], files[1:]
        job = self._context.run(
            text_operations.import_texts(study, file, kind),
            "Reading texts",
            events=tell,
            owner=self,
        )
        job.ended.connect(lambda cancelled: None if cancelled else self.take(left, then, tell))

    def leave(self) -> None:
        """Forget what was on its way."""
        self._following = ([], [])
        if self.made is not None:
            self.made.leave()

    def _came(self, report: ImportReport) -> None:
        more = bool(self.page.files)
        self.imported.emit(report, more or any(self._following))
        if not more:
            self._leave()

    def _leave(self) -> None:
        following = self._following
        self.leave()
        self.left.emit(*following)
