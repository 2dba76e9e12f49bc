"""The images of a run as cached features of the frozen backbone, or as imported embeddings."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.atomic import write_whole
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.models.answers import Ints

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.backbones import Backbone
    from prism_desktop.engine.training.pixels import Pixels

Matrix = npt.NDArray[np.float32]
_CHUNK = 64  # images per pass
_IDS = "images"  # key of the metadata


@dataclass(frozen=True, slots=True)
class Features:
    """Feature vectors by the images' number in the run.

    Attributes:
        array: (images, features) float32.
    """

    array: Matrix

    def __len__(self) -> int:
        return len(self.array)

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> Matrix:
        """Copy rows out; features cannot be mirrored, so `flips` changes nothing."""
        return self.array[images]


def open_features(
    study: Path, images: "pd.DataFrame", backbone: "Backbone", pixels: "Pixels"
) -> Iterator[Progress | Done[Features]]:
    """What the frozen backbone sees in each image, computed once per study and backbone.

    Args:
        study: the study's folder; the cache lies in `cache/features-<backbone>.safetensors`.
        images: a run's table of images.
        backbone: the frozen network.
        pixels: the same images, decoded.
    """
    path = study / "cache" / f"features-{backbone.sha256[:16]}.safetensors"
    ids = [str(image) for image in images["image"]]
    known = dict(_read(path))
    missing = [place for place, image in enumerate(ids) if image not in known]
    for start in range(0, len(missing), _CHUNK):
        part = missing[start : start + _CHUNK]
        rows = backbone.encode(pixels.take(np.array(part, dtype=np.int64)))
        known.update(zip([ids[place] for place in part], rows, strict=True))
        yield Progress(
            min(start + _CHUNK, len(missing)), len(missing), "Reading features of the images"
        )
    if missing:
        _write(path, known)
    yield Done(Features(np.stack([known[image] for image in ids])))


def _read(path: Path) -> Mapping[str, Matrix]:
    """Image id -> its features.

    Empty where there is no readable cache, which is then made again.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            ids = json.loads((file.metadata() or {})[_IDS])
            rows = file.get_tensor("features")
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}
    return dict(zip(ids, rows, strict=True)) if len(ids) == len(rows) else {}


def _write(path: Path, known: Mapping[str, Matrix]) -> None:
    from safetensors.numpy import save_file

    path.parent.mkdir(exist_ok=True)
    metadata = {_IDS: json.dumps(list(known))}
    write_whole(
        path,
        lambda beside: save_file(
            {"features": np.stack(list(known.values()))}, beside, metadata=metadata
        ),
    )
