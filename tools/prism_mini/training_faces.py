"""Freshly drawn faces for pretraining: an uint8 file on
disk, drawn by a few processes, and its augmentation."""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.faces.pictures import pictures
from prism_desktop.engine.events import Done, Event, Progress

SIZE = 112  # pixels, what prism-mini sees
_TELL_EVERY = 250  # faces


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
        with closing(pictures(count, seed, workers)) as drawing:
            for row, picture in enumerate(drawing):
                pixels[row] = seen(picture)
                if (row + 1) % _TELL_EVERY == 0 or row + 1 == count:
                    yield Progress(row + 1, count, "Drawing faces")
        pixels.flush()
        del pixels
        part.replace(file)
    yield Done(
        DrawnFaces(np.memmap(file, np.uint8, "r", shape=shape), faces.factors, faces.standard())
    )


def seen(picture: bytes) -> NDArray[np.uint8]:
    """A drawn face as the model sees it in a study: a JPEG
    resized with bicubic filtering; (SIZE, SIZE, 3)."""
    return np.asarray(
        Image.open(io.BytesIO(picture)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    )


def augmented(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror half of the pictures and shift each by up to
    four pixels; (faces, SIZE, SIZE, 3) in and out."""
    padded = np.pad(pixels, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="edge")
    moved = np.empty_like(pixels)
    for row, (down, right, mirror) in enumerate(rng.integers(0, (9, 9, 2), (len(pixels), 3))):
        view = padded[row, down : down + SIZE, right : right + SIZE]
        moved[row] = view[:, ::-1] if mirror else view
    return moved
