"""Regions of faces on the grid of a relevance map: of drawn faces exactly, of photographs by the
user's masks or by nine even cells. Needs no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.images import open_image
from prism_desktop.engine.study.pixel_cache import square

if TYPE_CHECKING:
    from prism_desktop.engine.demo.faces import Faces

Floats = NDArray[np.float32]
Source = Literal["drawn", "masks", "cells"]
TOLD: Final[Mapping[Source, str]] = {
    "drawn": "Regions are exact, for these faces are drawn; features and what is within half a "
    "patch of them.",
    "masks": "Regions are the masks given; what none of them covers is the rest.",
    "cells": "Regions are nine even cells of what the model sees, not parts of the face; give "
    "masks for those.",
}
REST: Final = "rest"
_FEATURES: Final = {  # region -> parts that it is drawn of; grown, for a map is as fine as a patch
    "eyes": ("eyes", "glasses"),
    "brows": ("brows",),
    "nose": ("nose",),
    "mouth": ("mouth",),
}
_OTHERS: Final = ("beard", "hair", "skin", "clothes", "background")
_SIZE: Final = 112  # px, at which drawn faces are measured
_CELLS: Final = tuple(
    "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"
    for row in ("upper", "middle", "lower")
    for column in ("left", "centre", "right")
)


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """How much of each patch belongs to each region, for n faces."""

    names: tuple[str, ...]
    weights: Floats  # (n, regions, rows, columns), adds up to 1 over the regions
    source: Source

    @property
    def area(self) -> NDArray[np.float64]:
        """(n, regions) shares of the map."""
        found: NDArray[np.float64] = self.weights.mean((2, 3), dtype=np.float64)
        return found


def regions_of(
    files: Sequence[Path],
    images: Sequence[str],
    names: Mapping[str, str],
    shape: tuple[int, int],
    masks: Path | None = None,
) -> Regions:
    """The regions of some faces of a study.

    Args:
        files: of the faces.
        images: their ids.
        names: id -> name of all images of the study, by which drawn faces are known.
        shape: (rows, columns) of the maps.
        masks: a folder of PNG files named after regions, white where the region is, one for all
            faces; or of folders named after regions that hold one named after each image; None
            to know drawn faces as such and cut others into cells.

    Raises:
        InputError: the masks cannot be used.
    """
    if masks is not None:
        return _masked(masks, [names[image] for image in images], files, shape)
    drawn = _drawn(images, names)
    if drawn is None:
        return _cells(len(files), shape)
    faces, rows = drawn
    each = np.stack([_of_drawing(faces.face(row), shape) for row in rows])
    return Regions((*_FEATURES, *_OTHERS), each, "drawn")


def _drawn(images: Sequence[str], names: Mapping[str, str]) -> tuple[Faces, list[int]] | None:
    """The demo's table of faces and the rows of these images in it; None if they are not drawn by
    it: that is seen by drawing the first one again."""
    from prism_desktop.engine.demo.ideal_accuracy import SEED

    numbers = {image: _number(name) for image, name in names.items()}
    if not images or any(numbers[image] is None for image in images):
        return None
    from prism_desktop.engine.demo.faces import sample
    from prism_desktop.engine.demo.faces.pictures import jpeg

    rows = [number for image in images if (number := numbers[image]) is not None]
    count = max(number for number in numbers.values() if number is not None) + 1
    for seed in (SEED, *_OTHER_SEEDS):
        faces = sample(count, seed)
        if hashlib.sha256(jpeg(faces.face(rows[0]))).hexdigest() == images[0]:
            return faces, rows
    return None


_OTHER_SEEDS: Final = range(1, 10)  # that somebody may have made a demo with


def _number(name: str) -> int | None:
    """The row of a demo's face, from its name."""
    stem = Path(name).stem
    digits = stem.removeprefix("face-")
    return int(digits) - 1 if stem != digits and digits.isdecimal() and int(digits) else None


def _of_drawing(face: Mapping[str, float], shape: tuple[int, int]) -> Floats:
    """(regions, rows, columns) of one drawn face.

    A feature has what lies within half a patch of it, and the nearest feature where two do."""
    from scipy.ndimage import distance_transform_edt

    from prism_desktop.engine.demo.faces.drawing import PARTS
    from prism_desktop.engine.demo.faces.regions import coverage

    seen = dict(zip(PARTS, coverage(face, _SIZE), strict=True))
    features = [sum(seen[part] for part in parts) for parts in _FEATURES.values()]
    apart = np.stack(
        [
            distance_transform_edt(part < 0.5) if (part >= 0.5).any() else np.full_like(part, 1e9)
            for part in features
        ]
    )
    near = apart.min(0) <= _SIZE / shape[0] / 2
    grown = [(near & (apart.argmin(0) == place)).astype(np.float32) for place in range(len(apart))]
    others = [seen[part] * ~near for part in _OTHERS]
    # what lies around a feature's edge and shows through
    others[_OTHERS.index("skin")] = others[_OTHERS.index("skin")] + ~near * sum(features)
    return np.stack([_shrunk(each, shape) for each in (*grown, *others)])


def _cells(n: int, shape: tuple[int, int]) -> Regions:
    """Three by three."""
    rows, columns = (_thirds(count) for count in shape)
    one = np.stack([np.outer(row, column) for row in rows for column in columns])
    weights = np.broadcast_to(one.astype(np.float32), (n, *one.shape))
    return Regions(_CELLS, weights, "cells")


