"""Marks of faces, told apart by their shape: answered, predicted in-sample, predicted held out."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.engine.analysis.face_ranking import ANSWERED, LEARNED
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, columns, label
from prism_desktop.ui.widgets.flow import FlowBox
from prism_desktop.ui.widgets.painted import Painted

SIDE = 18  # px
# In words, by the bits of a mark.
MARKS = (
    "predicted, held out",
    "answered by this labeler, and held out of the training",
    "predicted, in-sample",
    "answered by this labeler",
)
_LEGEND = (
    (
        ANSWERED | LEARNED,
        "answered by this labeler",
        "The labeler whose model ranks answered about this face. In an open ring: the answer was "
        "held out of the training.",
    ),
    (
        LEARNED,
        "predicted, in-sample",
        "The labeler did not answer about this face, but others' answers about it were learned "
        "from, or settings were chosen by them.",
    ),
    (0, "predicted, held out", "No answer about this face was learned from."),
)


def paint_mark(painter: QPainter, box: QRectF, mark: int, tokens: Tokens) -> None:
    """A disc for faces that answers were learned about, an open ring for those held out; a tick in
    it where this labeler answered."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink, ground = QColor(tokens.text), QColor(tokens.surface)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawEllipse(box)  # so that it is seen on any face
    filled, ticked = mark & LEARNED, mark & ANSWERED
    inner = box.adjusted(2.5, 2.5, -2.5, -2.5)
    if not ticked and filled:
        inner = box.adjusted(5, 5, -5, -5)
    painter.setPen(QPen(ink, 1.6))
    painter.setBrush(ink if filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(inner)
    if ticked:
        painter.setPen(
            QPen(ground if filled else ink, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        at, unit = inner.topLeft(), inner.width()
        steps = ((0.26, 0.54), (0.44, 0.72), (0.76, 0.3))
        painter.drawPolyline(
            QPolygonF([QPointF(at.x() + x * unit, at.y() + y * unit) for x, y in steps])
        )


class _Mark(Painted):
    """One mark of the legend."""

    def __init__(self, theme: Theme, mark: int) -> None:
        super().__init__(theme)
        self._mark = mark
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        paint_mark(painter, QRectF(0, 0, SIDE, SIDE), self._mark, self.tokens)
        painter.end()


class MarkLegend(FlowBox):
    """The three marks and what they mean; it keeps its room while it is hidden."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(2 * GRID)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        for mark, words, more in _LEGEND:
            holder = QWidget()
            holder.setLayout(columns(_Mark(theme, mark), label(words, "small"), gap=GRID - 2))
            set_tip(holder, more)
            self.flow.addWidget(holder)
