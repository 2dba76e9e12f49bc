"""The foot of the window: its messages and the progress of work, in a place that is always kept.

Nothing that is looked at moves when a message or work comes and goes. What needs more than the
place lies over the panel's end, and does not come there while the pointer is on that.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from prism_desktop.ui.widgets.basics import GRID, columns, rows

HEIGHT = 48  # px that are kept for it
_LATER = 300  # ms until it is looked again whether the pointer is gone


class Foot(QFrame):
    """At the lower edge of `page`, whose layout leaves `HEIGHT` free there."""

    def __init__(self, page: QWidget, message: QWidget, progress: QWidget, idle: QWidget) -> None:
        """The message, or `idle` where there is none, at the left; progress at the right."""
        super().__init__(page)
        self.setProperty("role", "footer")
        left, right = _part(rows(message, idle, gap=0)), _part(rows(progress, gap=0))
        layout = columns(left, right, gap=GRID)
        layout.setContentsMargins(2 * GRID, 3, GRID, 4)
        layout.setStretch(0, 3)
        layout.setStretch(1, 2)
        self.setLayout(layout)
        self._later = QTimer(self, singleShot=True, interval=_LATER)
        self._later.timeout.connect(self.place)
        page.installEventFilter(self)

    def show_stage(self, stage: bool) -> None:
        """Whether it looks like the stage above it: no bright edge lies below faces then."""
        self.setProperty("role", "stage" if stage else "footer")
        self.style().unpolish(self)
        self.style().polish(self)

    def place(self) -> None:
        """As wide as the page, and as high as what it shows."""
        page, layout = self.parentWidget(), self.layout()
        if page is None or layout is None:
            return
        needed = layout.totalHeightForWidth(page.width())
        high = max(HEIGHT, needed, layout.totalMinimumSize().height())
        wanted = QRect(0, page.height() - high, page.width(), high)
        if wanted == self.geometry():
            return
        if self._on_what_is_below(wanted):
            self._later.start()
            high = self.height() if self.height() >= HEIGHT else HEIGHT
            wanted = QRect(0, page.height() - high, page.width(), high)
        self.setGeometry(wanted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return False

    def event(self, event: QEvent) -> bool:
        """What it shows has changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.place()
        return super().event(event)

    def _on_what_is_below(self, wanted: QRect) -> bool:
        """Whether the pointer is where the foot would come or go."""
        page = self.parentWidget()
        if page is None or not page.isVisible():
            return False
        pointer: QPoint = page.mapFromGlobal(QCursor.pos())
        return wanted.contains(pointer) != self.geometry().contains(pointer)


def _part(layout: QVBoxLayout) -> QWidget:
    """A share of the width that does not depend on what is in it."""
    part = QWidget()
    part.setLayout(layout)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    part.setSizePolicy(policy)
    return part
