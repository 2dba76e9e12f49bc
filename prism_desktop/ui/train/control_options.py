"""The controls of a comparison: labelers swapped in the test, or shuffled in training."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import label, rows


class ControlOptions(QWidget):
    """Two boxes to tick, with what each is for."""

    changed = Signal()

    def __init__(self) -> None:
        """The boxes below each other; a note says what the ticked ones must show."""
        super().__init__()
        self.swapped, self.shuffled = (
            QCheckBox("S&wap labelers in the test"),
            QCheckBox("Sh&uffle labelers in training"),
        )
        set_tip(
            self.swapped, "Test everybody with the next labeler's model, too. Trains nothing anew."
        )
        set_tip(
            self.shuffled,
            "Who gave which training answer is shuffled within each attribute. Trains all anew.",
        )
        self._note = label("", "small", wrap=True)
        for box in (self.swapped, self.shuffled):
            box.toggled.connect(self._describe)
            box.toggled.connect(lambda _: self.changed.emit())
        self.setLayout(rows(self.swapped, self.shuffled, self._note, gap=5))
        self._describe()

    def _describe(self) -> None:
        said = (
            ["Every personal method must then fall below the consensus."]
            if self.swapped.isChecked()
            else []
        )
        if self.shuffled.isChecked():
            said.append("Nothing personal is left to learn: no method should gain.")
        self._note.setText(" ".join(said))
        self._note.setVisible(bool(said))
