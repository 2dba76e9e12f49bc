"""The one way in which image files are read: for the window, for thumbnails and for training."""

import contextlib
import functools
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from prism_desktop.engine.errors import InputError, PrismError, UnsafeFileError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.faults import fault_of
from prism_desktop.engine.files import (
    append,
    copy,
    make_folder,
    move,
    remove,
    remove_tree,
    sync,
    whole,
    write_all,
)
from prism_desktop.engine.foreign_files import (
    RefusedFileError,
    is_plain_file,
    open_foreign,
    read_foreign,
    read_text,
    sha256,
)
from prism_desktop.engine.names import checked_image
from prism_desktop.engine.study.colours import to_srgb
from prism_desktop.engine.study.image_formats import (
    READABLE,
    SNIFFED,
    SUFFIXES,
    describe,
    image_format,
    is_litter,
)
from prism_desktop.engine.study.records import ImageId, ImageRecord, NewImage

# where Pillow begins to warn of decompression bombs; a large photograph has half of it
MAX_PIXELS = 89_478_485
MAX_BYTES = 512 * 1024**2  # of one file
THUMBNAIL = 256  # px, the longer side
# Counts up when the pixels that `open_image` gives for some file change: what is kept decoded
# (thumbnails, the cache of pixels) carries it in its name.
DECODING = 2
_JOURNAL = ".copying-"
COPIES = "cache/copies"  # of a killed import, for the next one to go on with
_NAME = re.compile(r"[0-9a-f]{64}(\.\w{1,10})?")
_SET = re.compile(r"embeddings/[^/]+\.safetensors")
_COPY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{64})(\.\w{1,10})?")
_DNG_VERSION = 50706  # TIFF: a camera's raw data
_PHOTOMETRIC = 262  # TIFF: 0 where zero is white


def open_image(file: Path | str | BytesIO, *, at_least: int | None = None) -> Image.Image:
    """Decode an image as a viewer shows it.

    Upright as EXIF says, colours brought to sRGB by the embedded profile, 8-bit RGB, transparency
    over mid-grey, the first frame of many.

    Args:
        file: a path, or the bytes of a file.
        at_least: a JPEG may be decoded smaller as long as both sides keep this many px; quicker,
            for thumbnails.

    Raises:
        InputError: it is missing, no JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIC, damaged, or
            absurdly large.
    """
    name = "The image" if isinstance(file, BytesIO) else Path(file).name
    try:
        with contextlib.ExitStack() as opened:
            # not `with file`: bytes that were handed in stay open
            stream = (
                file
                if isinstance(file, BytesIO)
                else opened.enter_context(open_foreign(Path(file), MAX_BYTES))
            )
            with open_undecoded(stream, name) as image:
                if at_least is not None:
                    image.draft("RGB", (at_least, at_least))
                tags = getattr(image, "tag_v2", {})
                return to_srgb(_upright(image), inverted=tags.get(_PHOTOMETRIC) == 0)
    except RefusedFileError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}).") from error
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{name} is missing.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name} has too many pixels to be opened safely.") from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory.") from error
    except Exception as error:  # decoders raise almost anything over damaged files
        if fault_of(error) is not None:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(
                f"{name} could not be read ({reason}); the file itself may be whole."
            ) from error
        raise InputError(f"{name} is damaged and cannot be read ({error}).") from error


def open_undecoded(stream: BinaryIO, name: str) -> Image.Image:
    """Read an image's header: by content, with the one decoder that its first bytes ask for.

    Raises:
        InputError: it is no image to be read, or too large.
        Exception: whatever the decoder raises over a damaged file.
    """
    start = stream.read(SNIFFED)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    found = image_format(start, name)
    if found is None:
        kind = describe(start, name)
        raise InputError(f"{name} is no {READABLE} image ({kind}).")
    if size > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1024**2} MB.")
    if found == "HEIF":
        _learn_heif()
    image = Image.open(stream, formats=(found,))
    if image.width * image.height > MAX_PIXELS:
        raise InputError(
            f"{name} is {image.width} x {image.height} px, too large to be opened safely."
        )
    if found == "TIFF" and _DNG_VERSION in getattr(image, "tag_v2", {}):
        raise InputError(f"{name} is no {READABLE} image (camera raw).")
    return image


@functools.cache
def _learn_heif() -> None:
    """Let Pillow read HEIC and HEIF; loaded only for those."""
    import pi_heif  # type: ignore[import-untyped]

    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says; HEIF's decoder has turned its images already."""
    return image if image.format == "HEIF" else ImageOps.exif_transpose(image)


def hash_file(path: Path) -> ImageId:
    """SHA-256 of the file's bytes."""
    return sha256(path, MAX_BYTES)


def read_image(path: Path, name: str) -> NewImage:
    """Hash an image and decode all of it, so that one that cannot be shown is never added.

    Raises:
        InputError: see `open_image`.
    """
    try:
        content = read_foreign(path, MAX_BYTES)
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
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not is_litter(name):
                yield Path(place) / name


