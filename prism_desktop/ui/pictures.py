"""Images for the window: the pixels that training reads, never Qt's own reading of the file.

Qt knows other formats, other profiles and other turns than `open_image`, so a labeler would judge
what no model sees. Safe in any thread.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from prism_desktop.engine.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

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
    """The image as a square of `side` px, cropped about its centre; null if unreadable."""
    image = _opened(path, side)
    if image is None:
        return QImage()
    wide, high = image.size
    scale = side / min(wide, high)
    wide, high = max(side, round(wide * scale)), max(side, round(high * scale))
    return _painted(image, (wide, high)).copy((wide - side) // 2, (high - side) // 2, side, side)


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
    content = image.tobytes("raw", "BGRX")
    # a copy, since Qt does not keep the bytes
    return QImage(content, wide, high, 4 * wide, QImage.Format.Format_RGB32).copy()
