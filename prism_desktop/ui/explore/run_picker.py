"""The picker of the run that Explore shows."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy

from prism_desktop.engine.runs import run_choice
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.view import title
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.widgets.basics import GRID
from prism_desktop.ui.widgets.pickers import Picker


class RunPicker(Picker):
    """Shrinks to ten characters and grows with the window: titles are long."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: tuple[RunSummary, ...] = ()
        self.setMinimumWidth(150)
        self.setSizeAdjustPolicy(Picker.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Run")
        self.setPlaceholderText("Choose a run")

    def offer_runs(self, runs: Sequence[RunSummary]) -> None:
        """Offer the study's runs, the best first; the list is as wide as their titles, whatever the
        field itself has room for."""
        self.runs = tuple(runs)
        self.offer([(str(run.path), title(run, run_choice.marks(run, runs))) for run in runs])
        for place, run in enumerate(runs):
            self.setItemData(place, tip_text(run.note), Qt.ItemDataRole.ToolTipRole)
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 4 * GRID)
        self.setVisible(bool(runs))

    def choose_best(self, chosen: str, selection: Selection) -> None:
        """The run that was chosen before, or else the best: what labelers differ in is what people
        come for. Nobody who looks on is moved to another run."""
        kept = selection.run
        stays = selection.by_hand or (chosen and self.isVisible())
        if not self.has(kept) or not stays:
            kept = str(self.runs[0].path)
        if kept != selection.run:
            selection.run, selection.by_hand = kept, False
        if not chosen or kept != chosen:
            self.settle(kept)

    def better(self, selection: Selection) -> RunSummary | None:
        """A run that was finished since somebody chose one, if it is better."""
        shown = next((run for run in self.runs if str(run.path) == self.key), None)
        found = run_choice.better(shown, self.runs)
        return None if found is None or str(found.path) in selection.known else found
