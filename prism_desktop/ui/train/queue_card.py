"""The queue of runs as the form shows it: what comes next, in an order that can be changed."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from prism_desktop.ui.theme import Theme
from prism_desktop.ui.train.run_starts import Waiting
from prism_desktop.ui.widgets.basics import GRID, IconButton, clear, columns, label, rows

_MOST = 4  # rows in sight; the others are scrolled to


class QueueCard(QFrame):
    """A row for each that waits, in the order in which they start; hidden while none does."""

    moved = Signal(int, int)  # number, places down
    removed = Signal(int)  # number

    def __init__(self, theme: Theme, width: int) -> None:
        """A heading, what a queue means, and the rows in an area that scrolls."""
        super().__init__()
        self.setFixedWidth(width)
        self._theme = theme
        self.heading = label("", "strong")
        self.note = label(
            "Each starts when the one before has ended, with the answers there are then.",
            "small",
            wrap=True,
        )
        inside = QWidget()
        self._list = rows(gap=GRID // 2)
        inside.setLayout(self._list)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLayout(rows(self.heading, self.note, self._scroll, gap=GRID // 2))
        self.rows: list[QueueRow] = []
        self.hide()

    def show_waiting(self, waiting: Sequence[Waiting]) -> None:
        """Show these; the focus stays on the row that it was on."""
        if tuple(waiting) == tuple(row.waiting for row in self.rows):
            return
        focused = next((row.waiting.number for row in self.rows if row.has_focus()), None)
        clear(self._list)
        self.rows = [
            QueueRow(self._theme, each, first=not place, last=place == len(waiting) - 1)
            for place, each in enumerate(waiting)
        ]
        for row in self.rows:
            row.up.clicked.connect(lambda _=False, n=row.waiting.number: self.moved.emit(n, -1))
            row.down.clicked.connect(lambda _=False, n=row.waiting.number: self.moved.emit(n, 1))
            row.remove.clicked.connect(lambda _=False, n=row.waiting.number: self.removed.emit(n))
            self._list.addWidget(row)
            row.show()  # or it has no height yet
            if row.waiting.number == focused:
                row.remove.setFocus()
        self.heading.setText(f"In the queue: {len(waiting):,}")
        self._scroll.setFixedHeight(self._height_of(self.rows[:_MOST]))
        self.setVisible(bool(waiting))

    def _height_of(self, shown: Sequence["QueueRow"]) -> int:
        """As high as these rows are together, so that none shows in part."""
        room = self.minimumWidth()
        heights = [
            row.heightForWidth(room) if row.hasHeightForWidth() else row.sizeHint().height()
            for row in shown
        ]
        return sum(heights) + self._list.spacing() * max(0, len(heights) - 1)


class QueueRow(QWidget):
    """One that waits: what it is, and the buttons for its place."""

    def __init__(self, theme: Theme, waiting: Waiting, *, first: bool, last: bool) -> None:
        super().__init__()
        self.waiting = waiting
        title = waiting.title
        self.up = IconButton(theme, "chevron-up-grey", f"Start {title} earlier")
        self.down = IconButton(theme, "chevron-down-grey", f"Start {title} later")
        self.remove = IconButton(theme, "close", f"Remove {title} from the queue")
        self.up.setEnabled(not first)
        self.down.setEnabled(not last)
        names = rows(
            label(title, "strong", wrap=True), label(waiting.detail, "small", wrap=True), gap=0
        )
        layout = columns(names, self.up, self.down, self.remove, gap=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def has_focus(self) -> bool:
        """Whether one of its buttons has the focus."""
        return any(each.hasFocus() for each in (self.up, self.down, self.remove))
