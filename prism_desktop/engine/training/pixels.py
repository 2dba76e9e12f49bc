"""The images of a run as decoded bytes."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.study.pixel_cache import PixelCache

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Decoded images by their number in the run.

    Attributes:
        array: (cached, 3, S, S) or (cached, S, S, 3) uint8 RGB, usually a memory map.
        rows: (images,) int64, where each of the run's images lies in `array`.
    """

    array: Bytes
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> Bytes:
        """Copy images out, some of them mirrored: (images, 3, S, S) uint8, contiguous."""
        found = self.array[self.rows[images]]
        if found.shape[-1] == 3:
            found = found.transpose(0, 3, 1, 2)
        if flips is not None:
            found = np.where(flips[:, None, None, None], found[..., ::-1], found)
        return np.ascontiguousarray(found)


def open_pixels(
    study: Path, images: "pd.DataFrame", size: int
) -> Iterator[Progress | Notice | Done[Pixels]]:
    """Decode what the study's cache lacks, then map the images of a run.

    Args:
        study: the study's folder.
        images: a run's table of images: image, path.
        size: side of the backbone's input in pixels.

    Raises:
        RunError: an image is missing, damaged or was changed since the run was made.
    """
    cache = PixelCache(study / "cache", size)
    ids = [str(image) for image in images["image"]]
    broken: tuple[tuple[str, str], ...] = ()
    for event in cache.build(
        _files(study, dict(zip(ids, map(Path, images["path"]), strict=True)), cache).items()
    ):
        if isinstance(event, Done):
            broken = event.value.broken
        else:
            yield event
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise RunError(
            f"{len(broken)} images of this run cannot be used: {broken[0][1].rstrip('.')}{more}. "
            "Put them back, or relink the study's image folder, and go on."
        )
    rows = cache.rows()
    yield Done(Pixels(cache.read(), np.array([rows[image] for image in ids], dtype=np.int64)))


def _files(study: Path, said: Mapping[str, Path], cache: PixelCache) -> dict[str, Path]:
    """Where images are: as their study says now, else as a run says.

    If all are decoded, nobody asks.
    """
    from prism_desktop.engine.study.store import Study

    known, files = cache.rows(), dict(said)
    if not files.keys() <= known.keys():
        # or images without a study
        with contextlib.suppress(PrismError), Study.open(study, read_only=True) as opened:
            files |= {record.id: record.path for record in opened.images() if record.id in files}
    return files
