"""The numbers of a run in a line: accuracy, epoch, time left, speed, device."""

from PySide6.QtWidgets import QLabel, QWidget
from superqt import QFlowLayout

from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import Story
from prism_desktop.ui.widgets.basics import GRID, label, rows
from prism_desktop.ui.widgets.progress import time_left

_NAMES = (
    "Validation accuracy",
    "Test accuracy",
    "Best epoch",
    "Epoch",
    "Time left",
    "Speed",
    "Device",
)


class Tiles(QWidget):
    """Name above number; in a narrow window they take two lines."""

    def __init__(self) -> None:
        super().__init__()
        flow = QFlowLayout(self)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setSpacing(GRID + 4)
        self.values: dict[str, QLabel] = {name: label("–", "heading") for name in _NAMES}
        self.captions: dict[str, QLabel] = {name: label(name, "field") for name in _NAMES}
        for name, value in self.values.items():
            tile = QWidget()
            tile.setMinimumWidth(84)
            pair = rows(self.captions[name], value, gap=2)
            pair.setContentsMargins(0, 0, 2 * GRID, 0)
            tile.setLayout(pair)
            flow.addWidget(tile)

    def show_numbers(self, row: RunRow, story: Story, kept: int | None, *, working: bool) -> None:
        """Show a run's numbers: of the epoch `kept` where it has
        ended, else the newest; `working` is not paused."""
        accuracy = story.val_accuracy.last if kept is None else story.val_accuracy.at(kept)
        self.captions[_NAMES[0]].setText(
            "Validation accuracy" if kept is None else "Validation, best epoch"
        )
        left, speed = story.eta_seconds, story.images_per_second
        told = {
            "Validation accuracy": f"{accuracy:.1%}" if accuracy is not None else "–",
            "Test accuracy": f"{row.run.macro:.1%}" if row.run.macro is not None else "–",
            "Best epoch": str(story.best_epoch) if story.best_epoch is not None else "–",
            "Epoch": f"{story.epoch} of {story.epochs}" if story.epochs else "–",
            "Time left": time_left(left).removesuffix(" left")
            if left is not None and working
            else "–",
            "Speed": f"{speed:,.0f} images/s" if speed else "–",
            "Device": story.device or "–",
        }
        for name, text in told.items():
            self.values[name].setText(text)
        self.values["Device"].setToolTip(story.device_why)
