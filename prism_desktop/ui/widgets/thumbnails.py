"""Thumbnails, decoded in threads as they come into view, the most recently seen kept."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QBrush, QImage, QPainter, QPixmap

from prism_desktop.ui.lifetimes import Mailbox
from prism_desktop.ui.qt_images import squared
from prism_desktop.ui.widgets.text_picture import Sources, WrittenCard, small_card

_FRAME = 0.004  # seconds of a frame that may go into turning decoded images into pixmaps
ROUND = 7  # px, radius of the corners
_KEPT = 600  # pixmaps, about 40 MB at 132 px
# seconds after which an image that could not be read is tried again, since it may have been found
_RETRY = 5.0
_WANTED = 400  # requests remembered; older ones have long been scrolled past
_How = tuple[int, float, bool]  # side, device px to a px, with room for a mark


def decode(sources: Sources, side: int, ratio: float = 1.0, *, marked: bool = False) -> QImage:
    """The first readable of files as a square of `side` pixels, cropped about its centre; of a text
    its card, for a screen of `ratio` pixels to a px, with room for a mark in the corner if it is to
    be `marked`.

    A null image if none is.
    """
    for source in sources:
        if isinstance(source, WrittenCard):
            image = small_card(source, side, ratio, marked=marked)
        else:
            image = squared(source, side)
        if not image.isNull():
            return rounded(image)
    return QImage()


def rounded(image: QImage) -> QImage:
    """The image with round corners; done once, since clipping at each painting is slow."""
    result = QImage(image.size(), QImage.Format.Format_ARGB32_Premultiplied)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(image))
    painter.drawRoundedRect(result.rect(), ROUND, ROUND)
    painter.end()
    return result


class Thumbnails(QObject):
    """Decodes what is asked for in threads, the newest
    request first, and keeps the most recently seen."""

    arrived = Signal(set)  # keys whose pixmap can be had now

    def __init__(self, find: Callable[[str], Sources], parent: QObject | None = None) -> None:
        """`find(key)` lists the files that may hold the image of `key`, the best first; or it gives
        its text."""
        super().__init__(parent)
        self._find = find
        self._side, self._ratio = 0, 1.0
        self._marked = False
        self._kept: OrderedDict[str, QPixmap] = OrderedDict()
        self._unread: dict[str, float] = {}  # keys of kept null pixmaps, and when each was tried
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._busy: set[str] = set()
        self._ready: list[tuple[str, QImage, _How]] = []
        self._decoded = Mailbox(self._take, self)
        # Not Qt's: that waits for its threads while it is destroyed, and they wait for Python.
        pool = self._pool = ThreadPoolExecutor(2, "thumbnails")
        self.destroyed.connect(lambda: pool.shutdown(wait=False, cancel_futures=True))
        self._timer = QTimer(self, interval=12, singleShot=True)
        self._timer.timeout.connect(self._deliver)

    def resize(self, side: int, ratio: float = 1.0) -> None:
        """From now on decode to `side` device pixels, `ratio` of them to a px of the widget's
        screen; images kept at another size are let go."""
        if (side, ratio) != (self._side, self._ratio):
            self._side, self._ratio = side, ratio
            self.clear()

    def mark(self, *, marked: bool) -> None:
        """From now on cards of texts leave room for a mark in their corner, or do not."""
        if marked != self._marked:
            self._marked = marked
            self.clear()

    def clear(self) -> None:
        """Forget all images and requests."""
        self._kept.clear()
        self._unread.clear()
        self._wanted.clear()

    def get(self, key: str) -> QPixmap | None:
        """The pixmap if it is at hand, else None and it will arrive.

        A null pixmap means it cannot be read.
        """
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            if not found.isNull() or monotonic() < self._unread.get(key, 0.0) + _RETRY:
                return found
            self._unread[key] = monotonic()
        if key not in self._busy:
            self._wanted[key] = None
            self._wanted.move_to_end(key)
            while len(self._wanted) > _WANTED:
                self._wanted.popitem(last=False)
            self._feed()
        return found

    def idle(self) -> bool:
        """Whether everything asked for has arrived."""
        return not (self._wanted or self._busy or self._ready)

    def _feed(self) -> None:
        while self._wanted and len(self._busy) < 4:
            key, _ = self._wanted.popitem()
            self._busy.add(key)
            how = self._side, self._ratio, self._marked
            self._pool.submit(self._decode, key, self._find(key), how)

    def _decode(self, key: str, sources: Sources, how: _How) -> None:
        side, ratio, marked = how
        self._decoded.put((key, decode(sources, side, ratio, marked=marked), how))

    def _take(self, decoded: tuple[str, QImage, _How]) -> None:
        self._busy.discard(decoded[0])
        self._ready.append(decoded)
        self._feed()
        if not self._timer.isActive():
            self._timer.start()

    def _deliver(self) -> None:
        end, came = perf_counter() + _FRAME, set()
        while self._ready and perf_counter() < end:
            key, image, how = self._ready.pop()
            stale = how != (self._side, self._ratio, self._marked)
            if not image.isNull() and stale:
                self._wanted[key] = None  # asked for before the cells changed, so it is anew
                continue
            self._kept[key] = QPixmap.fromImage(image)
            if image.isNull():
                self._unread[key] = monotonic()
            came.add(key)
        while len(self._kept) > _KEPT:
            self._unread.pop(self._kept.popitem(last=False)[0], None)
        self._feed()
        if self._ready:
            self._timer.start()
        if came:
            self.arrived.emit(came)
