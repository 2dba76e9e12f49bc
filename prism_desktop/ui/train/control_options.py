"""The controls of a comparison: two ways in which nothing may be gained if all is well."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from prism_desktop.ui.widgets.basics import label, rows


class Controls(QWidget):
    """Two boxes to tick, with what each is for."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.swapped, self.shuffled = (
            QCheckBox("S&wap labelers in the test"),
            QCheckBox("Sh&uffle labelers in training"),
        )
        self.swapped.setToolTip(
            "Test everybody with the next labeler's model, too. Trains nothing anew."
        )
        self.shuffled.setToolTip(
            "Who gave which training answer is shuffled within each attribute. Trains all anew."
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
