"""What a comparison holds out and what it varies: folds in turn, and values of settings."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.experiments.variants import check_grid, parse_grid
from prism_desktop.ui.plain import set_tip


class CrossFitBox(QCheckBox):
    """Follows the methods until somebody ticks or unticks it."""

    def __init__(self) -> None:
        super().__init__("Hold out each image fold in &turn")
        self._by_hand = False
        self.clicked.connect(self._keep)
        set_tip(
            self,
            "Trains each method once per fold, so that every answer within a fold is tested once. "
            "Ticked by itself where all methods are closed forms, which take seconds.",
        )

    @property
    def wanted(self) -> bool | None:
        """What was chosen by hand; None to leave it to the methods."""
        if not self.isEnabled():
            return False
        return self.isChecked() if self._by_hand else None

    def follow(self, crossed: bool) -> None:
        """Show what the methods mean by themselves."""
        if not self._by_hand:
            self.setChecked(crossed)

    def reset(self) -> None:
        """Nobody chose anything yet."""
        self._by_hand = False
        self.setChecked(False)

    def _keep(self) -> None:
        self._by_hand = True


class GridLine(QLineEdit):
    """Settings and the values to try, as "rank=2,4,8; tokens=1,5"."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaxLength(1_000_000)  # Qt would cut off in silence what is pasted beyond 32,767
        self.setPlaceholderText("rank=2,4,8; tokens=1,5")
        self.wrong = False  # whether the check that was last made refused what it says
        self.textChanged.connect(lambda _: self.changed.emit())
        set_tip(
            self,
            "A row per method and combination of values, all against one consensus. Keys are "
            "those of --set; the advanced settings name them.",
        )

    def grid(self) -> dict[str, tuple[str, ...]]:
        """What it says.

        Raises:
            InputError: a sentence, if it cannot be read.
        """
        return parse_grid(part for part in self.text().split(";") if part.strip())

    def check(self, configs: Sequence[TrainConfig]) -> None:
        """Make sure that it can be compared by methods of these settings.

        Raises:
            InputError: a sentence, if it cannot be read, or a value does not fit.
        """
        self.wrong = True
        check_grid(self.grid(), configs)
        self.wrong = False
