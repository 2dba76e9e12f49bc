"""The stimulus view: faces or texts on neutral mid-grey, as large as the window allows."""

import random
import time
from functools import cache
from typing import Literal

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
    QWindow,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from prism_desktop.ui.label.prefetch import ImagePrefetch
from prism_desktop.ui.label.text_cards import TextCards
from prism_desktop.ui.palette import Tokens
from prism_desktop.ui.plain import draw_text
from prism_desktop.ui.widgets.basics import GRID

GAP = 3 * GRID  # between two faces
Phase = Literal["fixation", "faces", "mask"]
_MARK = 28  # px of the letter on a face
_LETTERS = ("A", "B")
_ARM = 14  # px of the fixation cross, from its middle
_CELLS = 96  # of the mask, each way
_NOTCH, _LINES = 120, 3  # of the wheel, in Qt's eighths of a degree; what one scrolls
_LAYING = 0.008  # s, of half a frame, that texts are laid out for at a time


@cache
def _noise() -> QImage:
    """A mask of random grey cells."""
    dice = random.Random(0)
    cells = bytes(dice.randrange(40, 216) for _ in range(_CELLS * _CELLS))
    made = QImage(cells, _CELLS, _CELLS, _CELLS, QImage.Format.Format_Grayscale8)
    return made.copy()  # the bytes belong to this function


