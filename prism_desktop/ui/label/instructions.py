"""What to do, before the first trial and again after a long gap."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from prism_desktop.engine.study.records import Kind
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import wording
from prism_desktop.ui.label.keys import Keys
from prism_desktop.ui.widgets.basics import GRID, button, clear, columns, label, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.keycap import KeyCap

GAP = 4 * 3600.0  # seconds without labeling after which the instructions are shown again


class InstructionsPage(QWidget):
    """A card on the grey; Space or Return starts."""

    begun = Signal()
    left = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self.setProperty("role", "stage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = Card()
        self.card.setFixedWidth(560)
        self.setLayout(rows(None, columns(None, self.card, None), None))

    def show_instructions(self, kind: Kind, keys: Keys) -> None:
        """Say how `kind` works with the keys in force."""
        theme = self._context.theme
        clear(self.card.body)
        self.card.body.setContentsMargins(GRID, 2 * GRID, GRID, GRID)
        self.card.body.addWidget(label("Rate each face" if kind == "rating" else "Compare two faces", "title"))
        self.card.body.addSpacing(GRID)
        for text in wording.instructions(kind):
            self.card.body.addWidget(label(text, wrap=True))
            self.card.body.addSpacing(GRID // 2)
        self.card.body.addSpacing(GRID)
        for actions, text in _RATING if kind == "rating" else _COMPARISON:
            caps = columns(*(KeyCap(theme, keys[action]) for action in actions), None, gap=4)
            line = columns(caps, label(text, "muted"))
            line.setStretch(0, 2)
            line.setStretch(1, 5)
            self.card.body.addLayout(line)
        self.card.body.addSpacing(2 * GRID)
        start = button("Start", self.begun.emit, "primary")
        start.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        back = button("Back", self.left.emit, "quiet")
        back.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.card.body.addLayout(columns(start, KeyCap(theme, "Space"), None, back))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.begun.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


_SAME = ((("skip",), "skip, with a reason"), (("undo", "undo too"), "take the last answer back"), (("pause",), "pause"))
_RATING = ((("rate 1", "rate 2", "rate 3", "rate 4"), "very low to very high"), *_SAME)
_COMPARISON = ((("left", "right"), "the left or the right face"), (("tie",), "no difference"), *_SAME)
