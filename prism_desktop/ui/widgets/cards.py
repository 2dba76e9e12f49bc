"""Cards with a heading, scroll pages of them, and numbers worth a card."""

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from prism_desktop.ui.widgets.basics import GRID, frame, label, rows


def side_by_side(left: QBoxLayout, right: QBoxLayout, sizes: tuple[int, int]) -> QSplitter:
    """Two cards between which the room can be dealt out; `sizes`, px, say how it is at first."""
    made = QSplitter(Qt.Orientation.Horizontal)
    made.setHandleWidth(2 * GRID)
    for layout in (left, right):
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        made.addWidget(frame("card", layout))
    made.setSizes(list(sizes))
    made.setChildrenCollapsible(False)
    return made


class Card(QFrame):
    """A rounded surface: heading at the left, its buttons at
    the right, a body that can be emptied and refilled."""

    def __init__(self, title: str = "", *actions: QWidget) -> None:
        """The heading's line, which a card without a title lacks, then the body.

        The stretch at the end keeps the body at the top of a card that is higher than its content.
        """
        super().__init__()
        self.setProperty("role", "card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID + 4)
        layout.setSpacing(GRID + 4)
        if title:
            head = QHBoxLayout()
            head.setSpacing(GRID)
            head.addWidget(label(title, "heading"), 1)
            for action in actions:
                head.addWidget(action)
            layout.addLayout(head)
        self.body = QVBoxLayout()
        self.body.setSpacing(GRID // 2)
        layout.addLayout(self.body)
        layout.addStretch(1)


class _Whole(QWidget):
    """Never lower than its content at its width: a page that has too little room scrolls, and no
    field of it is squeezed."""

    def minimumSizeHint(self) -> QSize:
        layout, least = self.layout(), super().minimumSizeHint()
        if layout is None:
            return least
        high = layout.heightForWidth(self.width()) if layout.hasHeightForWidth() else -1
        return QSize(least.width(), max(least.height(), high, layout.sizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()


class SteadyScroll(QScrollArea):
    """Scrolls down; its bar takes its width from the content's right margin, so that nothing moves
    to the side when it comes or goes."""

    def __init__(self) -> None:
        super().__init__()
        self._right: int | None = None  # px, the content's margin where there is no bar
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        content, bar = self.widget(), self.verticalScrollBar()
        layout = content.layout() if content is not None else None
        if layout is None:
            return
        margins = layout.contentsMargins()
        self._right = margins.right() if self._right is None else self._right
        margins.setRight(max(0, self._right - (bar.width() if bar.isVisible() else 0)))
        layout.setContentsMargins(margins)


def bring_up(scroll: QScrollArea, part: QWidget) -> None:
    """Scroll until a part of the content, such as what was just unfolded, begins at the top."""

    def move() -> None:
        content = scroll.widget()
        if content is not None and part.isVisible():
            scroll.verticalScrollBar().setValue(part.mapTo(content, QPoint(0, 0)).y())

    QTimer.singleShot(0, scroll, move)  # the layout knows the new height then


class _Held(QWidget):
    """Gives what it holds all its room, and never less than a height; how high the content would
    like to be is no matter."""

    def __init__(self, inner: QWidget, least: int) -> None:
        super().__init__()
        inner.setParent(self)
        self._inner = inner
        self.setMinimumHeight(least)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._inner.minimumSizeHint().width(), self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._inner.setGeometry(self.rect())


class LowScroll(SteadyScroll):
    """What needs some height scrolls in a low window, in which it would be squeezed."""

    def __init__(self, content: QBoxLayout, least: int) -> None:
        """`least` is the height that the content needs, in px."""
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        content.setContentsMargins(0, 0, 0, 0)
        inner.setLayout(content)
        self._held = _Held(inner, least)
        self.setWidget(self._held)

    def need(self, least: int) -> None:
        """The content needs another height, for more or less of it is seen."""
        self._held.setMinimumHeight(least)


class Turning(QWidget):
    """Two things beside each other, or in a narrow window below each other: none is cut."""

    def __init__(self, left: QWidget, right: QWidget, gap: int = GRID) -> None:
        super().__init__()
        self._parts = left, right
        layout = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(gap)
        layout.addWidget(left)
        layout.addStretch(1)
        layout.addWidget(right)
        self.setLayout(layout)

    def minimumSizeHint(self) -> QSize:
        """As wide as the wider part: below each other both fit."""
        least = super().minimumSizeHint()
        return QSize(max(part.minimumSizeHint().width() for part in self._parts), least.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        layout = self.layout()
        assert isinstance(layout, QBoxLayout)
        shown = [part.sizeHint().width() for part in self._parts if not part.isHidden()]
        beside = sum(shown) + layout.spacing() * len(shown) <= event.size().width()
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if layout.direction() != way:
            layout.setDirection(way)
            for part in self._parts:
                side = Qt.AlignmentFlag.AlignLeft if not beside else Qt.AlignmentFlag(0)
                layout.setAlignment(part, side)


class ScrollPage(SteadyScroll):
    """A page that scrolls when the window is small.

    Its content is centred and not wider than `width`.
    """

    def __init__(self, content: QBoxLayout, width: int = 1200) -> None:
        """The content between two stretches, which share what it leaves of the width.

        Its own stretch is so large that it comes first up to its limit. The scroll area takes no
        focus, so that Tab goes straight to the content.
        """
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setMaximumWidth(width)
        inner.setLayout(content)
        holder = _Whole()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 4 * GRID)
        layout.addStretch(1)
        layout.addWidget(inner, 1000)
        layout.addStretch(1)
        self.setWidget(holder)


def number_card(value: str, name: str) -> QFrame:
    """A number and what it counts."""
    card = QFrame()
    card.setProperty("role", "card")
    figure = label(value, "number")
    layout = rows(figure, label(name, "small"), gap=2)
    layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
    card.setLayout(layout)
    card.setAccessibleName(f"{value} {name}")
    return card
