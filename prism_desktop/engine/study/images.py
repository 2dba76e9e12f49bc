"""The one way in which image files are read: for the window, for thumbnails and for training."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.study.records import ImageId, ImageRecord, NewImage

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
# where Pillow begins to warn of decompression bombs; a large photograph has half of it
MAX_PIXELS = 89_478_485
THUMBNAIL = 256  # px, the longer side
_BEHIND_TRANSPARENT = (128, 128, 128)  # faces sit on mid-grey


def open_image(file: Path | str | BytesIO, *, at_least: int | None = None) -> Image.Image:
    """Decode an image: rotated as EXIF says, 8-bit RGB,
    transparency over mid-grey, the first frame of many.

    Args:
        file: a path, or the bytes of a file.
        at_least: a JPEG may be decoded smaller as long as both sides keep this many px; quicker,
            for thumbnails.

    Raises:
        InputError: it is missing, no JPEG, PNG, WEBP or TIFF, damaged, or absurdly large.
    """
    name = "The image" if isinstance(file, BytesIO) else Path(file).name
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{name} is {image.width} x {image.height} px, too large to be opened safely."
                )
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            return _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise InputError(f"{name} is missing.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is no JPEG, PNG, WEBP or TIFF image.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name} has too many pixels to be opened safely.") from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory.") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        OverflowError,
    ) as error:
        # Decoders raise almost anything over damaged files.
        raise InputError(f"{name} is damaged and cannot be read ({error}).") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*_BEHIND_TRANSPARENT, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit and floating point greys; Pillow would clip them to white."""
    import numpy as np

    values = np.asarray(image, dtype=np.float64)
    top = (
        1.0
        if image.mode == "F" and values.max() <= 1
        else 255.0
        if values.max() <= 255
        else 65535.0
    )
    return Image.fromarray((np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8))


def hash_file(path: Path) -> ImageId:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_image(path: Path, name: str) -> NewImage:
    """Hash an image and decode all of it, so that one that cannot be shown is never added.

    Raises:
        InputError: see `open_image`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).") from error
    try:
        image = open_image(BytesIO(content))
    except InputError as error:
        raise InputError(str(error).replace("The image", path.name, 1)) from error
    return NewImage(path, name, hashlib.sha256(content).hexdigest(), image.width, image.height)


def find_images(folder: Path) -> Iterator[Path]:
    """Files that are named like images, in the folder and below it, in a fixed order.

    Hidden ones are left out.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place) / name


def copy_in(study: Path, image: NewImage) -> NewImage:
    """Copy an image into the study's folder; the same image again is not copied twice."""
    target = study / "images" / image.sha256[:2] / f"{image.sha256}{image.path.suffix.lower()}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _beside(target)
        try:
            shutil.copyfile(image.path, part)
            if hash_file(part) != image.sha256:
                raise InputError(f"{image.path.name} changed while it was copied.")
            _settle(part, target)
        finally:
            part.unlink(missing_ok=True)
    return image._replace(path=target)


def thumbnail_path(study: Path, image: ImageId) -> Path:
    """Where the image's thumbnail lies, if it was made."""
    return study / "thumbnails" / image[:2] / f"{image}.jpg"


def thumbnail(study: Path, image: ImageRecord) -> Path:
    """The image's thumbnail, a JPEG of at most 256 px, made if it was not yet.

    Raises:
        InputError: the image cannot be read.
    """
    target = thumbnail_path(study, image.id)
    if not target.exists():
        small = open_image(image.path, at_least=2 * THUMBNAIL)
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _beside(target)
        try:
            small.save(part, "JPEG", quality=88)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target


def make_thumbnails(study: Path, images: Iterable[ImageRecord]) -> Iterator[Event[int]]:
    """Make the thumbnails that are not there yet; images that cannot be read are named and skipped.

    Yields:
        Progress and Notice, and at the end Done with how many were made.
    """
    missing = [image for image in images if not thumbnail_path(study, image.id).exists()]
    made = 0
    for number, image in enumerate(missing):
        yield Progress(number, len(missing), "Making thumbnails")
        try:
            thumbnail(study, image)
            made += 1
        except InputError as error:
            yield Notice(f"{error} It has no thumbnail.")
    yield Progress(len(missing), len(missing), "Making thumbnails")
    yield Done(made)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _settle(part: Path, target: Path) -> None:
    """Give a finished file its name once its bytes are on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
