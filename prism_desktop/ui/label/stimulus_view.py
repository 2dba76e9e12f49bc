"""The stimulus view: the faces on neutral mid-grey, as large as the window allows."""

import time

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.widgets.basics import GRID

GAP = 3 * GRID  # between two faces


class StimulusView(QWidget):
    """Paints one face or two side by side, and emits when the frame was painted."""

    # Once for each `show_images`, when all its faces were there: unix s, and the frames of the
    # screen missed before it.
    painted = Signal(float, int)
    resized = Signal()
    # two faces are painted about other middles than before, px from the left
    placed = Signal(int, int)
    chosen = Signal(str)  # "left" or "right", by the mouse

    def __init__(self, prefetch: ImagePrefetch, tokens: Tokens) -> None:
        super().__init__()
        self._prefetch = prefetch
        self._grey, self._ink = QColor(tokens.stage), QColor(tokens.on_stage)
        self._images: tuple[str, ...] = ()
        self._announced = True
        self._asked: float | None = None  # s on the steady clock, when faces were to follow others
        self._middles: tuple[int, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 200)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        prefetch.arrived.connect(self._arrived)

    def show_images(self, images: tuple[str, ...]) -> None:
        """Show one or two images, by id."""
        self._asked = time.perf_counter() if self._images else None
        self._images = images
        self._announced = False
        self.update()

    def box(self, count: int | None = None) -> QSize:
        """The room for each of `count` faces, in device pixels."""
        count = count or len(self._images) or 1
        ratio = self.devicePixelRatioF()
        width = (self.width() - GAP * (count - 1)) / count
        return QSize(max(1, int(width * ratio)), max(1, int(self.height() * ratio)))

    def places(self) -> list[QRect]:
        """Where each face's room is."""
        count = max(1, len(self._images))
        width = (self.width() - GAP * (count - 1)) // count
        return [QRect(number * (width + GAP), 0, width, self.height()) for number in range(count)]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._grey)
        whole = all(self._prefetch.get(image, self.box()) is not None for image in self._images)
        if whole or self._announced or self._resizing():  # two faces appear in the same frame
            for place, image in zip(self.places(), self._images, strict=False):
                self._paint(painter, place, image, toward=self._toward(place))
        painter.end()
        if whole and len(self._images) == 2:
            self._announce_middles()
        if whole and self._images and not self._announced:
            self._announced = True
            self.painted.emit(time.time(), self._missed())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._announced:  # what was called for behind another page is not late
            self._asked = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if len(self._images) == 2 and event.button() == Qt.MouseButton.LeftButton:
            left, right = self.places()
            if left.contains(event.position().toPoint()):
                self.chosen.emit("left")
            elif right.contains(event.position().toPoint()):
                self.chosen.emit("right")

    def _missed(self) -> int:
        """How many frames the screen drew in vain between two trials.

        The first trial of a session follows none.
        """
        waited = 0.0 if self._asked is None else time.perf_counter() - self._asked
        return int(waited * (self.screen().refreshRate() or 60.0))

    def _toward(self, place: QRect) -> int:
        """Two faces lean to the middle, so that the eye travels
        little: 1 to the right, -1 to the left, 0 centred."""
        if len(self._images) < 2:
            return 0
        return 1 if place.x() == 0 else -1

    def _resizing(self) -> bool:
        """Whether every face is at hand, though for another room."""
        return all(self._prefetch.any_size(image) is not None for image in self._images)

    def _paint(self, painter: QPainter, place: QRect, image: str, toward: int) -> None:
        decoded = self._prefetch.get(image, self.box())
        if decoded is None:
            self._paint_meanwhile(painter, place, image)
            return
        if decoded.isNull():
            painter.setPen(self._ink)
            text = "This image cannot be read.\nSkip it with the reason “bad image”."
            draw_text(painter, place, Qt.AlignmentFlag.AlignCenter, text)
            return
        painter.drawImage(self._corner(place, decoded, toward), decoded)

    def _paint_meanwhile(self, painter: QPainter, place: QRect, image: str) -> None:
        """After a change of size: the face as decoded for the old one, until the new one comes."""
        other = self._prefetch.any_size(image)
        if other is None or other.isNull():
            return
        size = other.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(QPoint(0, 0), size)
        target.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, other)

    def _corner(self, place: QRect, image: QImage, toward: int) -> QPoint:
        image.setDevicePixelRatio(self.devicePixelRatioF())
        size = image.deviceIndependentSize().toSize()
        spare = place.width() - size.width()
        x = place.x() + (spare // 2 if toward == 0 else spare if toward > 0 else 0)
        return QPoint(x, place.y() + (place.height() - size.height()) // 2)

    def _announce_middles(self) -> None:
        faces = [self._prefetch.get(image, self.box()) for image in self._images]
        middles = [
            place.center().x()
            if face is None or face.isNull()
            else self._corner(place, face, self._toward(place)).x()
            + face.deviceIndependentSize().toSize().width() // 2
            for place, face in zip(self.places(), faces, strict=True)
        ]
        if (found := (middles[0], middles[1])) != self._middles:
            self._middles = found
            self.placed.emit(*found)

    def _arrived(self, image: str) -> None:
        if image in self._images:
            self.update()
