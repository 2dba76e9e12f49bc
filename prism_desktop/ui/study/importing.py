"""Importing files, in place: which, and how they are to be read where that is open."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, choose_files, choose_folder

TABLES = "Ratings, comparisons or embeddings (*.csv *.tsv *.xlsx *.parquet *.npz);;All files (*)"
_CODINGS = (("Find out from the data", None), ("2 = first image wins", "2-first"), ("1 = first image wins", "1-first"))


class ImportCard(Card):
    """Choose files, answer what the files leave open, import."""

    files_chosen = Signal(list, dict)  # paths, options of `import_files`
    folder_chosen = Signal(Path, bool)  # and whether to copy its images into the study

    def __init__(self, context: AppContext) -> None:
        super().__init__("Import", button("Close", self.hide, "quiet"))
        self._context = context
        self.files: list[Path] = []
        self.chosen = label(
            "Ratings and comparisons as CSV, Excel or Parquet, or a folder of images.", "muted", wrap=True
        )
        self.coding = QComboBox()
        for text, value in _CODINGS:
            self.coding.addItem(text, value)
        self.scale = QLineEdit()
        self.scale.setPlaceholderText("as found, or 1-10")
        self.run = button("Import", self._run, "primary")
        self.copy = QCheckBox("C&opy the images into the study (otherwise they stay where they are)")
        self.body.addWidget(self.chosen)
        self.pick = button("Choose &files…", self._pick)
        images = button("Folder of &images…", self._pick_folder)
        self.body.addLayout(columns(self.pick, images, self.copy, None, gap=2 * GRID))
        options = columns(
            Field("Numbers in comparison &workbooks", self.coding),
            Field("Rating s&cale", self.scale),
            None,
            gap=2 * GRID,
        )
        self.body.addSpacing(GRID)
        self.body.addLayout(options)
        self.body.addSpacing(GRID)
        self.body.addLayout(columns(self.run, None))
        self.hide()
        self.set_files([])

    def set_files(self, files: list[Path]) -> None:
        """The files to import."""
        self.files = files
        self.run.setEnabled(bool(files))
        if files:
            self.chosen.setText(", ".join(file.name for file in files))

    def _pick(self) -> None:
        choose_files(self, "Import ratings or comparisons", TABLES, self.set_files)

    def _pick_folder(self) -> None:
        choose_folder(self, "Import a folder of images", self.import_folder)

    def import_folder(self, folder: Path) -> None:
        """Import the images of `folder`, copied or not as ticked."""
        self.folder_chosen.emit(folder, self.copy.isChecked())

    def _run(self) -> None:
        options = {"coding": self.coding.currentData(), "scale": self.scale.text().strip() or None}
        self.files_chosen.emit(self.files, {key: value for key, value in options.items() if value is not None})
