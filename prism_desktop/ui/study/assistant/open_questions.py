"""What an import asks, as cards with a button for each way to decide, and what it doubts."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, Icon, button, columns, label, rows
from prism_desktop.ui.widgets.flow import FlowBox

_CHIP = 64  # characters of a doubt on its chip; the line below the table has all
FEW, MANY = 3, 8  # doubts shown at first, in a narrow and a wide window


class DecisionCard(QFrame):
    """One question: its sentence, where it comes from, and the ways to decide it."""

    decided = Signal(object)  # Choice.change
    shown_wanted = Signal()

    def __init__(self, theme: Theme, decision: Decision) -> None:
        super().__init__()
        self.decision = decision
        self.setProperty("role", "failure")
        self.setProperty("kind", "warn")
        self.setAccessibleName(f"To decide: {decision.text}")
        text = label(decision.text, "", wrap=True)
        self.buttons: list[QPushButton] = []
        ways = FlowBox()
        for choice in decision.choices:
            made = button(choice.label, partial(self._decide, choice.change))
            made.setToolTip(f"On the command line: {choice.option}" if choice.option else "")
            self.buttons.append(made)
            ways.flow.addWidget(made)
        if decision.column or decision.rows:
            where = f"Show {_rows(decision.count)}" if decision.rows else "Show the column"
            ways.flow.addWidget(button(where, self.shown_wanted.emit, "quiet"))
        icon = rows(Icon(theme, "warning", 18, "warn"), None)
        layout = columns(icon, rows(text, ways), gap=GRID + 4)
        layout.setStretch(1, 1)
        layout.setContentsMargins(GRID + 4, GRID, GRID, GRID)
        self.setLayout(layout)

    def focus(self) -> None:
        """Give the focus to the first way to decide."""
        if self.buttons:
            self.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _decide(self, change: Mapping[str, object]) -> None:
        for each in self.buttons:
            each.setEnabled(False)
        self.decided.emit(change)


class DecisionList(QScrollArea):
    """All open questions; hidden while there are none."""

    decided = Signal(object)
    shown_wanted = Signal(object)  # Decision

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.cards: list[DecisionCard] = []
        self.room = 200  # px that they may take before they scroll
        self._holder = QWidget()
        self._layout = QVBoxLayout(self._holder)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setWidget(self._holder)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_decisions(self, decisions: tuple[Decision, ...]) -> None:
        """Ask these; where the same are asked again, their buttons can be pressed again."""
        for card in self.cards:
            self._layout.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for decision in decisions:
            card = DecisionCard(self._theme, decision)
            card.decided.connect(self.decided)
            card.shown_wanted.connect(partial(self.shown_wanted.emit, decision))
            self._layout.addWidget(card)
            self.cards.append(card)
        self.setVisible(bool(decisions))
        self._fit()

    def give_room(self, room: int) -> None:
        """How high they may be before they scroll, px."""
        self.room = room
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wide = self.viewport().width()
        high = self._layout.totalHeightForWidth(wide) if self.cards else 0
        self._holder.setFixedHeight(max(high, 1))
        self.setFixedHeight(min(self.room, max(high, 1)))


class DoubtChips(QWidget):
    """A chip for each doubt; pressing one leads to its first row."""

    chosen = Signal(object)  # Doubt

    def __init__(self) -> None:
        super().__init__()
        self._doubts: tuple[Doubt, ...] = ()
        self._all, self._few = False, FEW
        self.box = FlowBox(gap=6)
        self.chips: list[QPushButton] = []
        self.setLayout(rows(self.box))
        self.setAccessibleName("Doubts")
        self.hide()

    def show_doubts(self, doubts: tuple[Doubt, ...]) -> None:
        """Show these, the first few unless all were asked for."""
        if doubts == self._doubts:
            return
        self._doubts = doubts
        self._fill()

    def give_room(self, *, wide: bool) -> None:
        """Show more of them at first where the window is wide."""
        few = MANY if wide else FEW
        if few != self._few:
            self._few = few
            self._fill()

    def _fill(self) -> None:
        self.box.flow.clear()
        shown = self._doubts if self._all else self._doubts[: self._few]
        self.chips = [self._chip(doubt) for doubt in shown]
        for made in self.chips:
            self.box.flow.addWidget(made)
        if len(self._doubts) > self._few:
            text = "Show fewer" if self._all else f"{len(self._doubts) - self._few:,} more doubts"
            self.box.flow.addWidget(button(text, self._toggle, "more"))
        self.setVisible(bool(self._doubts))
        self.box.updateGeometry()
        self.updateGeometry()

    def _toggle(self) -> None:
        self._all = not self._all
        self._fill()

    def _chip(self, doubt: Doubt) -> QPushButton:
        text = doubt.text.rstrip(".")
        short = text if len(text) <= _CHIP else f"{text[: _CHIP - 1].rstrip()}…"
        count = f" · {_rows(doubt.count)}" if doubt.count else ""
        made = button(f"{short}{count}".replace("&", "&&"), variant="doubt", tip=doubt.text)
        made.setAccessibleName(f"Doubt: {doubt.text}")
        made.clicked.connect(lambda _=False: self.chosen.emit(doubt))
        return made


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