class StimulusView(QWidget):
    """Paints one face or two side by side, and emits when the frame was painted.

    Texts stand in for faces as cards: `use_cards` says where they come from.
    """

    # Once for each `show_images`, when all its faces were there to be seen: unix s, and the frames
    # of the screen missed before it.
    painted = Signal(float, int)
    masked = Signal(float)  # ms from there to the frame that painted the mask, or what covered them
    unseen = Signal()  # the window was not to be seen while faces were there for a limited time
    resized = Signal()
    # two faces are painted about other middles than before, px from the left
    placed = Signal(int, int)
    chosen = Signal(str)  # "left" or "right", by the mouse

    def __init__(self, prefetch: ImagePrefetch, tokens: Tokens) -> None:
        super().__init__()
        self._prefetch = prefetch
        self._grey, self._ink = QColor(tokens.stage), QColor(tokens.on_stage)
        self._images: tuple[str, ...] = ()
        self._cards: TextCards | None = None  # of a study of texts
        self._unscrolled = 0.0  # lines that the wheel turned and that were not scrolled yet
        self._announced = True
        self._asked: float | None = None  # s on the steady clock, when faces were to follow others
        self._fixation = self._exposure = 0  # ms; 0: none, and until the answer
        self._mask = True
        self._phase: Phase = "faces"
        self._onset = 0.0  # s on the steady clock, of the faces
        self.covered = False  # nothing of the faces is to be seen
        self.unreadable = False  # a face was not painted, for its file cannot be read
        self._watched: QWindow | None = None  # that tells when it is made small
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setTimerType(Qt.TimerType.PreciseTimer)
        self._turn.timeout.connect(self._next_phase)
        self._laying = QTimer(self, singleShot=True, interval=0)
        self._laying.timeout.connect(self._lay_out)
        self._middles: tuple[int, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 200)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        prefetch.arrived.connect(self._arrived)

    def time_by(self, fixation: int, exposure: int, *, mask: bool) -> None:
        """How faces are shown from the next ones on: after a cross of so many ms, for so many ms
        and then a mask or plain grey; 0 for no cross, and until the answer."""
        self._fixation, self._exposure, self._mask = fixation, exposure, mask

    def use_cards(self, cards: TextCards | None) -> None:
        """Show texts of these cards from now on, or images again."""
        self._cards = cards
        if cards is not None:
            cards.use_font(self.font())

    def show_images(self, images: tuple[str, ...]) -> None:
        """Show one or two images or texts, by id."""
        self._unscrolled = 0.0
        if self._cards is not None:
            self._cards.show(images)
        self._asked = time.perf_counter() if self._images and not self._fixation else None
        self._images = images
        self._announced = self.unreadable = False
        self._onset = 0.0
        self._turn.stop()
        self._phase = "fixation" if self._fixation and images else "faces"
        if self._phase == "fixation":
            self._turn.start(self._fixation)
        self.update()

    def cover(self, covered: bool) -> None:
        """Hide the faces, or show again what is to be seen of them.

        A cross is shown anew for its whole time; what covers faces ends their exposure.
        """
        self.covered = covered
        if self._phase == "fixation":
            self._turn.stop()
            if not covered:
                self._turn.start(self._fixation)
        elif covered and self._exposed():
            self._turn.stop()
            self._phase = "mask"
        self.update()

    def look_whether_seen(self) -> None:
        """End an exposure that a window which is small, hidden or wholly covered does not show: how
        long the faces were there nobody knows, and no figure is told."""
        window = self.window()
        handle = window.windowHandle()
        in_sight = not window.isMinimized() and (handle is None or handle.isExposed())
        if in_sight or not self._exposure or not self._onset:
            return
        self._turn.stop()
        self._phase, self._onset = "mask", 0.0
        self.update()
        self.unseen.emit()

    def _exposed(self) -> bool:
        """Whether faces are to be seen for a limited time, which runs."""
        return bool(self._exposure) and self._phase == "faces" and self._onset > 0

    def box(self, count: int | None = None) -> QSize:
        """The room for each of `count` faces, in device pixels."""
        count = count or len(self._images) or 1
        ratio = self.devicePixelRatioF()
        width = (self.width() - GAP * (count - 1)) / count
        height = self.height() - self._header()
        return QSize(max(1, int(width * ratio)), max(1, int(height * ratio)))

    def places(self) -> list[QRect]:
        """Where each face's room is."""
        count = max(1, len(self._images))
        width = (self.width() - GAP * (count - 1)) // count
        top = self._header()
        return [
            QRect(number * (width + GAP), top, width, self.height() - top)
            for number in range(count)
        ]

    def _header(self) -> int:
        """px above the faces: of texts, their prompt."""
        return 0 if self._cards is None else self._cards.header(self.size())

    def _get(self, image: str) -> QImage | None:
        """What is painted of an image or a text, if it is at hand; null if it cannot be read."""
        if self._cards is not None:
            return self._cards.get(image, self.box(), self.devicePixelRatioF())
        return self._prefetch.get(image, self.box())

    def _lay_out_on(self) -> None:
        """Long texts are laid out between two rounds of the event loop, until all can be seen."""
        if self._cards is not None and self._cards.waiting():
            self._laying.start()

    def _lay_out(self) -> None:
        if self._cards is None:
            return
        until = time.perf_counter() + _LAYING
        while (more := self._cards.step()) and time.perf_counter() < until:
            pass
        if more:
            self._laying.start()
        else:
            self.update()

    def _any_size(self, image: str) -> QImage | None:
        return None if self._cards is not None else self._prefetch.any_size(image)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._grey)
        if self.covered or self._phase != "faces":
            self._paint_instead(painter)
            return
        if self._cards is not None:
            self._cards.paint_header(painter, self.size(), self._ink)
        faces = [self._get(image) for image in self._images]
        self._lay_out_on()
        whole = all(face is not None for face in faces)
        self.unreadable = any(face is not None and face.isNull() for face in faces)
        if whole or self._announced or self._resizing():  # two faces appear in the same frame
            for place, image in zip(self.places(), self._images, strict=False):
                self._paint(painter, place, image, toward=self._toward(place))
        if whole and len(self._images) == 2:
            self._mark_faces(painter)
        painter.end()
        if whole and len(self._images) == 2:
            self._announce_middles()
        # what cannot be read was not seen: nothing is answered to it until its file is there
        if whole and self._images and not (self._announced or self.unreadable):
            self._announced = True
            self._onset = time.perf_counter()
            if self._exposure:
                self._turn.start(self._exposure)
            self.painted.emit(time.time(), self._missed())

    def _next_phase(self) -> None:
        """The cross makes way for the faces, or the faces for the mask."""
        self.look_whether_seen()
        if self._phase == "fixation":
            self._phase, self._asked = "faces", time.perf_counter()
        elif self._announced:
            self._phase = "mask"
        self.update()

    def _paint_instead(self, painter: QPainter) -> None:
        """What is seen where the faces are not: the cross, the mask, or nothing."""
        if self.covered:
            pass
        elif self._phase == "fixation":
            middle = self.rect().center()
            painter.setPen(QPen(self._ink, 3))
            painter.drawLine(middle - QPoint(_ARM, 0), middle + QPoint(_ARM, 0))
            painter.drawLine(middle - QPoint(0, _ARM), middle + QPoint(0, _ARM))
        elif self._mask:
            for place, image in zip(self.places(), self._images, strict=False):
                self._paint_mask(painter, place, image)
        painter.end()
        if self._phase == "mask" and self._onset:
            self.masked.emit(1e3 * (time.perf_counter() - self._onset))
            self._onset = 0.0

    def _mark_faces(self, painter: QPainter) -> None:
        """A and B on the outer upper corners of the faces."""
        font = QFont(self.font())
        font.setPixelSize(_MARK * 5 // 8)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, (place, image) in enumerate(zip(self.places(), self._images, strict=True)):
            decoded = self._get(image)
            if decoded is None or decoded.isNull():
                continue
            corner = self._corner(place, decoded, self._toward(place)) + QPoint(GRID, GRID)
            wide = decoded.deviceIndependentSize().toSize().width()
            if number:
                corner += QPoint(wide - 2 * GRID - _MARK, 0)
            mark = QRect(corner, QSize(_MARK, _MARK))
            painter.setPen(QPen(QColor("#55555a"), 1))
            painter.setBrush(QColor("#f4f4f5"))
            painter.drawRoundedRect(mark, 6, 6)
            painter.setPen(QColor("#1c1c21"))
            draw_text(painter, mark, Qt.AlignmentFlag.AlignCenter, _LETTERS[number])

    def _paint_mask(self, painter: QPainter, place: QRect, image: str) -> None:
        """Grey noise where the face was; always the same, so that it tells nothing."""
        decoded = self._get(image)
        where = place
        if decoded is not None and not decoded.isNull():
            corner = self._corner(place, decoded, self._toward(place))
            where = QRect(corner, decoded.deviceIndependentSize().toSize())
        painter.drawImage(where, _noise())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._announced:  # what was called for behind another page is not late
            self._asked = None

        if self._phase == "fixation" and not self.covered:
            self._turn.start(self._fixation)
        handle = self.window().windowHandle()
        if handle is not None and handle is not self._watched:
            self._watched = handle
            handle.visibilityChanged.connect(self.look_whether_seen)

    def hideEvent(self, event: QHideEvent) -> None:
        """Faces that another page covers were not seen until they would have been masked: nobody
        knows which frame was their last."""
        super().hideEvent(event)
        if self._phase == "fixation":
            self._turn.stop()
        elif self._exposed():
            self._turn.stop()
            self._phase, self._onset = "mask", 0.0

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel moves texts as the keys do."""
        self._unscrolled += _LINES * event.angleDelta().y() / _NOTCH
        lines = int(self._unscrolled)  # a touchpad tells of less than a line at a time
        self._unscrolled -= lines
        if self._cards is not None and self._cards.scroll(lines=-lines):
            self.update()

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
        return all(self._any_size(image) is not None for image in self._images)

    def _paint(self, painter: QPainter, place: QRect, image: str, toward: int) -> None:
        decoded = self._get(image)
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
        other = self._any_size(image)
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
        faces = [self._get(image) for image in self._images]
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
