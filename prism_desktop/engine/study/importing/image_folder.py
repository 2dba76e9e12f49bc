"""Importing a folder of images: recognised by content,
hashed, never decoded unless something looks cut off.

Images of the study that are missing and lie in the folder get their places back on the way.
"""

import os
import stat
import struct
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.foreign_files import open_foreign, real
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import printable
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.image_formats import (
    SNIFFED,
    SUFFIXES,
    belongs,
    describe,
    image_format,
    is_litter,
    told,
)
from prism_desktop.engine.study.images import (
    MAX_BYTES,
    Copies,
    copy_in,
    copying,
    open_image,
    open_undecoded,
)
from prism_desktop.engine.study.records import (
    OTHERS,
    ImageId,
    ImageRecord,
    ImportBatch,
    ImportReport,
    NewImage,
    RefusedRow,
    new_id,
)
from prism_desktop.engine.study.store import Study

_EVERY = 64  # images between two events
_COPIERS = 8  # files being copied at a time
_AHEAD = 256  # images being read ahead of the one reported
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # EXIF: the camera lay on its side


@dataclass(frozen=True, slots=True)
class _Other:
    """A file that is no image to be read and does not claim to be one."""

    kind: str


@dataclass(frozen=True, slots=True)
class _Read:
    """An image, and what is odd about its file."""

    image: NewImage
    format: str
    frames: bool  # it holds several


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    images: list[NewImage] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)  # name -> name of the same image
    # missing images of the study -> where they are now; they keep their names
    moved: dict[ImageId, NewImage] = field(default_factory=dict)
    moved_names: dict[str, str] = field(default_factory=dict)  # name here -> name in the study
    read: int = 0
    again: int = 0  # in the study already, under the same name
    others: dict[str, list[str]] = field(default_factory=dict)  # kind -> names
    frames: list[str] = field(default_factory=list)  # names of images with several
    misnamed: list[str] = field(default_factory=list)


def import_images(
    study: Study,
    folder: Path | str,
    copy: bool = False,
    *,
    only: Sequence[str] | None = None,
) -> Iterator[Event[ImportReport]]:
    """Add all images of a folder and its subfolders, in one transaction.

    Images are recognised by their content, see `image_formats.FORMATS`. Broken files are listed
    and skipped, and so are links that lead out of the folder. Images with the same content are
    added once; the names of the others are kept in the import's mapping, so that ratings of them
    are understood. In the report a "row" is the file's place in the sorted list of files.

    Images that the study has but whose files are missing, and that are found in the folder by
    their content, get their places there in the same transaction; undoing the import leaves these
    places, since the old ones hold nothing. Images that were copied into the study are copied again
    in that case.

    Args:
        study: where to.
        folder: where from.
        copy: copy the images into the study instead of referring to them.
        only: names of files of the folder, if not all are wanted.

    Yields:
        Progress, then Done with the report. Closing the generator before that leaves nothing
        behind.

    Raises:
        InputError: if there is no such folder, its name is no text, it holds no images, or the
            study is one of texts.
    """
    study.require_writable()
    study.require_kind("image")
    root = real(typed(folder))
    if not root.is_dir():
        raise InputError(f"There is no folder {printable(str(root))}; nothing was imported.")
    if printable(str(root)) != str(root):
        raise InputError(
            f"The name of {printable(str(root))} is not written in UTF-8, so that a study cannot "
            "keep it; rename the folder. Nothing was imported."
        )
    found = _Found()
    records = {image.id: image for image in study.images()}
    report: ImportReport | None = None

    def stored() -> bool:
        return report is not None and any(one.id == report.id for one in study.imports())

    with copying(study.path, stored) as copies:
        yield from _read(root, _listed(root, found, only), records, found)
        yield from _copy(study, records, found, copies, copy=copy)
        report = _report(root, found)
        if found.read == sum(map(len, found.others.values())):
            raise InputError(
                f"{printable(str(root))} holds no images; nothing was imported. Tables are named "
                "file by file."
            )
        if found.images or found.duplicates or found.moved:
            yield Progress(len(found.images), len(found.images), "Adding images to the study")
            moved = {image: at.path for image, at in found.moved.items()}
            study.apply_import(
                ImportBatch(report, images=tuple(found.images), copied=copy, moved=moved)
            )
        copies.keep()
    yield Done(report)


