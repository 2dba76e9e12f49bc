"""Small cards over the stage: why something is skipped, and that the trial waits."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLayout, QPushButton, QWidget

from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.plain import literal
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.keycap import KeyCap


class StageCard(QFrame):
    """In the middle of the page; nothing is answered while it is there."""

    shown = Signal(bool)

    def __init__(self, layout: QLayout) -> None:
        super().__init__()
        self.setProperty("role", "popover")
        self.setLayout(layout)
        self.hide()

    def rise(self) -> None:
        """Show in the middle of the page."""
        parent = self.parentWidget()
        self.adjustSize()
        if isinstance(parent, QWidget):
            self.move((parent.width() - self.width()) // 2, (parent.height() - self.height()) // 2)
        self.show()
        self.raise_()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown.emit(False)


class SkipMenu(StageCard):
    """A reason by its number, Escape to go back."""

    chosen = Signal(str, bool)  # why; whether all questions that are left are skipped

    def __init__(self, theme: Theme) -> None:
        self._rest = False
        self._reasons = FACES.skip_reasons
        self.title = label("", "heading")
        lines = QGridLayout()
        lines.setColumnStretch(1, 1)
        self.choices: list[QPushButton] = []
        for row in range(len(self._reasons) + 1):
            back = row == len(self._reasons)
            act = self.hide if back else partial(self._choose, row)
            choice = button("Back" if back else literal(self._reasons[row]), act, "quiet")
            choice.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.choices += [] if back else [choice]
            key = "Escape" if back else str(row + 1)
            lines.addWidget(KeyCap(theme, key), row, 0, Qt.AlignmentFlag.AlignRight)
            lines.addWidget(choice, row, 1, Qt.AlignmentFlag.AlignLeft)
        super().__init__(rows(self.title, lines, margin=2 * GRID))

    def use_words(self, words: StimulusWords) -> None:
        """Offer the reasons that suit what the study holds."""
        self._reasons = words.skip_reasons
        for choice, reason in zip(self.choices, self._reasons, strict=True):
            choice.setText(literal(reason))

    def pop_up(self, *, rest: str = "") -> None:
        """Show in the middle of the page; `rest` is what is left out as a whole, "pair"."""
        self._rest = bool(rest)
        what = f"the rest of this {rest}" if rest else "this question"
        self.title.setText(f"Skip {what}, because…")
        self.rise()

    def take_key(self, event: QKeyEvent) -> bool:
        """Choose by number or go back.

        Other keys are swallowed, so that nothing is answered by mistake.
        """
        number = event.key() - int(Qt.Key.Key_1)
        if 0 <= number < len(self._reasons):
            self._choose(number)
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()
        return True

    def _choose(self, number: int) -> None:
        self.hide()
        self.chosen.emit(self._reasons[number], self._rest)


class WaitingCard(StageCard):
    """The window lost the labeler; the faces are hidden until they are back."""

    def __init__(self, theme: Theme) -> None:
        back = button("Go on", self.hide, "primary")
        back.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        super().__init__(
            rows(
                label("Paused", "heading"),
                label("The window was not in front. The clock stands."),
                columns(back, KeyCap(theme, "Space"), None),
                margin=3 * GRID,
                gap=2 * GRID,
            )
        )

    def take_key(self, event: QKeyEvent) -> bool:
        """Space goes on; other keys are swallowed."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.hide()
        return True
