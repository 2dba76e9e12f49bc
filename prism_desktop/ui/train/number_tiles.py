"""The numbers of one run, each below its name."""

from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from prism_desktop.engine.runs.estimates import told_accuracy
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.train.nats_words import nats_of
from prism_desktop.ui.train.operations import RunRow
from prism_desktop.ui.train.run_progress import RunProgress
from prism_desktop.ui.widgets.basics import GRID, label, restyle, rows
from prism_desktop.ui.widgets.flow import FlowBox
from prism_desktop.ui.widgets.progress import time_left

_NAMES = (
    "Validation accuracy",
    "Test accuracy",
    "Ridge per labeler",
    "Best epoch",
    "Epoch",
    "Time left",
    "Speed",
    "Device",
)


class Tiles(FlowBox):
    """Name above number; in a narrow window they take two lines."""

    def __init__(self) -> None:
        super().__init__(GRID + 4)
        self.words = FACES  # for what is judged
        # else what stands below them in a scroll area is given its hint, not its least height
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.values: dict[str, QLabel] = {name: label("–", "heading") for name in _NAMES}
        self.captions: dict[str, QLabel] = {name: label(name, "field") for name in _NAMES}
        self._tiles: dict[str, QWidget] = {}
        for name, value in self.values.items():
            tile = QWidget()
            tile.setMinimumWidth(84)
            pair = rows(self.captions[name], value, gap=2)
            pair.setContentsMargins(0, 0, 2 * GRID, 0)
            tile.setLayout(pair)
            self.flow.addWidget(tile)
            self._tiles[name] = tile

    def show_numbers(
        self, row: RunRow, progress: RunProgress, kept: int | None, *, working: bool
    ) -> None:
        """Show a run's numbers: of the epoch `kept` where it has ended, else the newest.

        `working` is not paused. What was fitted in one go has no epochs, and what an ended run
        has no number for is left out.
        """
        many = progress.has_curves or row.live
        accuracy = progress.val_accuracy.last if kept is None else progress.val_accuracy.at(kept)
        self.captions[_NAMES[0]].setText(
            "Validation accuracy" if kept is None or not many else "Validation, best epoch"
        )
        held = told_accuracy(Accuracy(accuracy=accuracy, n=progress.counts.val or None))
        left, speed = progress.eta_seconds, progress.images_per_second
        if left is not None:
            left = max(left, 2.0)  # other stages follow, so it is never almost done
        told = {
            "Validation accuracy": held.head,
            "Test accuracy": row.told().head,
            "Ridge per labeler": row.told_ridge().head,
            "Best epoch": str(progress.best_epoch)
            if many and progress.best_epoch is not None
            else "–",
            "Epoch": f"{progress.epoch} of {progress.epochs}" if many and progress.epochs else "–",
            "Time left": time_left(left).removesuffix(" left")
            if left is not None and working
            else "–",
            "Speed": f"{speed:,.0f} {self.words.kept_many}/s" if speed else "–",
            "Device": progress.device or "–",
        }
        for name, text in told.items():
            self.values[name].setText(text)
            expected = row.live and name != "Ridge per labeler"  # it comes after the results
            self._tiles[name].setVisible(expected or text != "–")
        if row.run.task == "writing":
            self._tell_nats(row, progress)
            return
        self.captions["Test accuracy"].setText("Test accuracy")
        test = row.told()
        ridge = row.told_ridge()
        for name, estimate in zip(_NAMES, (held, test, ridge), strict=False):
            self._tell_doubt(name, few=estimate.few)
        set_tip(self.values["Validation accuracy"], held.line if held.doubt else "")
        set_tip(self.values["Device"], progress.device_why)
        set_tip(self.values["Test accuracy"], f"{test.line}, 95% interval" if test.doubt else "")
        set_tip(self.values["Ridge per labeler"], row.told_baselines())

    def _tell_doubt(self, name: str, *, few: bool) -> None:
        """A number that is not to be told is muted, and as large as those beside it."""
        kind = "unsure" if few else ""
        if self.values[name].property("kind") != kind:
            restyle(self.values[name], kind=kind)

    def _tell_nats(self, row: RunRow, progress: RunProgress) -> None:
        """The same of a run that writes, in nats per own token."""
        for name, told in nats_of(row, progress).items():
            self.captions[name].setText(told.caption)
            self.values[name].setText(told.text)
            self._tell_doubt(name, few=told.few and told.text != "–")
            set_tip(self.values[name], "Nats per own token, mean over people")
            self._tiles[name].setVisible(row.live or told.text != "–")
        for name in ("Ridge per labeler", "Speed"):  # told of judgments alone
            self._tiles[name].hide()
