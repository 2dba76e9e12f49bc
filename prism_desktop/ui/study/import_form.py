"""The import card: which files to import, and what embeddings are to be called."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.embeddings import NAMED
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, choose_files, choose_folder

TABLES = (
    "Tables and embeddings (*.csv *.tsv *.txt *.xlsx *.xlsm *.ods *.sav *.dta *.parquet *.json "
    "*.jsonl *.npz);;All files (*)"
)
_NOTHING = (
    "Ratings and comparisons in any table, embeddings as .npz or Parquet, or a folder of images. "
    "They can also be dropped anywhere on the window."
)
_NO_TEXTS = (
    "Texts, ratings and comparisons in any table, embeddings as .npz or Parquet. They can also be "
    "dropped anywhere on the window. A table of texts has a column “text”, and may have id, "
    "prompt, author and group."
)
_CALLED = "Runs choose them by this name as their backbone."


class ImportCard(Card):
    """Choose what to import; tables go on to the assistant, embeddings get their name here."""

    files_chosen = Signal(list)  # paths of any kind
    tables_chosen = Signal(list)  # paths
    embeddings_chosen = Signal(Path, str)  # and what they are called, "" for the file's name
    folder_chosen = Signal(Path, bool)  # and whether to copy its images into the study

    def __init__(self, context: AppContext) -> None:
        """The buttons that choose, and for embeddings their name and Import.

        The whole card is hidden until someone wants to import.
        """
        super().__init__("Import", button("Close", self.hide, "quiet"))
        self._context = context
        self.files: list[Path] = []
        self._nothing = _NOTHING
        self._usual = ""  # what the embeddings would be called
        self.chosen = label(_NOTHING, "muted", wrap=True)
        self.run = button("Import", self._run, "primary")
        self.copy = QCheckBox(
            "C&opy the images into the study (otherwise they stay where they are)"
        )
        self.body.addWidget(self.chosen)
        self.body.addSpacing(GRID)
        self.pick = button("Choose &files…", self.choose)
        self.images = button("Folder of &images…", self._pick_folder)
        context.guard.add(self.run, self.pick, self.images)
        self.body.addLayout(columns(self.pick, self.images, self.copy, None, gap=2 * GRID))
        self.name = QLineEdit()
        self.name.setMinimumWidth(340)
        self.name.textChanged.connect(lambda _: self._check())
        self._named = Field("&Name of these embeddings", self.name, _CALLED)
        self.body.addSpacing(GRID)
        self.body.addLayout(columns(self._named, None, gap=2 * GRID))
        self.body.addSpacing(GRID)
        self.body.addLayout(columns(self.run, None))
        self.hide()
        self.set_files([])

    def use_words(self, words: StimulusWords) -> None:
        """Offer what suits what the study holds."""
        of_images = words is FACES
        self._nothing = _NOTHING if of_images else _NO_TEXTS
        if not self.files:
            self.chosen.setText(self._nothing)
        for part in (self.images, self.copy):
            part.setVisible(of_images)

    def begin_anew(self) -> None:
        """As it was before anything was chosen."""
        self.copy.setChecked(False)
        self.set_files([])
        self.hide()

    def set_files(self, files: list[Path], *, following: int = 0) -> None:
        """Go on with these files: tables in the assistant, embeddings here.

        Args:
            following: how many more sets of embeddings are asked about next.
        """
        self.files = files
        self._ask_name("")
        more = (
            f" ({following:,} more {word_for(following, 'follows', 'follow')})" if following else ""
        )
        self.chosen.setText(", ".join(file.name for file in files) + more or self._nothing)

        def sorted_out(usual: str) -> None:
            if usual:
                self.show()
                self._ask_name(usual)
                self.name.setFocus()
            else:
                self.set_files([])
                self.hide()
                self.tables_chosen.emit(files)

        if files:
            self._context.ask(
                lambda: operations.one_set(files),
                sorted_out,
                owner=self,
                what="Looking at the files",
                topic="set",
            )

    def _ask_name(self, usual: str) -> None:
        """Ask what a set of embeddings is to be called; "" hides the question."""
        self._usual = usual
        self.name.setPlaceholderText(usual)
        self.name.clear()
        for part in (self._named, self.run):
            part.setVisible(bool(usual))
        self._check()

    def _check(self) -> None:
        problem = ""
        try:
            checked_name(self.name.text().strip() or "usual", NAMED)
        except InputError as error:
            problem = str(error)
        self._named.say(problem or _CALLED, bad=bool(problem))
        self.run.setEnabled(bool(self.files) and bool(self._usual) and not problem)

    def choose(self) -> None:
        """Let the user choose files."""
        choose_files(
            self, "Import ratings, comparisons or embeddings", TABLES, self.files_chosen.emit
        )

    def _pick_folder(self) -> None:
        choose_folder(self, "Import a folder of images", self.import_folder)

    def import_folder(self, folder: Path) -> None:
        """Import the images of `folder`, copied or not as ticked."""
        self.folder_chosen.emit(folder, self.copy.isChecked())

    def _run(self) -> None:
        self.embeddings_chosen.emit(self.files[0], self.name.text().strip())
