"""The matrix: a square of shares with the counts behind them.

It is made for three labelers and for a thousand: cells too small for words are one picture, the
wheel enlarges what lies under the pointer, and names appear where there is room.
"""

import math
from collections.abc import Collection

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.runs.estimates import too_few
from prism_desktop.ui.plain import draw_text, elided, show_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.matrix_cells import MatrixCells
from prism_desktop.ui.widgets.painted import Painted, faded, mixed, sized

_SMALLEST, _LARGEST = 3, 140  # px, a cell's side at least and at most
# px, a cell's side below which there is no room for names and blank cells have no outline
_LEGIBLE = 12
_BARE = 4  # px above a matrix without names
_KEY = 44  # px below the matrix, for the colour key
_CROWD = 100  # labelers beyond whom a cell may be smaller, for the wheel enlarges it
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CELLS = 1600  # cells in sight beyond which they are painted as one picture
_STEP = 1.25  # that a turn of the wheel, or + and -, enlarges by
_DRAGGED = 5  # px beyond which a press is no click


class Matrix(Painted):
    """Cells coloured from chance to full agreement.

    Arrows move over them, the pointer tells each in words. The wheel, + and - change the size, 0
    shows all; what is larger than the room is dragged.
    """

    chosen = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._names: tuple[str, ...] = ()
        self.cells = MatrixCells()
        self._at: tuple[int, int] | None = None
        self._marked: frozenset[int] = frozenset()
        self._zoom = 1.0
        self._corner = QPointF(0, 0)  # column and row at the upper left, in cells
        self._pressed: QPointF | None = None
        self._moved = 0.0  # px since the press
        self._picture: tuple[object, QImage] | None = None  # with what it was made of
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_matrix(self, cells: MatrixCells) -> None:
        """Show these cells, all of them in sight."""
        self.cells, self._names = cells, cells.names
        self._at, self._marked, self._picture = None, frozenset(), None
        self._zoom, self._corner = 1.0, QPointF(0, 0)
        self.setAccessibleName(f"{cells.about.title} of " + ", ".join(cells.names))
        self.updateGeometry()
        self.update()

    def mark(self, rows: Collection[int]) -> None:
        """Let these labelers stand out, and bring the first of them into sight."""
        self._marked = frozenset(rows)
        if rows and self._zoom > 1:
            seen = len(self._names) / self._zoom
            middle = min(rows) + 0.5 - seen / 2
            self._move_to(QPointF(middle, middle))
        self.update()

    def enlarge(self, factor: float, around: QPointF | None = None) -> None:
        """Show the cells larger by a factor; what lies at `around` stays there."""
        if not self._names:
            return
        left, top, side = self._layout()
        place = around or QPointF(left + self._wide() / 2, top + self._wide() / 2)
        x, y = (place.x() - left) / side, (place.y() - top) / side
        under = self._corner + QPointF(x, y)
        largest = max(1.0, 64 / (side / self._zoom))
        self._zoom = min(max(self._zoom * factor, 1.0), largest)
        left, top, side = self._layout()  # names may have found room
        self._move_to(under - QPointF((place.x() - left) / side, (place.y() - top) / side))
        self.update()

    def minimumSizeHint(self) -> QSize:
        left, top = self._named_margins()
        side = min(220, 32 * len(self._names))
        return QSize(left + side + 4, top + side + _KEY)

    def sizeHint(self) -> QSize:
        left, top = self._named_margins()
        side = min(600, 64 * len(self._names))
        return QSize(left + side + 4, top + side + _KEY)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The names, the cells and the colour key; the gaps shrink with the cells."""
        if not self._names:
            return
        painter = self.painter()
        left, top, side = self._layout()
        self._headings(painter, left, top, side)
        painter.save()
        painter.setClipRect(QRectF(left, top, self._wide(), self._wide()))
        if self._seen()[1] ** 2 > _CELLS:
            self._paint_picture(painter, left, top, side)
        else:
            self._paint_cells(painter, left, top, side)
        painter.restore()
        self._paint_marks(painter, left, top, side)
        self._legend(painter, left, top + self._wide() + 16, self._wide())
        painter.end()

    def _paint_cells(self, painter: QPainter, left: float, top: float, side: float) -> None:
        (x, y), count = self._seen()
        gap = min(1.5, side / 12)
        for row in range(y, min(y + count, len(self._names))):
            for column in range(x, min(x + count, len(self._names))):
                place = QPointF(column, row) - self._corner
                box = QRectF(left + place.x() * side, top + place.y() * side, side, side)
                self._cell(painter, box.adjusted(gap, gap, -gap, -gap), row, column)

    def _paint_picture(self, painter: QPainter, left: float, top: float, side: float) -> None:
        """All cells in sight at once, a dot of a picture each."""
        made_of = self.tokens
        if self._picture is None or self._picture[0] is not made_of:
            self._picture = made_of, self._drawn()
        size = len(self._names) * side
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, side < 1)
        whole = QRectF(left - self._corner.x() * side, top - self._corner.y() * side, size, size)
        painter.drawImage(whole, self._picture[1])
        if self._at is not None:
            place = QPointF(self._at[1], self._at[0]) - self._corner
            painter.setPen(QPen(QColor(self.tokens.text), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(left + place.x() * side, top + place.y() * side, side, side))

    def _drawn(self) -> QImage:
        shades = [self.shade(step / 100) for step in range(101)]
        return self.cells.picture(shades, faded(self.tokens.track, 0.45))

    def _paint_marks(self, painter: QPainter, left: float, top: float, side: float) -> None:
        """Frames around the rows and columns of marked labelers, with a name where none stands."""
        wide = self._wide()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for row in sorted(self._marked):
            x, y = (row - self._corner.x()) * side, (row - self._corner.y()) * side
            painter.setPen(QPen(QColor(self.tokens.accent), 1.4))
            if -side < y < wide:
                painter.drawRect(QRectF(left, top + y, wide, side))
                if side < _LEGIBLE and len(self._marked) <= 6:
                    short = elided(painter.fontMetrics(), self._names[row], int(left) - 12)
                    box = QRectF(0, top + y + side / 2 - 9, left - 10, 18)
                    draw_text(painter, box, int(_RIGHT), short)
            if -side < x < wide:
                painter.drawRect(QRectF(left + x, top, side, wide))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = self._find(QPointF(event.pos()))
            if at is not None:
                show_tip(event.globalPos(), self.cells.words(*at), self)
                return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        before = self._zoom
        if turned:
            self.enlarge(_STEP ** (turned / 120), event.position())
        event.setAccepted(self._zoom != before)  # else the page may scroll

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all again."""
        if self._zoom > 1:
            self.enlarge(0)
        else:
            super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and self._zoom > 1:
            side = self._layout()[2]
            self._move_to(self._corner - (event.position() - self._pressed) / side)
            self._moved = max(self._moved, (event.position() - self._pressed).manhattanLength())
            self._pressed = event.position()
            self.update()
            return
        at = self._find(event.position())
        if at != self._at:
            self._at = at
            self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._at is None and self._names:
            self._at = (0, 0)  # where the arrows will start
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._at = None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._at = None
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._moved = event.position(), 0.0

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        at = self._find(event.position())
        if pressed is None or self._moved > _DRAGGED or at is None or at[0] == at[1]:
            return
        self.chosen.emit(*at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move over the cells and tell each in words, as the pointer does.

        Return chooses the pair; on the diagonal there is none to choose.
        """
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        sizes = {Qt.Key.Key_Plus: _STEP, Qt.Key.Key_Minus: 1 / _STEP, Qt.Key.Key_0: 0.0}
        count = len(self._names)
        if event.key() in sizes:
            self.enlarge(sizes[Qt.Key(event.key())])
        elif event.key() in moves and count:
            row, column = self._at or (0, 0)
            down, across = moves[Qt.Key(event.key())]
            self._at = (min(max(row + down, 0), count - 1), min(max(column + across, 0), count - 1))
            self._bring_to_sight(*self._at)
            left, top, side = self._layout()
            x, y = self._at[1] + 0.5 - self._corner.x(), self._at[0] + 0.5 - self._corner.y()
            place = QPoint(int(left + x * side), int(top + y * side))
            show_tip(self.mapToGlobal(place), self.cells.words(*self._at), self)
            self.update()
        elif (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self._at
            and self._at[0] != self._at[1]
        ):
            self.chosen.emit(*self._at)
        else:
            super().keyPressEvent(event)

    def _margins(self) -> tuple[int, int]:
        """px left of the cells, for names, also of those who are searched, and above them, where
        there are names only once they can be read."""
        left, top = self._named_margins()
        return left, top if self._side_within((left, top)) * self._zoom >= _LEGIBLE else _BARE

    def _named_margins(self) -> tuple[int, int]:
        left = min(self._widest(), 150 if len(self._names) <= _CROWD else 60) + 14
        return left, left if self._upright() else 26

    def _widest(self) -> int:
        metrics = self.fontMetrics()
        return max((metrics.horizontalAdvance(name) for name in self._names), default=0)

    def _upright(self) -> bool:
        """Whether the columns' names stand on end, for they are wider than the columns."""
        return (
            bool(self._names)
            and (self.width() - 100) / len(self._names) < min(self._widest(), 60) + 6
        )

    def _layout(self) -> tuple[float, float, float]:
        """Where the cells begin, and the side of each."""
        left, top = self._margins()
        count = len(self._names)
        side = self._whole_side()
        spare = max(0.0, self.width() - left - side * count - 4)
        return left + min(spare / 2, 80), top, side * self._zoom

    def _whole_side(self) -> float:
        """A cell's side while all are in sight."""
        return self._side_within(self._margins())

    def _side_within(self, margins: tuple[int, int]) -> float:
        left, top = margins
        count = len(self._names)
        side = min(
            (self.width() - left - 4) / count, (self.height() - top - _KEY) / count, _LARGEST
        )
        return max(side, _SMALLEST if count <= _CROWD else 0.5)

    def _wide(self) -> float:
        """px of all cells while all are in sight; also of what can be seen of larger ones."""
        return self._whole_side() * len(self._names)

    def _seen(self) -> tuple[tuple[int, int], int]:
        """The first column and row in sight, and how many of each."""
        first = int(self._corner.x()), int(self._corner.y())
        return first, math.ceil(len(self._names) / self._zoom) + 1

    def _move_to(self, corner: QPointF) -> None:
        room = len(self._names) * (1 - 1 / self._zoom)
        self._corner = QPointF(min(max(corner.x(), 0), room), min(max(corner.y(), 0), room))

    def _bring_to_sight(self, row: int, column: int) -> None:
        seen = len(self._names) / self._zoom
        x = min(max(self._corner.x(), column + 1 - seen), column)
        y = min(max(self._corner.y(), row + 1 - seen), row)
        self._move_to(QPointF(x, y))

    def _find(self, place: QPointF) -> tuple[int, int] | None:
        if not self._names:
            return None
        left, top, side = self._layout()
        across, down = place.x() - left, place.y() - top
        if not (0 <= across < self._wide() and 0 <= down < self._wide()):
            return None
        column = math.floor(self._corner.x() + across / side)
        row = math.floor(self._corner.y() + down / side)
        count = len(self._names)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def _headings(self, painter: QPainter, left: float, top: float, side: float) -> None:
        """The names at the rows and over the columns, on end where the columns are too narrow.

        Those of the current cell stand out. Cells too small for any name have none.
        """
        if side < _LEGIBLE:
            return
        painter.setFont(self.font() if side >= 18 else sized(self.font(), 0.82))
        metrics, upright = painter.fontMetrics(), self._upright()
        (x, y), count = self._seen()
        for at, name in enumerate(self._names):
            lit = at in self._marked or (self._at is not None and at in self._at)
            painter.setPen(QColor(self.tokens.text if lit else self.tokens.muted))
            place = at - self._corner.y()
            if y <= at < y + count and self._fits(place, side):
                row = QRectF(0, top + place * side, left - 10, side)
                draw_text(painter, row, int(_RIGHT), elided(metrics, name, int(left) - 12))
            place = at - self._corner.x()
            if not (x <= at < x + count and self._fits(place, side)):
                continue
            if upright:
                painter.save()
                painter.translate(left + (place + 0.5) * side, top - 6)
                painter.rotate(-90)
                short = elided(metrics, name, int(top) - 8)
                box = QRectF(0, -side / 2, top - 6, side)
                draw_text(
                    painter,
                    box,
                    int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
                    short,
                )
                painter.restore()
            else:
                short = elided(metrics, name, int(side) - 4)
                column = QRectF(left + place * side, top - 24, side, 20)
                draw_text(painter, column, int(Qt.AlignmentFlag.AlignCenter), short)

    def _fits(self, place: float, side: float) -> bool:
        """Whether the middle of a cell at this place is in sight, for a name beside it."""
        return 0 <= (place + 0.5) * side <= self._wide()

    def _cell(self, painter: QPainter, box: QRectF, row: int, column: int) -> None:
        tokens = self.tokens
        value, count = float(self.cells.values[row, column]), int(self.cells.counts[row, column])
        painter.setPen(Qt.PenStyle.NoPen)
        unknown, guess = not self.cells.known(row, column), self.cells.guess(row, column)
        bend = min(5.0, box.width() / 5)
        if row == column or (not unknown and too_few(count)):
            # Self-agreement is another question than agreement, and few answers tell of neither: in
            # figures, but without a colour of its own.
            painter.setBrush(faded(tokens.track, 0.45))
            painter.drawRoundedRect(box, bend, bend)
            painter.setPen(QColor(tokens.muted))
            if not unknown:
                self._figures(painter, box, value, count)
        elif guess is not None:
            self._paint_guess(painter, box, guess)
        elif unknown:
            if box.width() < _LEGIBLE:
                return
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.border), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box, bend, bend)
        else:
            fill = self.shade(self.cells.about.share(value))
            painter.setBrush(fill)
            painter.drawRoundedRect(box, bend, bend)
            painter.setPen(QColor("#ffffff" if fill.lightnessF() < 0.52 else "#141418"))
            self._figures(painter, box, value, count)
        if self._at == (row, column):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.text), 1.6))
            painter.drawRoundedRect(box, bend, bend)

    def _paint_guess(self, painter: QPainter, box: QRectF, value: float) -> None:
        """Hatched and outlined with dashes, its number in brackets: nobody answered this."""
        tokens = self.tokens
        colour = self.shade(self.cells.about.share(value))
        painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(QColor(tokens.border_strong), 1, Qt.PenStyle.DashLine))
        bend = min(5.0, box.width() / 5)
        painter.drawRoundedRect(box, bend, bend)
        if box.width() < 26:
            return
        painter.setFont(sized(self.font(), 0.9))
        told = f"({self.cells.about.short(value)})"
        wide = painter.fontMetrics().horizontalAdvance(told) + 6
        middle = box.center()
        veil = QRectF(middle.x() - wide / 2, middle.y() - 9, wide, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(tokens.surface, 0.85))
        painter.drawRoundedRect(veil, 5, 5)
        painter.setPen(QColor(tokens.text))
        draw_text(painter, veil, int(Qt.AlignmentFlag.AlignCenter), told)

    def _figures(self, painter: QPainter, box: QRectF, value: float, count: int) -> None:
        if box.width() < 26:
            return
        roomy = box.height() >= 40 and not self.cells.exact
        if too_few(count):
            self._doubt(painter, box, value, count, roomy=roomy)
            return
        painter.setFont(sized(self.font(), 1.0 if roomy else 0.8, bold=True))
        upper = box.adjusted(0, 0, 0, -box.height() * 0.26) if roomy else box
        draw_text(painter, upper, int(Qt.AlignmentFlag.AlignCenter), self.cells.about.short(value))
        if roomy:
            painter.setFont(sized(self.font(), 0.77))
            lower = box.adjusted(0, box.height() * 0.46, 0, 0)
            draw_text(painter, lower, int(Qt.AlignmentFlag.AlignCenter), f"n {count:,}")

    def _doubt(
        self, painter: QPainter, box: QRectF, value: float, count: int, *, roomy: bool
    ) -> None:
        """That there are too few answers to tell, and small below it what they say."""
        centred = int(Qt.AlignmentFlag.AlignCenter)
        small = f"{self.cells.about.short(value)}, n {count:,}"
        painter.setFont(sized(self.font(), 0.77))
        if not roomy or painter.fontMetrics().horizontalAdvance(small) > box.width():
            draw_text(painter, box, centred, "few")
            return
        draw_text(painter, box.adjusted(0, 0, 0, -box.height() * 0.26), centred, "too few")
        draw_text(painter, box.adjusted(0, box.height() * 0.46, 0, 0), centred, small)

    def shade(self, value: float) -> QColor:
        """Orange below chance, neutral at chance, blue above:
        ordered in lightness, told apart by everyone."""
        tokens = self.tokens
        neutral = "#e9e9ee" if not tokens.dark else "#3a3a42"
        strength = min(abs(value - 0.5) / 0.5, 1.0) ** 0.8
        return mixed(neutral, "#00539b" if value >= 0.5 else "#c45500", strength)

    def _legend(self, painter: QPainter, left: float, top: float, width: float) -> None:
        width = min(width, 220.0)
        for step in range(int(width)):
            painter.fillRect(QRectF(left + step, top, 1.4, 8), self.shade(step / width))
        painter.setFont(sized(self.font(), 0.82))
        painter.setPen(QColor(self.tokens.muted))
        plain = self.cells.about.chance == 0.5
        sides = (
            Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight,
        )  # fmt: skip
        zero = "0" if self.cells.exact else "0, chance"
        words = ("0%", "50%", "100%") if plain else ("-1", zero, "1")
        for side, word in zip(sides, words, strict=True):
            draw_text(painter, QRectF(left, top + 10, width, 16), int(side), word)
