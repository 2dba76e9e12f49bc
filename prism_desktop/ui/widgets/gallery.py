"""The face gallery, smooth at 70,000 faces: nothing is decoded or painted before it is about to
be seen."""

from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter

import numpy as np
from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from prism_desktop.ui.plain import draw_text, elided
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.face_marks import SIDE, paint_mark
from prism_desktop.ui.widgets.face_model import FaceModel
from prism_desktop.ui.widgets.painted import sized
from prism_desktop.ui.widgets.text_picture import Sources
from prism_desktop.ui.widgets.thumbnails import ROUND, Thumbnails

_KEPT = 400  # cells, about 40 MB
_REST, _SPENT = 60, 0.005  # ms after the last step of scrolling; s of a frame for new cells
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_LIT = QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus


class FaceDelegate(QStyledItemDelegate):
    """Paints one face: the image, its percentile as a bar, its name."""

    MARGIN, FOOT, LINE = 6, 34, 16  # px around a cell, below the image, and of a further line

    def __init__(self, thumbnails: Thumbnails, view: "FaceGallery") -> None:
        super().__init__(view)
        self._thumbnails, self._view = thumbnails, view
        self._cells: OrderedDict[int, QPixmap] = OrderedDict()  # by row of the table
        self._bare: set[int] = set()  # cells whose image has not arrived
        self._empty: QPixmap | None = None  # a cell with nothing in it yet
        self._font = QFont()
        self._metrics = QFontMetrics(self._font)

    def forget(self) -> None:
        """Paint all cells anew: another order, theme or size."""
        self._cells.clear()
        self._bare.clear()
        self._empty = None
        self._font = sized(self._view.font(), 0.85)
        self._metrics = QFontMetrics(self._font)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return self._view.gridSize()

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """The selection's background, the cell as it is kept, and the outline of a lit face.

        Selection and outline are not part of the kept cell, so that neither costs painting it anew.
        """
        rect, state = option.rect, option.state
        selected, lit = state & QStyle.StateFlag.State_Selected, state & _LIT
        if selected:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._view.theme.tokens.accent_soft))
            gap = self.MARGIN - 4
            painter.drawRoundedRect(rect.adjusted(gap, gap, -gap, -gap), 9, 9)
        painter.drawPixmap(rect.topLeft(), self._cell(self._view.faces.face(index.row())))
        if lit:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self._view.theme.tokens.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            box = self._picture().translated(rect.topLeft())
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), ROUND, ROUND)

    def _picture(self) -> QRectF:
        """Where the image lies in a cell."""
        side = self._view.gridSize().width() - 2 * self.MARGIN
        return QRectF(self.MARGIN, self.MARGIN, side, side)

    def _cell(self, row: int) -> QPixmap:
        cell = self._cells.get(row)
        if cell is None and self._view.hurries():
            return self._blank()
        if cell is None:
            cell = self._cells[row] = self._begun(row)
            self._bare.add(row)
            if len(self._cells) > _KEPT:
                old, _ = self._cells.popitem(last=False)
                self._bare.discard(old)
        else:
            self._cells.move_to_end(row)
        if row in self._bare:
            self._complete(row, cell)
        return cell

    def _blank(self) -> QPixmap:
        """A cell that there was no time for."""
        if self._empty is None:
            ratio = self._view.devicePixelRatioF()
            self._empty = QPixmap(self._view.gridSize() * ratio)
            self._empty.setDevicePixelRatio(ratio)
            self._empty.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._empty)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._view.theme.tokens.track))
            painter.drawRoundedRect(self._picture(), ROUND, ROUND)
            painter.end()
        return self._empty

    def _begun(self, row: int) -> QPixmap:
        """A cell without its image."""
        cell = self._blank().copy()
        painter = QPainter(cell)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._picture()
        self._foot(painter, QRectF(box.left(), box.bottom() + 6, box.width(), self.FOOT - 6), row)
        self._mark(painter, row)
        painter.end()
        return cell

    def _complete(self, row: int, cell: QPixmap) -> None:
        """Put the image in as soon as it is there."""
        found = self._thumbnails.get(self._view.faces.key(row))
        if found is None:
            return
        self._bare.discard(row)
        painter = QPainter(cell)
        if found.isNull():
            painter.setFont(self._font)
            painter.setPen(QColor(self._view.theme.tokens.muted))
            draw_text(painter, self._picture(), int(Qt.AlignmentFlag.AlignCenter), "missing")
        else:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self._picture(), found, QRectF(found.rect()))
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
            self._mark(painter, row)
        painter.end()

    def _mark(self, painter: QPainter, row: int) -> None:
        facts = self._view.faces.facts
        if facts is not None and facts.marks is not None:
            at = self._picture().topLeft()
            box = QRectF(at.x() + 4, at.y() + 4, SIDE, SIDE)
            paint_mark(painter, box, int(facts.marks[row]), self._view.theme.tokens)

    def _foot(self, painter: QPainter, box: QRectF, row: int) -> None:
        """The percentile's bar, and below it the note at the right and the name in what is left.

        A name that is too long loses its beginning and keeps its end.
        """
        model, tokens = self._view.faces, self._view.theme.tokens
        share = model.share(row)
        if not np.isnan(share):
            rail = QRectF(box.left(), box.top(), box.width(), 4)
            self._rail(painter, rail, row, share, model.other(row))
        line, note = QRectF(box.left(), box.bottom() - 17, box.width(), 17), model.note(row)
        painter.setFont(self._font)
        painter.setPen(QColor(tokens.text))
        draw_text(painter, line, _RIGHT, note)
        room = int(line.width()) - self._metrics.horizontalAdvance(note) - 8
        painter.setPen(QColor(tokens.muted))
        facts = model.facts
        rank = f"{facts.ranks[row]:,}. " if facts is not None and facts.ranks[row] else ""
        room -= self._metrics.horizontalAdvance(rank)
        name = elided(
            self._metrics, _stem(model.name(row)), max(room, 0), Qt.TextElideMode.ElideLeft
        )
        draw_text(painter, line, _LEFT, rank + name)
        if facts is not None:
            left, right = facts.line(row)
            self._line(painter, line.translated(0, self.LINE), left, right)

    def _line(self, painter: QPainter, line: QRectF, left: str, right: str) -> None:
        """The left part, and of the right one what has room: what was labeled comes first, then the
        score, then its deviation."""
        room = line.width() - self._metrics.horizontalAdvance(left) - 8
        for shown in (right, right.partition(" ± ")[0]):
            if self._metrics.horizontalAdvance(shown) <= room:
                draw_text(painter, line, _RIGHT, shown)
                break
        whole = elided(self._metrics, left, int(line.width()), Qt.TextElideMode.ElideRight)
        draw_text(painter, line, _LEFT, whole)

    def _interval(self, painter: QPainter, rail: QRectF, row: int) -> None:
        """How far the share may be off: a line with ends, seen on the bar and beside it."""
        facts = self._view.faces.facts
        if facts is None or facts.low is None or facts.high is None or np.isnan(facts.low[row]):
            return
        y = rail.center().y()
        ends = [
            rail.left() + 1 + (rail.width() - 2) * float(each[row])
            for each in (facts.low, facts.high)
        ]
        painter.setPen(QPen(QColor(self._view.theme.tokens.text), 1.2))
        painter.drawLine(QPointF(ends[0], y), QPointF(ends[1], y))
        for x in ends:
            painter.drawLine(QPointF(x, y - 3.5), QPointF(x, y + 3.5))

    def _rail(self, painter: QPainter, rail: QRectF, row: int, share: float, other: float) -> None:
        """One share as a bar, or two as dots with the gap between them."""
        tokens, view = self._view.theme.tokens, self._view
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.track))
        painter.drawRoundedRect(rail, 2, 2)
        first = view.bar or QColor(tokens.accent)
        if np.isnan(other):
            painter.setBrush(first)
            painter.drawRoundedRect(
                QRectF(rail.left(), rail.top(), max(4.0, rail.width() * share), 4), 2, 2
            )
            self._interval(painter, rail, row)
            return
        room, y = rail.width() - 8, rail.center().y()
        places = [rail.left() + 4 + room * value for value in (share, other)]
        painter.setPen(QPen(QColor(tokens.faint), 2))
        painter.drawLine(QPointF(places[0], y), QPointF(places[1], y))
        painter.setPen(Qt.PenStyle.NoPen)
        for place, colour in zip(
            places, (first, view.other_bar or QColor(tokens.text)), strict=True
        ):
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(place, y), 4, 4)


