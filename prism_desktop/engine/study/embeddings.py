"""Image embeddings that were computed elsewhere: a
matrix per set, in the study's folder `embeddings/`.

A set is one safetensors file: `image` (n, 32) uint8, the images' SHA-256, and `embedding` (n, d)
float32. A training reads it without the database. Sets never change; another import makes another
set.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError, StudyError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import make_folder, write_bytes
from prism_desktop.engine.foreign_files import MAX_TABLE, open_foreign, plain_file
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float32]

FOLDER = "embeddings"
NAMED = "a set of embeddings"
_HEADER = 100 * 1024 * 1024  # bytes; safetensors' own limit


@dataclass(frozen=True, slots=True)
class EmbeddingSet:
    """One set as it lies in a study, without its numbers."""

    name: str
    images: int
    dimensions: int

    @property
    def backbone(self) -> str:
        """How a training names it."""
        return f"embeddings:{self.name}"


def name_from(words: str) -> str:
    """A name made of a file's: what a name cannot hold becomes a hyphen."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")[:64].rstrip("-._")
    return checked_name(plain or "embeddings", NAMED)


def path_of(study: Path, name: str) -> Path:
    """Where a set lies or would lie."""
    return study / FOLDER / f"{checked_name(name, NAMED)}.safetensors"


def list_embeddings(study: Path) -> tuple[EmbeddingSet, ...]:
    """The sets of a study by name, from their headers; files that are none are passed over."""
    found = []
    for path in sorted((study / FOLDER).glob("*.safetensors")):
        with suppress(OSError, ValueError, LookupError, TypeError, RecursionError, InputError):
            rows, dimensions = _header(path)["embedding"]["shape"]
            found.append(EmbeddingSet(checked_name(path.stem, NAMED), int(rows), int(dimensions)))
    return tuple(found)


def read_embeddings(study: Path, name: str) -> "tuple[tuple[ImageId, ...], Matrix, str]":
    """A set's images, their embeddings (n, d) float32 in the same order, and the SHA-256 of both.

    Raises:
        InputError: if the study has no such set.
        StudyError: if its file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = path_of(study, name)
    if not path.is_file():
        known = ", ".join(found.name for found in list_embeddings(study))
        has = f"it has {known}" if known else "it has none; import them with study import"
        raise InputError(f"The study has no embeddings {name!r}; {has}.")
    try:
        plain_file(path, MAX_TABLE)
        with safe_open(path, framework="numpy") as file:
            images, matrix = file.get_tensor("image"), file.get_tensor("embedding")
            stated = (file.metadata() or {}).get("sha256", "")
    except (OSError, SafetensorError) as error:
        raise_fault(error, path)
        raise _damaged(path) from error
    shaped = images.shape == (len(matrix), 32) and matrix.ndim == 2
    if not shaped or (str(images.dtype), str(matrix.dtype)) != ("uint8", "float32"):
        raise _damaged(path)
    digest = fingerprint(images, matrix)
    if digest != stated:
        raise _damaged(path)
    return tuple(bytes(row).hex() for row in images), matrix, digest


def write_embeddings(study: Path, name: str, images: Sequence[ImageId], matrix: "Matrix") -> str:
    """Write a set whole or not at all, in place of a file of that name; returns its SHA-256.

    Args:
        study: the study's folder.
        name: of the set.
        images: n ids, each once.
        matrix: (n, d) finite float32.

    Raises:
        DiskFullError, StudyError: it could not be written.
    """
    import numpy as np
    from safetensors.numpy import save

    rows = np.frombuffer(bytes.fromhex("".join(images)), dtype=np.uint8).reshape(len(images), 32)
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    digest = fingerprint(rows, matrix)
    content = save({"image": rows.copy(), "embedding": matrix}, {"name": name, "sha256": digest})
    path = path_of(study, name)
    try:
        make_folder(path.parent)
        write_bytes(path, content)
    except OSError as error:
        raise_fault(error, path, kept="Nothing was imported.")
        raise StudyError(
            f"{path} cannot be written ({error.strerror}); nothing was imported."
        ) from error
    return digest


def fingerprint(images: "npt.NDArray[np.uint8]", matrix: "Matrix") -> str:
    """SHA-256 over the shape, the images' ids and the
    numbers, the same wherever they were imported from."""
    import numpy as np

    digest = hashlib.sha256(repr(matrix.shape).encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    digest.update(np.ascontiguousarray(matrix, dtype="<f4").tobytes())
    return digest.hexdigest()


def _header(path: Path) -> dict[str, dict[str, list[int]]]:
    with open_foreign(path) as file:
        size = int.from_bytes(file.read(8), "little")
        if size > min(_HEADER, path.stat().st_size):
            raise ValueError("no safetensors file")
        header: dict[str, dict[str, list[int]]] = json.loads(file.read(size))
    return header


def _damaged(path: Path) -> StudyError:
    return StudyError(
        f"{path} is damaged; undo the import of these embeddings and import them again."
    )
