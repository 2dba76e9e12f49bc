"""Every kind of image file: what a viewer shows is what is painted, learned and exported."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.images import hash_file, open_image
from prism_desktop.engine.study.pixel_cache import PixelCache, square
from prism_desktop.ui import qt_images
from tests.fixtures.heic import heic
from tests.fixtures.profiles import ADOBE_RGB, CYAN_IS_GREY, DISPLAY_P3, GREY_LINEAR

SIDE = 32
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
HEIC_RED, HEIC_BLUE = (76, 85, 255), (29, 255, 107)  # Y, Cb, Cr of BT.601, full range
Make = Callable[[Path], object]


def _halves(mode: str, left: Any, right: Any) -> Image.Image:
    """A wide image, 64 x 32 px: the left half of one colour, the right half of another."""
    image = Image.new(mode, (2 * SIDE, SIDE), left)
    image.paste(right, (SIDE, 0, 2 * SIDE, SIDE))
    return image


def _saved(kind: str, image: Image.Image | None = None, **options: Any) -> Make:
    picture = _halves("RGB", RED, BLUE) if image is None else image
    return lambda path: picture.save(path, format=kind, **options)


def _written(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def _turned(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def _palette(transparency: int | None) -> Make:
    image = Image.new("P", (2 * SIDE, SIDE), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (SIDE, 0, 2 * SIDE, SIDE))
    options = {} if transparency is None else {"transparency": transparency}
    return lambda path: image.save(path, format="PNG", **options)


def _deep(left: int, right: int) -> Image.Image:
    values = np.full((SIDE, 2 * SIDE), left, np.uint16)
    values[:, SIDE:] = right
    return Image.fromarray(values)


def _float(left: float, right: float) -> Image.Image:
    values = np.full((SIDE, 2 * SIDE), left, np.float32)
    values[:, SIDE:] = right
    return Image.fromarray(values)


def _deep_colours(path: Path) -> None:
    """A PNG of 16 bits a channel, which Pillow cannot write."""
    row = b"\0" + struct.pack(">3H", 65535, 0, 32768) * SIDE + struct.pack(">3H", 0, 0, 0) * SIDE
    header = struct.pack(">IIBBBBB", 2 * SIDE, SIDE, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * SIDE)), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
            for k, d in parts
        )
    )


def _white_is_zero(path: Path) -> None:
    _deep(65535, 0).save(path, format="TIFF", tiffinfo={262: 0})


def _animated(kind: str) -> Make:
    first, second = _halves("RGB", RED, BLUE), _halves("RGB", GREEN, GREEN)
    return lambda path: first.save(path, format=kind, save_all=True, append_images=[second])


# (what, file, colour of the left or upper half, of the other, whether the image stands upright)
VARIANTS: list[tuple[str, Make, tuple[int, int, int], tuple[int, int, int], bool]] = [
    ("jpeg", _saved("JPEG", quality=95), RED, BLUE, False),
    ("png", _saved("PNG"), RED, BLUE, False),
    ("webp", _saved("WEBP", lossless=True), RED, BLUE, False),
    ("tiff", _saved("TIFF"), RED, BLUE, False),
    ("gif", _saved("GIF"), RED, BLUE, False),
    ("bmp", _saved("BMP"), RED, BLUE, False),
    ("avif", _saved("AVIF", quality=100, subsampling="4:4:4"), RED, BLUE, False),
    ("heic", _written(heic([HEIC_RED, HEIC_BLUE])), RED, BLUE, False),
    # turned by EXIF: 6 is a quarter with the clock, so the left half comes up
    ("jpeg turned", _saved("JPEG", quality=95, exif=_turned(6)), RED, BLUE, True),
    ("jpeg turned back", _saved("JPEG", quality=95, exif=_turned(8)), BLUE, RED, True),
    ("jpeg mirrored", _saved("JPEG", quality=95, exif=_turned(2)), BLUE, RED, False),
    ("png turned", _saved("PNG", exif=_turned(6)), RED, BLUE, True),
    ("webp turned", _saved("WEBP", lossless=True, exif=_turned(6)), RED, BLUE, True),
    ("tiff turned", _saved("TIFF", exif=_turned(6)), RED, BLUE, True),
    (
        "avif turned",
        _saved("AVIF", quality=100, subsampling="4:4:4", exif=_turned(6)),
        RED,
        BLUE,
        True,
    ),
    ("heic turned", _written(heic([HEIC_RED, HEIC_BLUE], turns=3)), RED, BLUE, True),
    (
        "heic turned, and EXIF that says so again",
        _written(heic([HEIC_RED, HEIC_BLUE], turns=3, exif=_turned(6).tobytes()[6:])),
        RED,
        BLUE,
        True,
    ),
    ("first of a gif", _animated("GIF"), RED, BLUE, False),
    ("first of an apng", _animated("PNG"), RED, BLUE, False),
    ("first of a tiff", _animated("TIFF"), RED, BLUE, False),
    ("first of a heic", _written(heic([HEIC_RED, HEIC_BLUE], frames=3)), RED, BLUE, False),
    ("palette", _palette(None), RED, BLUE, False),
    ("palette with a clear colour", _palette(1), RED, (128, 128, 128), False),
    (
        "half clear",
        _saved("PNG", _halves("RGBA", (255, 0, 0, 0), (0, 0, 0, 127))),
        (128, 128, 128),
        (64, 64, 64),
        False,
    ),
    ("one bit", _saved("PNG", _halves("1", 0, 1)), (0, 0, 0), (255, 255, 255), False),
    ("grey", _saved("JPEG", _halves("L", 50, 200)), (50,) * 3, (200,) * 3, False),
    (
        "grey with alpha",
        _saved("PNG", _halves("LA", (50, 255), (200, 0))),
        (50,) * 3,
        (128,) * 3,
        False,
    ),
    ("16-bit grey png", _saved("PNG", _deep(32768, 65535)), (128,) * 3, (255,) * 3, False),
    ("dark 16-bit grey png", _saved("PNG", _deep(200, 100)), (1,) * 3, (0,) * 3, False),
    ("16-bit grey tiff", _saved("TIFF", _deep(32768, 65535)), (128,) * 3, (255,) * 3, False),
    ("16-bit grey tiff, white is 0", _white_is_zero, (0,) * 3, (255,) * 3, False),
    ("16-bit colours", _deep_colours, (255, 0, 128), (0, 0, 0), False),
    ("floats to 255", _saved("TIFF", _float(128, 255)), (128,) * 3, (255,) * 3, False),
    ("floats", _saved("TIFF", _float(0.5, 1.0)), (128,) * 3, (255,) * 3, False),
    (
        "cmyk jpeg",
        _saved("JPEG", _halves("CMYK", (0, 255, 255, 0), (0, 0, 0, 255)), quality=95),
        RED,
        (0, 0, 0),
        False,
    ),
    (
        "cmyk tiff",
        _saved("TIFF", _halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0))),
        RED,
        BLUE,
        False,
    ),
    # CIE Lab of D50: L 0-255, a and b around 128
    (
        "lab tiff",
        _saved("TIFF", _halves("LAB", (255, 128, 128), (0, 128, 128))),
        (255, 255, 255),
        (0, 0, 0),
        False,
    ),
    # what the profiles' own definitions give, to a level of 2
    (
        "display p3",
        _saved("PNG", _halves("RGB", (200, 100, 50), (128,) * 3), icc_profile=DISPLAY_P3),
        (215, 93, 31),
        (128,) * 3,
        False,
    ),
    (
        "display p3 in a jpeg",
        _saved(
            "JPEG",
            _halves("RGB", (200, 100, 50), (128,) * 3),
            icc_profile=DISPLAY_P3,
            quality=100,
            subsampling=0,
        ),
        (215, 93, 31),
        (128,) * 3,
        False,
    ),
    (
        "adobe rgb",
        _saved("TIFF", _halves("RGB", (50, 200, 50), (128,) * 3), icc_profile=ADOBE_RGB),
        (0, 201, 13),
        (129,) * 3,
        False,
    ),
    (
        "grey profile",
        _saved("PNG", _halves("L", 128, 255), icc_profile=GREY_LINEAR),
        (188,) * 3,
        (255,) * 3,
        False,
    ),
    (  # cyan alone is Lab 50 by this profile, and cyan without one
        "cmyk profile",
        _saved("TIFF", _halves("CMYK", (255, 0, 0, 0), (0, 0, 0, 0)), icc_profile=CYAN_IS_GREY),
        (119,) * 3,
        (255,) * 3,
        False,
    ),
    (
        "cmyk profile in a jpeg",
        _saved(
            "JPEG",
            _halves("CMYK", (255, 0, 0, 0), (0, 0, 0, 0)),
            icc_profile=CYAN_IS_GREY,
            quality=100,
        ),
        (119,) * 3,
        (255,) * 3,
        False,
    ),
    (
        "damaged profile",
        _saved("PNG", icc_profile=b"no profile at all"),
        RED,
        BLUE,
        False,
    ),
    ("profile of another kind", _saved("PNG", icc_profile=GREY_LINEAR), RED, BLUE, False),
]


def _near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.asarray(pixel, int) - np.asarray(colour, int)).max() <= 3)


@pytest.mark.parametrize(
    ("what", "make", "first", "second", "upright"), VARIANTS, ids=[v[0] for v in VARIANTS]
)
def test_that_what_is_painted_and_learned_is_what_a_viewer_shows(
    tmp_path: Path,
    what: str,
    make: Make,
    first: tuple[int, int, int],
    second: tuple[int, int, int],
    upright: bool,
) -> None:
    file = tmp_path / "face.image"
    make(file)
    opened = open_image(file)
    assert opened.mode == "RGB"
    assert opened.size == ((SIDE, 2 * SIDE) if upright else (2 * SIDE, SIDE))
    far = (SIDE // 2, SIDE + SIDE // 2) if upright else (SIDE + SIDE // 2, SIDE // 2)
    assert _near(opened.getpixel((SIDE // 2, SIDE // 2)), first)
    assert _near(opened.getpixel(far), second)
    # painted at its size, the very same pixels
    painted = qt_images.fitted(file, opened.size)
    assert (painted.width(), painted.height()) == opened.size
    shown = [painted.pixelColor(*place).getRgb()[:3] for place in ((SIDE // 2, SIDE // 2), far)]
    assert shown == [opened.getpixel((SIDE // 2, SIDE // 2)), opened.getpixel(far)]
    # as small and square as galleries paint it
    small = qt_images.squared(file, SIDE)
    assert (small.width(), small.height()) == (SIDE, SIDE)
    ends = ((2, 2), (SIDE // 2, SIDE - 3)) if upright else ((2, 2), (SIDE - 3, SIDE // 2))
    for place, colour in zip(ends, (first, second), strict=True):
        assert _near(small.pixelColor(*place).getRgb()[:3], colour)
    # what training reads
    identity = hash_file(file)
    cache = PixelCache(tmp_path / "cache", SIDE)
    built = list(cache.build([(identity, file)]))[-1]
    assert isinstance(built, Done)
    assert built.value.broken == ()
    learned = cache.pixels([identity])[0]
    assert np.array_equal(learned, np.asarray(square(opened, SIDE)))