def _listed(root: Path, found: _Found, only: Sequence[str] | None = None) -> list[tuple[Path, str]]:
    """Every plain file with its name in the study, or those of the folder that are wanted.

    Links that lead out and special files are refused.
    """
    if only is not None:
        found.read = len(set(only))
        return [(root / name, name) for name in sorted({Path(name).name for name in only})]
    files = []
    for place, folders, names in os.walk(root):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(names):
            path = here / name
            if not is_litter(name):
                files.append((path, path.relative_to(root).as_posix()))
        linked = [here / name for name in folders if (here / name).is_symlink()]
        files += [(path, path.relative_to(root).as_posix()) for path in linked]
    found.read = len(files)
    return sorted(files, key=lambda file: file[1])


def _read(
    root: Path,
    files: list[tuple[Path, str]],
    records: dict[ImageId, ImageRecord],
    found: _Found,
) -> Iterator[Progress]:
    """Read files in a few threads (reading and hashing let others run) and keep their order."""
    known = {image.id: image.name for image in records.values()}
    lost = {image.id for image in records.values() if image.missing}
    waiting: deque[tuple[int, str, Future[_Read | _Other | None]]] = deque()
    pool = ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 2) + 1))
    try:
        yield Progress(0, len(files), "Reading images")
        for number, (path, name) in enumerate(files, start=1):
            waiting.append((number, name, pool.submit(_probe, root, path, name)))
            if len(waiting) >= _AHEAD:
                _take(*waiting.popleft(), found, known, lost)
            if number % _EVERY == 0:
                yield Progress(number - len(waiting), len(files), "Reading images")
        while waiting:
            _take(*waiting.popleft(), found, known, lost)
            if len(waiting) % _EVERY == 0:
                yield Progress(len(files) - len(waiting), len(files), "Reading images")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _take(
    number: int,
    name: str,
    future: "Future[_Read | _Other | None]",
    found: _Found,
    known: dict[ImageId, str],
    lost: set[ImageId],
) -> None:
    """Sort what a thread found of one file into `found`.

    Called in the files' order, so that of several files with the same content the first gives the
    name.
    """
    try:
        read = future.result()
    except (InputError, OSError) as error:
        words = (
            str(error) if isinstance(error, InputError) else f"cannot be read ({error.strerror})"
        )
        found.refused.append(RefusedRow(number, f"{printable(name)}: {words}"))
        return
    if isinstance(read, _Other):
        found.others.setdefault(read.kind, []).append(printable(name))
    elif read is None:  # a folder, whose files are counted themselves
        found.read -= 1
    else:
        if read.frames:
            found.frames.append(name)
        if not belongs(name, read.format):
            found.misnamed.append(f"{name} is {told(read.format)}")
        _sort(read.image, found, known, lost)


def _sort(image: NewImage, found: _Found, known: dict[ImageId, str], lost: set[ImageId]) -> None:
    """An image is new, or found again, or here twice, or in the study already."""
    name = known.get(image.sha256)
    if name is None:
        known[image.sha256] = image.name
        found.images.append(image)
    elif image.sha256 in lost and (image.sha256 not in found.moved or image.name == name):
        found.moved[image.sha256] = image
        if image.name != name:
            found.moved_names[image.name] = name
    elif name == image.name:
        found.again += 1
    else:
        found.duplicates[image.name] = name


def _probe(root: Path, path: Path, name: str) -> _Read | _Other | None:
    """Hash a file and read its header; None for a link to a folder, which is walked itself.

    Raises:
        InputError: with words for the user, if it is a broken image or must not be read.
    """
    if path.is_symlink() and not real(path).is_relative_to(root):
        raise InputError("a link that leads out of the folder; not followed")
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a plain file")
    with open_foreign(path) as file:
        start = file.read(SNIFFED)
        kind = image_format(start, name)
        if kind is None:
            other = describe(start, name)
            if name.lower().endswith(SUFFIXES):
                raise InputError(f"is no image that can be read ({other})" if start else "is empty")
            return _Other(other)
        if printable(name) != name:
            raise InputError("has a name that is not written in UTF-8; rename it")
        if status.st_size > MAX_BYTES:
            raise InputError(f"is larger than {MAX_BYTES // 1024**2} MB")
        content = start + file.read()
    width, height, frames = _header(content, name)
    if not _whole(content, kind):
        _decoded(content)
    image = NewImage(path, name, sha256(content).hexdigest(), width, height)
    return _Read(image, kind, frames)


