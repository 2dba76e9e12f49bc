"""Freshly drawn faces for pretraining: an uint8 file on disk, drawn by a few processes, and its augmentation."""

import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.faces import draw, sample

SIZE = 112  # pixels, what prism-mini sees
_DRAWN = 256  # pixels, as in the demo study, so that both are resized alike
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class DrawnFaces:
    """Pictures and what they show."""

    pixels: NDArray[np.uint8]  # (faces, SIZE, SIZE, 3), a file mapped into memory
    factors: NDArray[np.float64]  # (faces, factors), in the units of the drawing
    standard: NDArray[np.float32]  # (faces, factors), mean 0 and variance 1

    def __len__(self) -> int:
        return len(self.pixels)


def drawn(count: int, seed: int, file: Path, workers: int = 2) -> Iterator[Event[DrawnFaces]]:
    """Draw `count` faces into `file`, or read them from it if it is there and whole."""
    faces = sample(count, seed)
    shape = (count, SIZE, SIZE, 3)
    if not file.is_file() or file.stat().st_size != int(np.prod(shape)):
        part = file.with_suffix(".part")
        pixels = np.memmap(part, np.uint8, "w+", shape=shape)
        jobs = [(seed, count, start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for (_, _, start, stop), drawing in zip(jobs, pool.map(_draw, jobs), strict=True):
                pixels[start:stop] = drawing
                yield Progress(stop, count, "Drawing faces")
        pixels.flush()
        del pixels
        part.replace(file)
    yield Done(DrawnFaces(np.memmap(file, np.uint8, "r", shape=shape), faces.factors, faces.standard()))


def seen(face: Image.Image) -> NDArray[np.uint8]:
    """A drawn face as a study would hand it on: through JPEG, resized with bicubic filtering; (SIZE, SIZE, 3)."""
    buffer = io.BytesIO()
    face.save(buffer, "JPEG", quality=92, subsampling=0)
    return np.asarray(Image.open(buffer).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def _draw(job: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    seed, count, start, stop = job
    faces = sample(count, seed)
    return np.stack([seen(draw(faces.face(row), _DRAWN)) for row in range(start, stop)])


def augmented(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror half of the pictures and shift each by up to four pixels; (faces, SIZE, SIZE, 3) in and out."""
    padded = np.pad(pixels, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="edge")
    moved = np.empty_like(pixels)
    for row, (down, right, mirror) in enumerate(rng.integers(0, (9, 9, 2), (len(pixels), 3))):
        view = padded[row, down : down + SIZE, right : right + SIZE]
        moved[row] = view[:, ::-1] if mirror else view
    return moved
