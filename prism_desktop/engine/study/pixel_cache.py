"""Decoded pixels on disk, so that training never decodes an image twice."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from prism_desktop.engine.errors import InputError, StudyError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import lock, make_folder, open_in_place, remove, write_all
from prism_desktop.engine.foreign_files import plain_file, read_foreign
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.images import DECODING, MAX_BYTES, open_image
from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 128  # images between two commits
_ID = 65  # bytes of one line of the index
_LARGEST = 1 << 44  # bytes of all pixels


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a build of the cache did."""

    rows: int  # images in the cache now
    added: int
    broken: tuple[tuple[ImageId, str], ...]  # (image, why it is not in the cache)


class PixelCache:
    """Square images of one size: shorter side resized (bicubic), centre cropped, 8-bit RGB.

    `pixels-SIZE-DECODING.u8` holds rows of size x size x 3 bytes and the `.ids` beside it one hash
    per row. A row counts once its hash is written, which happens after its pixels are on the disk;
    whatever a crash left behind that is overwritten. Pixels that an older version of the program
    decoded by other rules are not read, and go when the cache is built.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self._data = folder / f"pixels-{size}-{DECODING}.u8"
        self._ids = folder / f"pixels-{size}-{DECODING}.ids"
        self._lock = folder / f"pixels-{size}-{DECODING}.lock"
        self._bytes = size * size * 3

    def rows(self) -> dict[ImageId, int]:
        """Image -> its row."""
        try:
            lines = read_foreign(self._ids)
            size = plain_file(self._data, _LARGEST).st_size
            whole = min(len(lines) // _ID, size // self._bytes)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        # what a failing disk changed is no image's, and its row is used by nobody
        names = (
            lines[_ID * row : _ID * row + 64].decode("ascii", "replace") for row in range(whole)
        )
        return {name: row for row, name in enumerate(names)}

    def read(self) -> "NDArray[np.uint8]":
        """The cached rows: (rows, size, size, 3) uint8, mapped from the disk, not to be written."""
        import numpy as np

        rows = len(self.rows())
        if not rows:
            return np.empty((0, self.size, self.size, 3), np.uint8)
        return np.memmap(self._data, np.uint8, "r", shape=(rows, self.size, self.size, 3))

    def pixels(self, images: Sequence[ImageId]) -> "NDArray[np.uint8]":
        """The given images, copied into memory: (images, size, size, 3) uint8.

        Raises:
            InputError: one of them is not in the cache; build it first.
        """
        rows = self.rows()
        try:
            chosen = [rows[image] for image in images]
        except KeyError as error:
            raise InputError(
                f"Image {error.args[0]} is not in the cache of decoded images."
            ) from error
        return self.read()[chosen]

    def build(self, images: Iterable[tuple[ImageId, Path]]) -> Iterator[Event[Decoded]]:
        """Add the images that are not there yet.

        Broken, missing and changed ones are named and skipped.

        Closing the generator keeps what was done. A second builder waits for the first.

        Yields:
            Progress and Notice, and at the end Done.
        """
        make_folder(self._data.parent)
        with lock(self._lock):
            self._drop_older()
            known = self.rows()
            wanted = {image: path for image, path in images if image not in known}
            broken: list[tuple[ImageId, str]] = []
            queue, rows = list(wanted.items()), len(known)
            with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode") as pool:
                for start in range(0, len(queue), _BATCH):
                    yield Progress(start, len(queue), "Decoding images")
                    batch = queue[start : start + _BATCH]
                    results = list(pool.map(self._decode, batch))
                    failed = [
                        (item[0], found)
                        for item, found in zip(batch, results, strict=True)
                        if isinstance(found, str)
                    ]
                    broken += failed
                    for _, reason in failed:
                        yield Notice(f"{reason} It was left out.")
                    good = [
                        (item[0], found)
                        for item, found in zip(batch, results, strict=True)
                        if isinstance(found, bytes)
                    ]
                    self._append(rows, good)
                    rows += len(good)
            yield Progress(len(queue), len(queue), "Decoding images")
        yield Done(Decoded(rows, len(queue) - len(broken), tuple(broken)))

    def _drop_older(self) -> None:
        older = [f"pixels-{self.size}", *(f"pixels-{self.size}-{n}" for n in range(DECODING))]
        for stem in older:
            for ending in ("ids", "u8", "lock"):
                with suppress(OSError):
                    remove(self._data.parent / f"{stem}.{ending}")

    def _decode(self, item: tuple[ImageId, Path]) -> bytes | str:
        """The row's bytes, or why there are none."""
        image, path = item
        try:
            content = read_foreign(path, MAX_BYTES)
        except OSError as error:
            return f"{path.name} cannot be read ({error.strerror})."
        if hashlib.sha256(content).hexdigest() != image:
            return f"{path.name} has changed since it was added to the study."
        try:
            return square(open_image(BytesIO(content)), self.size).tobytes()
        except InputError as error:
            return str(error).replace("The image", path.name, 1)

    def _append(self, row: int, rows: Sequence[tuple[ImageId, bytes]]) -> None:
        try:
            self._write(self._data, row * self._bytes, b"".join(pixels for _, pixels in rows))
            self._write(self._ids, row * _ID, "".join(f"{image}\n" for image, _ in rows).encode())
        except OSError as error:
            kept = f"{counted(row, 'decoded image was', 'decoded images were')} kept."
            raise_fault(error, self._data, kept=kept)
            raise StudyError(
                f"{self._data.parent} cannot be written ({error.strerror}). {kept}"
            ) from error

    @staticmethod
    def _write(path: Path, offset: int, content: bytes) -> None:
        with open_in_place(path) as file:
            file.truncate(offset)
            file.seek(offset)
            write_all(file, content)
            os.fsync(file.fileno())


def square(image: Image.Image, size: int) -> Image.Image:
    """Resize the shorter side to `size` px (bicubic) and cut
    out the centre, as open_clip's preprocessing does."""
    width, height = image.size
    if width <= height:
        wide, high = size, int(size * height / width)
    else:
        wide, high = int(size * width / height), size
    if (wide, high) != (width, height):
        image = image.resize((wide, high), Image.Resampling.BICUBIC)
    left, top = round((wide - size) / 2), round((high - size) / 2)
    return image.crop((left, top, left + size, top + size))
