"""The import card: which files to import, and how to read what they leave open."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.study.embeddings import NAMED
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, choose_files, choose_folder

TABLES = "Ratings, comparisons or embeddings (*.csv *.tsv *.xlsx *.parquet *.npz);;All files (*)"
_NOTHING = (
    "Ratings and comparisons as CSV, Excel or Parquet, embeddings as .npz or Parquet, or a folder "
    "of images."
)
_CALLED = "Runs choose them by this name as their backbone."
_CODINGS = (
    ("Find out from the data", None),
    ("2 = first image wins", "2-first"),
    ("1 = first image wins", "1-first"),
)


class ImportCard(Card):
    """Choose files, answer what the files leave open, import."""

    files_chosen = Signal(list, dict)  # paths, options of `import_files`
    folder_chosen = Signal(Path, bool)  # and whether to copy its images into the study

    def __init__(self, context: AppContext) -> None:
        """The chosen files, the buttons that choose, what the files leave open, and Import.

        Either the questions about tables or the name of embeddings shows, as the files need. The
        whole card is hidden until someone wants to import.
        """
        super().__init__("Import", button("Close", self.hide, "quiet"))
        self._context = context
        self.files: list[Path] = []
        self.chosen = label(_NOTHING, "muted", wrap=True)
        self.coding = QComboBox()
        for text, value in _CODINGS:
            self.coding.addItem(text, value)
        self.scale = QLineEdit()
        self.scale.setPlaceholderText("as found, or 1-10")
        self.run = button("Import", self._run, "primary")
        self.copy = QCheckBox(
            "C&opy the images into the study (otherwise they stay where they are)"
        )
        self.body.addWidget(self.chosen)
        self.pick = button("Choose &files…", self._pick)
        images = button("Folder of &images…", self._pick_folder)
        self.body.addLayout(columns(self.pick, images, self.copy, None, gap=2 * GRID))
        self.name = QLineEdit()
        self.name.setMinimumWidth(340)
        self.name.textChanged.connect(lambda _: self._check())
        self._tables = (
            Field("Numbers in comparison &workbooks", self.coding),
            Field("Rating s&cale", self.scale),
        )
        self._named = Field("&Name of these embeddings", self.name, _CALLED)
        self.body.addSpacing(GRID)
        self.body.addLayout(columns(*self._tables, self._named, None, gap=2 * GRID))
        self.body.addSpacing(GRID)
        self.body.addLayout(columns(self.run, None))
        self.hide()
        self.set_files([])

    def set_files(self, files: list[Path]) -> None:
        """The files to import."""
        self.files = files
        self._ask_name("")
        self.chosen.setText(", ".join(file.name for file in files) or _NOTHING)
        if files:
            self._context.ask(
                lambda: operations.one_set(files), self._ask_name, owner=self, topic="set"
            )

    def _ask_name(self, usual: str) -> None:
        """Ask what a set of embeddings is to be called instead
        of how tables are to be read; "" for tables."""
        self._usual = usual
        self.name.setPlaceholderText(usual)
        self.name.clear()
        for field in self._tables:
            field.setVisible(not usual)
        self._named.setVisible(bool(usual))
        self._check()

    def _check(self) -> None:
        problem = ""
        try:
            checked_name(self.name.text().strip() or "usual", NAMED)
        except InputError as error:
            problem = str(error)
        self._named.say(problem or _CALLED, bad=bool(problem))
        self.run.setEnabled(bool(self.files) and not problem)

    def _pick(self) -> None:
        choose_files(self, "Import ratings, comparisons or embeddings", TABLES, self.set_files)

    def _pick_folder(self) -> None:
        choose_folder(self, "Import a folder of images", self.import_folder)

    def import_folder(self, folder: Path) -> None:
        """Import the images of `folder`, copied or not as ticked."""
        self.folder_chosen.emit(folder, self.copy.isChecked())

    def _run(self) -> None:
        options = {"coding": self.coding.currentData(), "scale": self.scale.text().strip() or None}
        if self._usual:
            options = {"name": self.name.text().strip() or None}
        self.files_chosen.emit(
            self.files, {key: value for key, value in options.items() if value is not None}
        )
