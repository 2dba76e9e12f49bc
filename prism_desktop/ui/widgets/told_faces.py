"""A row of faces with words below each, from one end of something to the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from prism_desktop.engine.plain_text import one_line
from prism_desktop.ui.plain import draw_text, literal, set_tip
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import clear, columns, label, rows
from prism_desktop.ui.widgets.painted import sized

SIDE = 84  # px
_EDGE, _LINE = 4, 18  # px


@dataclass(frozen=True, slots=True, eq=False)
class ToldFace:
    """One face of the row."""

    image: QImage
    words: tuple[str, ...]  # below it, a line each
    tip: str
    row: int = -1  # of the run's images; -1 where it is none of them
    marked: bool = False  # whether its words stand out
    framed: bool = False


class ToldFaceTile(QAbstractButton):
    """A face with its words; one that is no image of the run cannot be pressed."""

    def __init__(self, theme: Theme, face: ToldFace) -> None:
        super().__init__()
        self._theme, self._face = theme, face
        self.setText(literal(" ".join(face.words)))
        self.setAccessibleName(one_line(face.tip))
        set_tip(self, face.tip)
        self.setFixedSize(self.sizeHint())
        if face.row >= 0:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)

    @property
    def face(self) -> ToldFace:
        return self._face

    def sizeHint(self) -> QSize:
        high = SIDE + 2 * _EDGE + _LINE * len(self._face.words)
        return QSize(SIDE + 2 * _EDGE, high)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The face, a ring where it is lit, and the words below."""
        painter, tokens = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(_EDGE, _EDGE, SIDE, SIDE)
        if self._face.image.isNull():
            painter.fillRect(box, QColor(tokens.track))
        else:
            painter.drawImage(box, self._face.image)
        lit = self._face.row >= 0 and (self.hasFocus() or self.underMouse())
        if lit or self._face.framed:
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawRoundedRect(box, 7, 7)
        painter.setFont(sized(self.font(), 0.88, bold=self._face.marked))
        for number, words in enumerate(self._face.words):
            painter.setPen(QColor(tokens.text if self._face.marked else tokens.muted))
            line = QRectF(0, SIDE + 2 * _EDGE + number * _LINE, self.width(), _LINE)
            draw_text(painter, line, int(Qt.AlignmentFlag.AlignCenter), words)
        painter.end()


class ToldFaceRow(QWidget):
    """A heading and faces below it; one that is an image of the run can be opened."""

    opened = Signal(int)  # row of the run's images

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.heading = label("", "strong", wrap=True)
        self._faces = columns(gap=0)
        whole = rows(self.heading, gap=_EDGE)
        whole.addLayout(self._faces)
        self.setLayout(whole)
        self.faces: list[ToldFaceTile] = []

    def show_faces(self, heading: str, faces: Sequence[ToldFace]) -> None:
        """Show these in place of what was there; nothing without any."""
        self.setVisible(bool(faces))
        self.heading.setText(heading)
        clear(self._faces)
        self.faces = [ToldFaceTile(self._theme, face) for face in faces]
        for each in self.faces:
            if each.face.row >= 0:
                each.clicked.connect(lambda _=False, row=each.face.row: self.opened.emit(row))
            self._faces.addWidget(each)
        self._faces.addStretch(1)
