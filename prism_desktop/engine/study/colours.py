"""Colours as an image viewer shows them: any mode, any profile, to 8-bit sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

_BEHIND_TRANSPARENT = (128, 128, 128)  # faces sit on mid-grey
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}  # of ICC -> of Pillow


def to_srgb(image: Image.Image, *, inverted: bool = False) -> Image.Image:
    """An opened image as 8-bit sRGB.

    Its ICC profile is applied (a damaged one, or one for another kind of colours, is left aside),
    16-bit and floating point greys keep their tone, and what is see-through lies on mid-grey.

    Args:
        image: as Pillow decodes it.
        inverted: zero is white, as in some TIFF files; Pillow itself minds it in 8-bit files.
    """
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode.startswith(("I", "F")):
        plain = _eight_bits(image, inverted=inverted)
    elif image.has_transparency_data:
        layer = _sound(image).convert("RGBA")
        alpha = layer.getchannel("A")
        grey = image.mode in ("L", "LA", "La", "1")
        plain = layer.getchannel("R") if grey else layer.convert("RGB")
    else:
        plain = _plain(image)
    colours = _managed(plain, profile if isinstance(profile, bytes) else b"")
    if alpha is None:
        return colours
    colours.putalpha(alpha)
    ground = Image.new("RGBA", colours.size, (*_BEHIND_TRANSPARENT, 255))
    return Image.alpha_composite(ground, colours).convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """The image in one of the modes that profiles are for."""
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        image.load()
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _sound(image: Image.Image) -> Image.Image:
    """The colour that stands for see-through, of 16 bits in 16-bit files, cut as the pixels are."""
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        image.load()
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image


def _eight_bits(image: Image.Image, *, inverted: bool) -> Image.Image:
    """16-bit and floating point greys as "L"; Pillow would clip them to white."""
    import numpy as np

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode.startswith("I;16"):
        top = 65535.0
    elif image.mode == "F" and values.max() <= 1:
        top = 1.0
    else:
        top = 255.0 if values.max() <= 255 else 65535.0
    shares = np.clip(values / top, 0, 1)
    return Image.fromarray(((1 - shares if inverted else shares) * 255 + 0.5).astype(np.uint8))


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    """The image through its profile, if that is one for such images and not sRGB itself."""
    space = _space(profile) if profile else None
    if space == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    if image.mode == "LAB" and space != "LAB":
        profile = b""  # the colours themselves say what they are
        space = "LAB"
    if space != image.mode:
        return image.convert("RGB")
    transform = _transform(profile, image.mode)
    if transform is None:
        return image.convert("RGB")
    return ImageCms.applyTransform(image, transform) or image.convert("RGB")


@lru_cache(maxsize=32)
def _space(profile: bytes) -> str | None:
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        return _MODES.get(opened.profile.xcolor_space.strip())
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> Any:
    """From the profile (none: CIE Lab) to sRGB; None if it cannot be used or changes nothing."""
    try:
        source = (
            ImageCms.ImageCmsProfile(BytesIO(profile))
            if profile
            else ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        )
        target = ImageCms.createProfile("sRGB")
        made = ImageCms.buildTransform(source, target, mode, "RGB")
        return None if mode in ("L", "RGB") and _changes_nothing(made, mode) else made
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: Any, mode: str) -> bool:
    """Whether colours come out as they went in: most photographs carry sRGB's own profile.

    Those keep their exact values and cost no time.
    """
    import numpy as np

    levels = np.linspace(0, 255, 16 if mode == "RGB" else 256).round().astype(np.uint8)
    if mode == "L":
        probe = Image.fromarray(levels[None])
    else:
        grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
        probe = Image.fromarray(grid.reshape(1, -1, 3))
    came = ImageCms.applyTransform(probe, transform)
    went = np.asarray(probe.convert("RGB"), np.int16)
    return came is not None and int(np.abs(np.asarray(came, np.int16) - went).max()) <= 2
