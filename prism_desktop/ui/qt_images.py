"""Images for the window: the pixels that training reads, not Qt's own reading of the file.

Qt knows other formats, other profiles and other turns than `open_image`, so a labeler would judge
what no model sees. Safe in any thread.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QImageReader

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import MAX_RECORD, open_foreign

if TYPE_CHECKING:
    from PIL import Image

# JPEG: baseline and progressive frames; JFIF's own head, comments, and tables of the decoder
_FRAMES = (0xC0, 0xC1, 0xC2)
_HARMLESS = (0xE0, 0xFE, 0xDB, 0xC4, 0xDD)
Size = tuple[int, int]  # width, height in px


def fitted(path: Path, box: Size, enlarge: float = 1.0) -> QImage:
    """The whole image within `box`, enlarged at most `enlarge` times; null if unreadable."""
    image = _opened(path, min(box))
    if image is None:
        return QImage()
    wide, high = image.size
    scale = min(box[0] / wide, box[1] / high, enlarge)
    return _painted(image, (max(1, round(wide * scale)), max(1, round(high * scale))))


def squared(path: Path, side: int) -> QImage:
    """The image as a square of `side` px, cropped about its centre; null if unreadable.

    Galleries ask for hundreds: plain JPEGs go through Qt, which reads them alike and, unlike
    Pillow, never holds up the window's thread.
    """
    if _is_plain_jpeg(path):
        return _squared_by_qt(path, side)
    image = _opened(path, side)
    if image is None:
        return QImage()
    wide, high = image.size
    scale = side / min(wide, high)
    wide, high = max(side, round(wide * scale)), max(side, round(high * scale))
    return _painted(image, (wide, high)).copy((wide - side) // 2, (high - side) // 2, side, side)


def _is_plain_jpeg(path: Path) -> bool:
    """A JPEG in grey or YCbCr with no profile, no EXIF and nothing else that changes its look."""
    try:
        with open_foreign(path, MAX_RECORD) as file:
            start = file.read(4096)
    except OSError:
        return False
    at = 2
    while start[:3] == b"\xff\xd8\xff" and at + 10 <= len(start) and start[at] == 0xFF:
        marker = start[at + 1]
        if marker in _FRAMES:
            return start[at + 4] == 8 and start[at + 9] in (1, 3)
        if marker not in _HARMLESS:
            return False
        at += 2 + int.from_bytes(start[at + 2 : at + 4], "big")
    return False


def _squared_by_qt(path: Path, side: int) -> QImage:
    reader = QImageReader(str(path))
    size = reader.size()
    if not size.isValid():
        return QImage()
    reader.setScaledSize(size.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    return image.copy((image.width() - side) // 2, (image.height() - side) // 2, side, side)


def _opened(path: Path, at_least: int) -> "Image.Image | None":
    from prism_desktop.engine.study.images import open_image

    try:
        return open_image(path, at_least=at_least)
    except InputError:
        return None


def _painted(image: "Image.Image", size: Size) -> QImage:
    from PIL import Image

    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    wide, high = size
    content = image.tobytes("raw", "RGB")
    # converted, and so copied, since Qt does not keep the bytes
    read = QImage(content, wide, high, 3 * wide, QImage.Format.Format_RGB888)
    return read.convertToFormat(QImage.Format.Format_RGB32)
