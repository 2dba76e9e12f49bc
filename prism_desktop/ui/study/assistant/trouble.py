"""What is shown when files cannot be read at all: why, and the ways on."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from prism_desktop.ui.study.assistant.reading_card import ENCODINGS
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.fields import choose_folder


class Trouble(QWidget):
    """Why nothing can be shown, with other files, a recipe, an encoding or images as ways on."""

    files_wanted = Signal()
    recipe_wanted = Signal()
    folder_chosen = Signal(Path)
    encoding_said = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        state = EmptyState(
            theme,
            "error",
            "These files cannot be read as they are",
            "",
            (
                ("Choose other files…", self.files_wanted.emit),
                ("Use a recipe…", self.recipe_wanted.emit),
            ),
        )
        self.text, self.buttons = state.text, state.buttons
        box = QComboBox()
        box.addItem("Read it as…", "")
        for name in ENCODINGS:
            box.addItem(name, name)
        box.setAccessibleName("Encoding")
        box.activated.connect(
            lambda _: self.encoding_said.emit(box.currentData()) if box.currentData() else None
        )
        self.encoding = QWidget()
        self.encoding.setLayout(columns(None, label("Encoding", "muted"), box, None, gap=GRID))
        self.folder = QWidget()
        self.folder.setLayout(
            columns(None, button("Import a folder of &images…", self._choose), None)
        )
        whole = rows(state, self.encoding, self.folder, 6 * GRID)
        whole.setStretch(0, 1)
        self.setLayout(whole)
        for part in (self.encoding, self.folder):
            part.hide()

    def _choose(self) -> None:
        choose_folder(self, "Import a folder of images", self.folder_chosen.emit)
