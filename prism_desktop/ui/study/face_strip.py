"""Some faces that show which study this is: a strip, and where there is room a sheet."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.widgets.basics import GRID, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.flow import FlowBox

SIDE = 56
LARGE = 168  # px, a face of the sheet
OVERLAP = 12


class FaceSheet(Card):
    """More of the faces, in a window so large that the rest of the page leaves half of it empty."""

    def __init__(self) -> None:
        super().__init__("Images")
        self._faces = FlowBox(GRID + 4)
        self.body.addWidget(self._faces)

    def set_images(self, images: list[QImage]) -> None:
        """Show these, square ones."""
        self._faces.flow.clear()
        for image in images:
            if image.isNull():
                continue
            face = label("")
            face.setPixmap(QPixmap.fromImage(image))
            face.setScaledContents(True)
            face.setFixedSize(LARGE, LARGE)
            self._faces.flow.addWidget(face)


class FaceStrip(QWidget):
    """Overlapping round faces."""

    def __init__(self) -> None:
        super().__init__()
        self._images: list[QImage] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("A few of the study's faces")

    def set_images(self, images: list[QImage]) -> None:
        self._images = [image for image in images if not image.isNull()]
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        count = len(self._images)
        return QSize(max(0, count * (SIDE - OVERLAP) + OVERLAP) if count else 0, SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The faces from left to right, each over the edge of the one before.

        A disc in the background's colour comes first and the face is clipped to a smaller one, so
        that a ring parts it from its neighbour.
        """
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        background = self.palette().window()
        for number, image in enumerate(self._images):
            place = QRectF(number * (SIDE - OVERLAP), 0, SIDE, SIDE)
            ring, disc = QPainterPath(), QPainterPath()
            ring.addEllipse(place)
            disc.addEllipse(place.adjusted(2, 2, -2, -2))
            painter.fillPath(ring, background)
            painter.setClipPath(disc)
            painter.drawImage(place, image)
            painter.setClipping(False)
        painter.end()