class Copies:
    """Files that an import copies into the study, noted before they are written.

    Notes may come from any thread. Unless `keep` is called, or the study has the images all the
    same, the files go when the import ends. If the program was killed meanwhile, they are put aside
    when the study is opened next, and the next import that copies them goes on with them.
    """

    def __init__(self, study: Path, stored: Callable[[], bool]) -> None:
        """`stored` says whether the study has the images: an order to end may come between their
        being stored and `keep`."""
        self._study, self._stored = study, stored
        self._journal = study / "images" / f"{_JOURNAL}{secrets.token_hex(8)}"
        self._kept = False
        self._lock = threading.Lock()

    def note(self, target: Path) -> None:
        """Write down a file that does not exist yet."""
        make_folder(self._journal.parent)
        with self._lock, append(self._journal) as file:
            write_all(file, f"{target.parent.name}/{target.name}\n".encode())

    def keep(self) -> None:
        """The study has the images."""
        self._kept = True

    def end(self) -> None:
        """Forget the journal; where the study has none of the images remove what it lists."""
        try:
            kept = self._kept or self._stored()
        except PrismError:  # whoever opens the study next can tell
            return
        _end_journal(self._journal, None if kept else ())
        if kept and (self._study / COPIES).exists():
            with contextlib.suppress(OSError, UnsafeFileError):
                remove_tree(self._study / COPIES, lambda name: _NAME.fullmatch(name) is not None)


@contextlib.contextmanager
def copying(study: Path, stored: Callable[[], bool]) -> Iterator[Copies]:
    """Copies that are removed unless they are kept, see `Copies`."""
    copies = Copies(study, stored)
    try:
        yield copies
    finally:
        copies.end()


def remove_leftovers(study: Path, known: Callable[[], Collection[ImageId]]) -> None:
    """Put aside what a killed import had copied; for the one process that may write to the study.

    Args:
        study: the study's folder.
        known: gives the images that the study has; called only if something was left.
    """
    for journal in (study / "images").glob(f"{_JOURNAL}*"):
        _end_journal(journal, known(), aside=study / COPIES)


def _end_journal(
    journal: Path, known: Collection[ImageId] | None, aside: Path | None = None
) -> None:
    """Remove the files of a journal that are of no known image (None: all are), then itself.

    Whole copies go to the folder `aside`, if there is one.
    """
    try:
        lines = [] if known is None else read_text(journal).splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        match = _COPY.fullmatch(line)  # a study made elsewhere may name any file
        if match and match[2] not in (known or ()):
            target = journal.parent / line
            if aside is not None and is_plain_file(target):
                with contextlib.suppress(OSError, UnsafeFileError):
                    make_folder(aside)
                    move(target, aside / target.name)
            for file in (target, *target.parent.glob(f".*{target.name}.*")):
                with contextlib.suppress(OSError, UnsafeFileError):
                    remove(file)
    with contextlib.suppress(OSError, UnsafeFileError):
        remove(journal)


def remove_copies(study: Path, copies: Iterable[Path]) -> None:
    """Delete files that lie where the study keeps its copies; others it only names."""
    for copy_ in copies:
        if _is_copy(study, copy_):  # a study made elsewhere may name any file
            remove(copy_)


def _is_copy(study: Path, file: Path) -> bool:
    """Whether a file lies where the study keeps copied images, or embeddings."""
    try:
        name = file.relative_to(study).as_posix()
    except ValueError:
        return False
    match = _COPY.fullmatch(name.removeprefix("images/"))
    return (match is not None and match[1] == match[2][:2]) or _SET.fullmatch(name) is not None


def copy_in(study: Path, image: NewImage, copies: Copies | None = None) -> NewImage:
    """Copy an image into the study's folder; the same image again is not copied twice."""
    name = checked_image(image.sha256)
    target = study / "images" / name[:2] / f"{name}{image.path.suffix.lower()}"
    if not target.exists():
        if copies is not None:
            copies.note(target)
        make_folder(target.parent)
        if not _take_copy(study, target, image.sha256):
            with whole(target) as beside:
                copy(image.path, beside, MAX_BYTES, durable=False)
                if hash_file(beside) != image.sha256:
                    raise InputError(f"{image.path.name} changed while it was copied.")
    return image._replace(path=target)


def _take_copy(study: Path, target: Path, image: ImageId) -> bool:
    """Use the copy that a killed import made, if there is one and it is whole."""
    made = study / COPIES / target.name
    try:
        if not is_plain_file(made) or hash_file(made) != image:
            return False
        sync(made)
        move(made, target)
    except (OSError, UnsafeFileError):
        return False
    return True


def thumbnail_path(study: Path, image: ImageId) -> Path:
    """Where the image's thumbnail lies, if it was made; raises as `checked_image`."""
    return study / "thumbnails" / checked_image(image)[:2] / f"{image}.{DECODING}.jpg"


def thumbnail(study: Path, image: ImageRecord) -> Path:
    """The image's thumbnail, a JPEG of at most 256 px, made if it was not yet.

    Raises:
        InputError: the image cannot be read.
    """
    target = thumbnail_path(study, image.id)
    if not target.exists():
        small = open_image(image.path, at_least=2 * THUMBNAIL)
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        make_folder(target.parent)
        with whole(target, durable=False) as beside:
            small.save(beside, "JPEG", quality=88)
    return target


def _has_thumbnail(study: Path, image: ImageId) -> bool:
    try:
        return thumbnail_path(study, image).exists()
    except InputError:
        return False


def make_thumbnails(study: Path, images: Iterable[ImageRecord]) -> Iterator[Event[int]]:
    """Make the thumbnails that are not there yet; images that cannot be read are named and skipped.

    Yields:
        Progress and Notice, and at the end Done with how many were made.
    """
    missing = [image for image in images if not _has_thumbnail(study, image.id)]
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
