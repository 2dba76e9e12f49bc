"""Before labeling: who labels, and which task."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QVBoxLayout, QWidget

from prism_desktop.engine.study.records import Kind, LabelerProgress, LabelerRecord, StudyInfo
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.study.labelers import ago
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import ScrollPage
from prism_desktop.ui.widgets.tile import Tile

COLUMNS = 3


class StartPage(QWidget):
    """Tiles for labelers and tasks, and the button to begin."""

    begun = Signal(str, str)  # labeler, kind
    keys_wanted = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._labelers = QButtonGroup(self)
        self._grid = QGridLayout()
        self._grid.setSpacing(2 * GRID)
        self._codes: list[str] = []
        theme = context.theme
        self.comparison = Tile(theme, "comparison", "Comparison", "Two faces: which one, or a tie.")
        self.rating = Tile(theme, "rating", "Rating", "One face at a time, from 1 to 4.")
        self._tasks = QButtonGroup(self)
        for tile in (self.comparison, self.rating):
            tile.setCheckable(True)
            self._tasks.addButton(tile)
        self.comparison.setChecked(True)
        self.start = button("Start", self._begin, "primary")
        keys = button("Change keys…", self.keys_wanted.emit, "quiet")
        content = rows(
            label("Label", "title"),
            label("Answers are stored the moment the key is pressed. You may stop at any time.", "muted"),
            GRID,
            label("Who labels?", "heading"),
            self._grid,
            2 * GRID,
            label("Which task?", "heading"),
            columns(self.comparison, self.rating, gap=2 * GRID),
            2 * GRID,
            columns(self.start, keys, None),
            None,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(content, 880))
        self.setFocusProxy(self.start)

    @property
    def labeler(self) -> str | None:
        """The chosen labeler's code."""
        number = self._labelers.checkedId()
        return self._codes[number] if 0 <= number < len(self._codes) else None

    @property
    def kind(self) -> Kind:
        return "rating" if self.rating.isChecked() else "comparison"

    def choose(self, labeler: str, kind: str) -> None:
        """Preselect what was done last."""
        if labeler in self._codes:
            self._labelers.button(self._codes.index(labeler)).setChecked(True)
        (self.rating if kind == "rating" else self.comparison).setChecked(True)
        self._check()

    def show_study(self, info: StudyInfo, labelers: tuple[LabelerRecord, ...]) -> None:
        """Offer the study's labelers; the choice made before is kept."""
        chosen = self.labeler
        self._empty_grid()
        progress = {each.labeler: each for each in info.progress}
        self._codes = [labeler.code for labeler in labelers]
        for number, labeler in enumerate(labelers):
            tile = self._tile(labeler, progress.get(labeler.code))
            self._labelers.addButton(tile, number)
            self._grid.addWidget(tile, number // COLUMNS, number % COLUMNS)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, 1)
        if self._codes:
            self._labelers.button(self._codes.index(chosen) if chosen in self._codes else 0).setChecked(True)
        self._check()

    def _tile(self, labeler: LabelerRecord, progress: LabelerProgress | None) -> Tile:
        name = labeler.display_name or labeler.code
        text = "simulated · " if labeler.simulated else ""
        if progress is not None and progress.ratings + progress.comparisons:
            text += f"{progress.comparisons:,} comparisons, {progress.ratings:,} ratings, {ago(progress.last)}"
        else:
            text += "nothing labeled yet"
        tile = Tile(self._context.theme, "person", name, text)
        tile.setCheckable(True)
        tile.clicked.connect(lambda _=False: self._check())
        return tile

    def _empty_grid(self) -> None:
        for tile in self._labelers.buttons():
            self._labelers.removeButton(tile)
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()

    def _check(self) -> None:
        self.start.setEnabled(self.labeler is not None)

    def _begin(self) -> None:
        if self.labeler is not None:
            self.begun.emit(self.labeler, self.kind)
