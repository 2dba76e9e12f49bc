"""Image prefetch: faces are decoded ahead, at the size at which they will be painted."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, QSize, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from prism_desktop.ui import qt_images
from prism_desktop.ui.lifetimes import Mailbox

KEPT = 256 * 1024 * 1024  # bytes of decoded faces; at 900 px each has 3 MB
FEWEST = 8  # faces kept however large
GROW = 3.0  # small images are enlarged this much at most
RADIUS = 10  # px of the rounded corners

Key = tuple[str, int, int]  # image id, box width, box height, in device pixels


def decode(path: Path, box: QSize, stage: str) -> QImage:
    """The image upright, fitted into `box` device pixels, corners rounded on the stage's colour.

    Null if unreadable.
    """
    image = qt_images.fitted(path, (box.width(), box.height()), enlarge=GROW)
    if image.isNull():
        return image
    _round(image, stage)
    return image


def _round(image: QImage, stage: str) -> None:
    whole = QRectF(image.rect())
    outside, inside = QPainterPath(), QPainterPath()
    outside.addRect(whole)
    inside.addRoundedRect(whole, RADIUS, RADIUS)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(outside.subtracted(inside), QColor(stage))
    painter.end()


class ImagePrefetch(QObject):
    """A thread decodes what will be wanted next, soonest first.

    What was wanted lately stays at hand.
    """

    arrived = Signal(str)  # image id

    def __init__(self, stage: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage = stage
        self._kept: OrderedDict[Key, QImage] = OrderedDict()
        self._wanted: list[tuple[Key, Path]] = []
        self._lock = threading.Condition()
        self._open = True
        self._busy = False
        self._decoded = Mailbox(self._announce, self)
        self.destroyed.connect(lambda: self._end_thread())
        self._thread = threading.Thread(target=self._run, name="decoding ahead", daemon=True)
        self._thread.start()

    def want(self, images: Sequence[tuple[str, Path]], box: QSize) -> None:
        """These, in this order, are needed next; earlier wishes are forgotten."""
        with self._lock:
            keys = [((image, box.width(), box.height()), path) for image, path in images]
            for key, _ in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
            # What could not be read is tried again: the image may have been found since.
            self._wanted = [
                (key, path)
                for key, path in keys
                if key not in self._kept or self._kept[key].isNull()
            ]
            self._lock.notify()

    def get(self, image: str, box: QSize) -> QImage | None:
        """The decoded image if it is at hand; null if its file cannot be read."""
        with self._lock:
            return self._kept.get((image, box.width(), box.height()))

    def any_size(self, image: str) -> QImage | None:
        """The image decoded for another room, while the one for this is on its way."""
        with self._lock:
            return next(
                (kept for key, kept in reversed(self._kept.items()) if key[0] == image), None
            )

    def idle(self) -> bool:
        """Whether all that is wanted was decoded."""
        with self._lock:
            return not (self._wanted or self._busy)

    def close(self) -> None:
        """End the thread and wait for it."""
        self._end_thread()
        self._decoded.close()
        self._thread.join(5)

    def _end_thread(self) -> None:
        with self._lock:
            self._open = False
            self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._wanted or not self._open)
                if not self._open:
                    return
                key, path = self._wanted.pop(0)
                self._busy = True
            image = decode(path, QSize(key[1], key[2]), self._stage)
            with self._lock:
                self._kept[key] = image
                self._drop_oldest()
                self._busy = False
            self._decoded.put(key[0])

    def _announce(self, image: str) -> None:
        self.arrived.emit(image)

    def _drop_oldest(self) -> None:
        size = sum(image.sizeInBytes() for image in self._kept.values())
        while size > KEPT and len(self._kept) > FEWEST:
            size -= self._kept.popitem(last=False)[1].sizeInBytes()