def _header(content: bytes, name: str) -> tuple[int, int, bool]:
    """Width and height in px as it is shown, and whether there are several frames."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of large images; sizes are checked here
            warnings.simplefilter("ignore")
            with open_undecoded(BytesIO(content), Path(name).name) as image:
                width, height = image.size
                # those two decoders give the size after turning
                upright = image.format in ("HEIF", "TIFF")
                turned = not upright and image.getexif().get(_ORIENTATION) in _TURNED
                # a photograph with a second picture for the camera (MPO) is one image to people
                several = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{Path(name).name} ").rstrip(".")) from error
    except Image.DecompressionBombError as error:
        raise InputError("has too many pixels to be opened safely") from error
    except MemoryError as error:
        raise InputError("does not fit into memory") from error
    except Exception as error:  # Pillow's parsers raise almost anything over damaged files
        raise InputError("is damaged and cannot be read") from error
    return (height, width, several) if turned else (width, height, several)


def _decoded(content: bytes) -> None:
    try:
        open_image(BytesIO(content))
    except InputError as error:
        raise InputError(str(error).removeprefix("The image ").rstrip(".")) from error


def _whole(content: bytes, kind: str) -> bool:
    """Whether a file ends as its format should.

    Some sound files do not: those are decoded to find out.
    """
    if kind == "JPEG":
        return b"\xff\xd9" in content[-1024:]
    if kind == "PNG":
        return b"IEND" in content[-64:]
    if kind == "WEBP":
        return len(content) >= int(struct.unpack("<I", content[4:8])[0]) + 8
    if kind == "GIF":
        return content.endswith(b";")
    if kind in ("AVIF", "HEIF"):
        return _boxes_end(content)
    return False  # TIFF and BMP have no end mark


def _boxes_end(content: bytes) -> bool:
    """Whether the boxes of an AVIF or HEIF file end where the file does."""
    at = 0
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16], "big")
        if length < 8:
            return False  # up to the end of the file, wherever that should be
        at += length
    return at == len(content)


def _copy(
    study: Study,
    records: dict[ImageId, ImageRecord],
    found: _Found,
    copies: Copies,
    *,
    copy: bool,
) -> Iterator[Progress]:
    """Copy new images if that is asked for, and found ones whose copies are gone.

    In a few threads: most of the time goes into waiting for the disk to have the bytes for good.
    """
    lost = [image for key, image in found.moved.items() if copy or records[key].copied]
    wanted = [*(found.images if copy else ()), *lost]
    placed: dict[ImageId, NewImage] = {}
    pool = ThreadPoolExecutor(max_workers=_COPIERS)
    try:
        for start in range(0, len(wanted), _EVERY):
            yield Progress(start, len(wanted), "Copying images")
            part = wanted[start : start + _EVERY]
            for done in pool.map(lambda image: copy_in(study.path, image, copies), part):
                placed[done.sha256] = done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    found.images = [placed.get(image.sha256, image) for image in found.images]
    found.moved |= {key: placed[key] for key in found.moved if key in placed}


def _report(root: Path, found: _Found) -> ImportReport:
    """What was imported; the names of duplicates go into the
    mapping, since ratings may know an image by any of them."""
    return ImportReport(
        id=new_id(),
        source=str(root),
        format="images",
        rows_read=found.read,
        rows_kept=len(found.images),
        refused=tuple(found.refused),
        duplicates=len(found.duplicates),
        mapping={
            "folder": str(root),
            "duplicates": found.duplicates | found.moved_names,
            OTHERS: {
                what: count
                for what, count in (
                    ("found again", len(found.moved)),
                    ("there already", found.again),
                    ("no image", sum(map(len, found.others.values()))),
                )
                if count
            },
        },
        notices=tuple(_notices(found)),
    )


def _notices(found: _Found) -> Iterator[str]:
    if found.moved:
        count = len(found.moved)
        yield (
            f"{_images(count)} found again here; "
            f"{'its place was' if count == 1 else 'their places were'} brought up to date."
        )
    if found.again:
        yield f"{_images(found.again)} in the study already."
    if not found.images and not found.moved:
        yield "No new images were found."
    if found.frames:
        count = len(found.frames)
        held = counted(count, "image holds", "images hold")
        yield f"{held} several frames; the first is used: {few(found.frames)}."
    if found.misnamed:
        count = len(found.misnamed)
        have = counted(count, "file has", "files have")
        yield (
            f"{have} another format than the ending says and came in by the content: "
            f"{few(found.misnamed)}."
        )
    if found.others:
        count = sum(map(len, found.others.values()))
        no = counted(count, "file is no image", "files are no images")
        kinds = sorted(found.others.items(), key=lambda item: (-len(item[1]), item[0]))
        words = ", ".join(f"{len(names)} {kind} ({few(names)})" for kind, names in kinds)
        yield f"{no} that can be read: {words}."


def _images(count: int) -> str:
    return counted(count, "image was", "images were")
