"""Importing a folder of images: recognised by content,
hashed, never decoded unless something looks cut off."""

import os
import stat
import struct
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.images import FORMATS, MAX_PIXELS, SUFFIXES, copy_in, open_image
from prism_desktop.engine.study.records import (
    ImportBatch,
    ImportReport,
    NewImage,
    RefusedRow,
    new_id,
)
from prism_desktop.engine.study.store import Study

MAX_BYTES = 512 * 1024**2  # of one image
_EVERY = 64  # images between two events
_AHEAD = 256  # images being read ahead of the one reported
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # EXIF: the camera lay on its side
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    images: list[NewImage] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)  # name -> name of the same image
    read: int = 0
    again: int = 0  # in the study already, under the same name
    others: int = 0  # files that are no images and do not claim to be


def import_images(
    study: Study, folder: Path | str, copy: bool = False
) -> Iterator[Event[ImportReport]]:
    """Add all JPEG, PNG, WEBP and TIFF images of a folder and its subfolders, in one transaction.

    Broken files are listed and skipped, and so are links that lead out of the folder. Images with
    the same content are added once; the names of the others are kept in the import's mapping, so
    that ratings of them are understood. In the report a "row" is the file's place in the sorted
    list of files.

    Args:
        study: where to.
        folder: where from.
        copy: copy the images into the study instead of referring to them.

    Yields:
        Progress, then Done with the report. Closing the generator before that leaves nothing
        behind.

    Raises:
        InputError: if there is no such folder.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; nothing was imported.")
    found = _Found()
    copied: list[Path] = []
    done = False
    try:
        yield from _read(root, _listed(root, found), study, found)
        if copy:
            yield from _copy(study, found, copied)
        report = _report(root, found)
        if found.images or found.duplicates:
            yield Progress(len(found.images), len(found.images), "Adding images to the study")
            study.apply_import(ImportBatch(report, images=tuple(found.images), copied=copy))
        done = True
    finally:
        if not done:
            for path in copied:
                with suppress(OSError):
                    path.unlink()
    yield Done(report)


def _listed(root: Path, found: _Found) -> list[tuple[Path, str]]:
    """Every plain file with its name in the study.

    Links that lead out and special files are refused.
    """
    files = []
    for place, folders, names in os.walk(root):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = here / name
            if not name.startswith("."):
                files.append((path, path.relative_to(root).as_posix()))
        linked = [here / name for name in folders if (here / name).is_symlink()]
        files += [(path, path.relative_to(root).as_posix()) for path in linked]
    found.read = len(files)
    return sorted(files, key=lambda file: file[1])


def _read(
    root: Path, files: list[tuple[Path, str]], study: Study, found: _Found
) -> Iterator[Progress]:
    """Read files in a few threads (reading and hashing let others run) and keep their order."""
    known = {image.id: image.name for image in study.images()}
    waiting: deque[tuple[int, str, Future[NewImage | None]]] = deque()
    pool = ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 2) + 1))
    try:
        yield Progress(0, len(files), "Reading images")
        for number, (path, name) in enumerate(files, start=1):
            waiting.append((number, name, pool.submit(_probe, root, path, name)))
            if len(waiting) >= _AHEAD:
                _take(*waiting.popleft(), found, known)
            if number % _EVERY == 0:
                yield Progress(number - len(waiting), len(files), "Reading images")
        while waiting:
            _take(*waiting.popleft(), found, known)
            if len(waiting) % _EVERY == 0:
                yield Progress(len(files) - len(waiting), len(files), "Reading images")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _take(
    number: int, name: str, future: "Future[NewImage | None]", found: _Found, known: dict[str, str]
) -> None:
    """Sort what a thread found of one file into `found`.

    Called in the files' order, so that of several files with the same content the first gives the
    name.
    """
    try:
        image = future.result()
    except (InputError, OSError) as error:
        words = (
            str(error) if isinstance(error, InputError) else f"cannot be read ({error.strerror})"
        )
        found.refused.append(RefusedRow(number, f"{name}: {words}"))
        return
    if image is None:
        found.others += 1
    elif image.sha256 in known:
        if known[image.sha256] == name:
            found.again += 1
        else:
            found.duplicates[name] = known[image.sha256]
    else:
        known[image.sha256] = name
        found.images.append(image)


def _probe(root: Path, path: Path, name: str) -> NewImage | None:
    """Hash a file and read its header; None if it is no image and does not claim to be one.

    Raises:
        InputError: with words for the user, if it is a broken image or must not be read.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise InputError("a link that leads out of the folder; not followed")
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return None  # a link to a folder inside, which is walked itself
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a plain file")
    claims = name.lower().endswith(SUFFIXES)
    with path.open("rb") as file:
        start = file.read(12)
        if not start.startswith(_STARTS) or (start.startswith(b"RIFF") and start[8:] != b"WEBP"):
            if claims:
                raise InputError("is no JPEG, PNG, WEBP or TIFF image" if start else "is empty")
            return None
        if status.st_size > MAX_BYTES:
            raise InputError(f"is larger than {MAX_BYTES // 1024**2} MB")
        content = start + file.read()
    width, height = _size(content)
    return NewImage(path, name, sha256(content).hexdigest(), width, height)


def _size(content: bytes) -> tuple[int, int]:
    """Width and height in px after EXIF rotation, from the header.

    Decodes only what looks cut off.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of large images; sizes are checked here
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION) in _TURNED
    except Image.DecompressionBombError as error:
        raise InputError("has too many pixels to be opened safely") from error
    except Exception as error:  # Pillow's parsers raise almost anything over damaged files
        raise InputError("is damaged and cannot be read") from error
    if width * height > MAX_PIXELS:
        raise InputError(f"is {width} x {height} px, too large to be opened safely")
    if not _whole(content):
        open_image(BytesIO(content))
    return (height, width) if turned else (width, height)


def _whole(content: bytes) -> bool:
    """Whether a file ends as its format should.

    Some sound files do not: those are decoded to find out.
    """
    if content.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in content[-1024:]
    if content.startswith(b"\x89PNG"):
        return b"IEND" in content[-64:]
    if content.startswith(b"RIFF"):
        return len(content) >= int(struct.unpack("<I", content[4:8])[0]) + 8
    return False  # TIFF has no end mark


def _copy(study: Study, found: _Found, copied: list[Path]) -> Iterator[Progress]:
    for number, image in enumerate(found.images):
        placed = copy_in(study.path, image)
        copied.append(placed.path)
        found.images[number] = placed
        if number % _EVERY == 0:
            yield Progress(number, len(found.images), "Copying images")


def _report(root: Path, found: _Found) -> ImportReport:
    """What was imported; the names of duplicates go into the
    mapping, since ratings may know an image by any of them."""
    notices = []
    if found.others:
        notices.append(f"{found.others} files are no images and were passed over.")
    if found.again:
        notices.append(f"{found.again} images were in the study already.")
    if not found.images:
        notices.append("No new images were found.")
    return ImportReport(
        id=new_id(),
        source=str(root),
        format="images",
        rows_read=found.read,
        rows_kept=len(found.images),
        refused=tuple(found.refused),
        duplicates=len(found.duplicates),
        mapping={"folder": str(root), "duplicates": found.duplicates},
        notices=tuple(notices),
    )