def _thirds(count: int) -> Floats:
    """(3, count) how much of each of `count` even pieces lies in each third."""
    edges = np.arange(4)[:, None] / 3
    low, high = np.arange(count) / count, (np.arange(count) + 1) / count
    inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return (inside.clip(0) * count).astype(np.float32)


def _masked(
    folder: Path, names: Sequence[str], files: Sequence[Path], shape: tuple[int, int]
) -> Regions:
    """The user's masks; what could be meant in two ways is refused rather than guessed."""
    whole, single = _mask_files(folder)
    layers = []
    for path in whole:
        mask, size = _mask(path, shape)
        if not _square(size):  # of all faces, which it can only be if they are shaped alike
            for file in files:
                _refuse_other_shape(path, size, file)
        layers.append(np.broadcast_to(mask, (len(names), *shape)))
    if single:
        _refuse_shared_stems(names)
    for path in single:
        wanted = [path / f"{Path(name).stem}.png" for name in names]
        if missing := [each for each in wanted if not each.is_file()]:
            lack = word_for(len(missing), "is", "are")
            raise InputError(
                f"{counted(len(missing), 'mask')} of {path.name} {lack} missing, the first one "
                f"{missing[0].name}."
            )
        made = []
        for each, file in zip(wanted, files, strict=True):
            mask, size = _mask(each, shape)
            if not _square(size):
                _refuse_other_shape(each, size, file)
            made.append(mask)
        layers.append(np.stack(made))
    labels = [path.stem for path in whole] + [path.name for path in single]
    for label, layer in zip(labels, layers, strict=True):
        if not layer.any():
            raise InputError(
                f"The mask {label} is black throughout; a mask is white where the region is."
            )
    stacked = np.stack(layers, 1)
    over = stacked.sum(1, keepdims=True).clip(1)  # where masks overlap they share
    stacked = stacked / over
    rest = (1 - stacked.sum(1, keepdims=True)).clip(0)
    weights = np.concatenate([stacked, rest], 1).astype(np.float32)
    return Regions((*labels, REST), weights, "masks")


_PICTURES: Final = (".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif", ".heic")


def _mask_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The masks for all faces, and the folders of masks for each.

    Raises:
        InputError: there are none, or two of one region, or a picture that is no PNG.
    """
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [path for path in found if not path.name.startswith(".")]
    whole = [path for path in found if path.suffix.lower() == ".png" and path.is_file()]
    single = [path for path in found if path.is_dir()]
    if other := [path for path in found if path.suffix.lower() in _PICTURES and path.is_file()]:
        raise InputError(
            f"{other[0].name} is no PNG file, whose black and white are exact; save the mask as "
            "one."
        )
    if not whole and not single:
        raise InputError(
            f"{folder} holds no masks: name PNG files after regions, white where the region is, "
            "or folders after regions with a PNG file for each image."
        )
    seen = {REST}
    for label in (*(path.stem for path in whole), *(path.name for path in single)):
        if label.casefold() in seen:
            why = "what no mask covers" if label.casefold() == REST else "another mask too"
            raise InputError(f"{label} is the name of {why}; give this mask another one.")
        seen.add(label.casefold())
    return whole, single


def _refuse_shared_stems(names: Sequence[str]) -> None:
    """A mask named after two images would be of neither."""
    stems = [Path(name).stem for name in names]
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise InputError(
            f"Several images are called {twice[0]}, so a mask of that name is of none of them "
            "alone; give masks for all faces instead."
        )


def _square(size: tuple[int, int]) -> bool:
    return abs(size[0] - size[1]) <= 1


def _refuse_other_shape(path: Path, size: tuple[int, int], file: Path) -> None:
    """A mask lies where it was drawn only if it has the shape of its image."""
    width, height = open_image(file).size
    if abs(size[0] * height / (size[1] * width) - 1) > _BENT:
        raise InputError(
            f"The mask {path.name} is {size[0]} x {size[1]} px and the image {file.name} {width} x "
            f"{height}; draw it on the image, or as the square that the model sees."
        )


_BENT: Final = 0.02  # that sides may be off, for rounding
_GREY: Final = (0.25, 0.75)  # neither black nor white
_EDGES: Final = 0.1  # share of a mask that smooth edges may be grey


def _mask(path: Path, shape: tuple[int, int]) -> tuple[Floats, tuple[int, int]]:
    """(rows, columns) shares of white, of the square that the model sees, and its size in px.

    Raises:
        InputError: it cannot be read, or is neither black nor white where it should be either.
    """
    opened = open_image(path)
    image = square(opened, 16 * max(shape)).convert("L")
    values = np.asarray(image, np.float32) / 255
    with Image.open(path) as raw:
        clear = raw.has_transparency_data
    drawn = np.asarray(opened.convert("L"), np.float32) / 255
    grey = ((drawn > _GREY[0]) & (drawn < _GREY[1])).mean() > _EDGES
    if clear or grey:
        raise InputError(
            f"The mask {path.name} is {'partly transparent' if clear else 'partly grey'}; make it "
            "white where the region is and black elsewhere, with nothing in between."
        )
    if 0 < drawn.max() < _GREY[1]:
        raise InputError(
            f"The brightest place of the mask {path.name} is {255 * drawn.max():.0f} of 255; a "
            "mask is white, 255, where the region is."
        )
    return _shrunk(values, shape), opened.size


def _shrunk(values: NDArray[np.floating], shape: tuple[int, int]) -> Floats:
    """Means over the patches: (rows, columns)."""
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BOX), np.float32)
