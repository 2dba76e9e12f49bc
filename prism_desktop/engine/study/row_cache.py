"""Numbers that were computed of images or texts once, a row for each, kept in a study's cache."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.files import make_folder, write_whole
from prism_desktop.engine.study.images import DECODING
from prism_desktop.engine.study.records import ImageId
from prism_desktop.engine.tensor_files import KEY, read_arrays

Rows = npt.NDArray[np.float32]


def features_file(cache: Path, sha256: str) -> Path:
    """Where a cache keeps what the backbone of these weights sees in images, or reads in texts."""
    return cache / f"features-{sha256[:16]}-{DECODING}.safetensors"


def read_rows(path: Path, name: str) -> Mapping[ImageId, Rows]:
    """Image id -> its numbers.

    Empty where there is no readable cache, which is then made again.
    """
    try:
        arrays, said = read_arrays(path)
        ids, rows = said["images"], arrays[name]
        whole = len(ids) == len(rows) and said["sha256"] == _digest(rows)
    except (OSError, UnreadableError, LookupError, TypeError, ValueError):
        return {}
    return dict(zip(ids, rows, strict=True)) if whole else {}


def write_rows(path: Path, name: str, known: Mapping[ImageId, Rows]) -> None:
    """Keep rows of one length."""
    from safetensors.numpy import save_file

    make_folder(path.parent)
    rows = np.stack(list(known.values()))
    said = {"images": list(known), "sha256": _digest(rows)}
    write_whole(
        path, lambda beside: save_file({name: rows}, beside, metadata={KEY: json.dumps(said)})
    )


def _digest(rows: Rows) -> str:
    """Tells rows from those that a failing disk changed."""
    return hashlib.sha256(np.ascontiguousarray(rows).data).hexdigest()