def _stem(name: str) -> str:
    """What tells a face from the others: its name without the ending."""
    return name.rpartition(".")[0] or name


class FaceGallery(QListView):
    """The view: cells of one size that fill the width,
    arrows move, Enter or a double click opens."""

    opened = Signal(int)  # the table's row of the face
    chosen = Signal(int)  # the table's row of the face that is now current

    def __init__(
        self,
        theme: Theme,
        find: Callable[[str], Sources],
        parent: QWidget | None = None,
        cell: int = 132,
    ) -> None:
        """`find(key)` lists the files that may hold the image of
        `key`; `cell` is the least width of a cell in px."""
        super().__init__(parent)
        self.theme = theme
        self.bar: QColor | None = None  # of the percentiles; None for the accent
        self.other_bar: QColor | None = None  # of the percentiles that those are set against
        self._cell = cell
        self._lines = 0  # below those that every card has
        self._frame = 0.0  # when the present one began, in seconds
        # while it is scrolled, and shortly after
        self._rest = QTimer(self, interval=_REST, singleShot=True)
        self._rest.timeout.connect(self.viewport().update)
        self.thumbnails = Thumbnails(find, self)
        self.thumbnails.arrived.connect(self._repaint)
        self.faces = FaceModel(self)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionRectVisible(False)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setModel(self.faces)
        self._delegate = FaceDelegate(self.thumbnails, self)
        self.setItemDelegate(self._delegate)
        theme.changed.connect(self._renew)
        self.faces.modelReset.connect(
            lambda: self.thumbnails.mark(marked=self.faces.facts is not None)
        )
        self.faces.modelReset.connect(self._renew)
        self.activated.connect(lambda index: self.opened.emit(self.faces.face(index.row())))
        self.selectionModel().currentChanged.connect(self._choose)

    def set_bar(self, colour: QColor | None, other: QColor | None = None) -> None:
        """Paint the percentiles in a labeler's colour, those they are set against in another's."""
        self.bar, self.other_bar = colour, other
        self._renew()

    def idle(self) -> bool:
        """Whether all that is in view is painted."""
        return self.thumbnails.idle() and not self._rest.isActive()

    def hurries(self) -> bool:
        """Whether a frame of scrolling has no time left for cells that were never seen; they come
        as soon as it rests."""
        return self._rest.isActive() and perf_counter() - self._frame > _SPENT

    def paintEvent(self, event: QPaintEvent) -> None:
        self._frame = perf_counter()
        super().paintEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._rest.start()
        super().scrollContentsBy(dx, dy)

    def go(self, row: int) -> None:
        """Make the face in this row of the table the current one, if it is among those shown."""
        current = self.currentIndex()
        if current.isValid() and self.faces.face(current.row()) == row:
            return
        place = self.faces.place(row)
        if place >= 0:
            self.setCurrentIndex(self.faces.index(place))

    def set_cell(self, width: int, lines: int = 0) -> None:
        """The least width of a cell in px, and how many lines stand below the usual ones."""
        if (width, lines) != (self._cell, self._lines):
            self._cell, self._lines = width, lines
            self.setGridSize(QSize())
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Stretch the cells so that a whole number of them fills the width."""
        width = self.viewport().width() - 2
        columns = max(1, width // self._cell)
        side = width // columns
        picture = side - 2 * FaceDelegate.MARGIN
        if side == self.gridSize().width():
            return
        below = FaceDelegate.FOOT + self._lines * FaceDelegate.LINE
        self.setGridSize(QSize(side, picture + below + 2 * FaceDelegate.MARGIN))
        self.verticalScrollBar().setSingleStep(self.gridSize().height() // 3)
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(max(16, round(picture * ratio)), ratio)

        self._delegate.forget()

    def _renew(self) -> None:
        self._delegate.forget()
        self.viewport().update()

    def _repaint(self, _came: set[str]) -> None:
        # One repaint of what is in view costs less than finding out which cells changed.
        self.viewport().update()

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.faces.face(current.row()))
