"""Each labeler's personal vector in a run: the tokens of a tower, or the heads of a closed form.

Read without torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.backbone_names import reads_texts
from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.methods import METHODS, POSTERIOR, method_title
from prism_desktop.engine.methods.parts.visual_tokens import TokenTable
from prism_desktop.engine.methods.spoken_methods import for_texts
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.tensor_files import read_arrays

Floats = npt.NDArray[np.float64]

_TOKENS = "each labeler's learned visual tokens"
_HEADS = (
    "each labeler's head, every axis weighted by how much the study's faces vary along it, so that "
    "likeness is that of what two models say of faces"
)
_DECODER = "each labeler's learned vector, from which the decoder makes scores"


@dataclass(frozen=True, slots=True)
class PersonalVectors:
    """What a run keeps of each labeler."""

    labelers: tuple[str, ...]
    vectors: Floats  # (labelers, width)
    what: str  # what they are, within a sentence
    attribute: str | None  # of heads of one attribute alone

    def similarity(self) -> Floats:
        """(labelers, labelers) cosine of their differences from the mean, -1 to 1."""
        return cosine(self.vectors)


def personal_vectors(run: Path, attribute: str | None = None) -> PersonalVectors:
    """Read them.

    Args:
        run: a run's folder.
        attribute: heads of this one alone; tokens are of all attributes together.

    Raises:
        RunError: the run holds no model yet, or one whose labelers have no vectors, or the same.
        InputError: it did not learn the attribute.
    """
    path = layout.model_file(run)
    if path.name == layout.COMBINATION:
        raise RunError(
            f"{run.name} combines other runs, which hold the labelers' vectors: name one of those."
        )
    check_file(run, path.name)
    arrays, card = read_arrays(path)
    try:
        labelers, method = tuple(map(str, card["labelers"])), str(card["method"])
        attributes = tuple(map(str, card["attributes"]))
    except (KeyError, TypeError) as error:
        raise RunError(f"The model file {path} is damaged ({error}); train again.") from error
    if attribute is not None and attribute not in attributes:
        known = ", ".join(attributes)
        raise InputError(f"{run.name} did not learn {attribute}; it learned {known}.")
    place = None if attribute is None else attributes.index(attribute)
    found, what = _vectors(arrays, method, place)
    what = for_texts(what) if reads_texts(str(card.get("backbone"))) else what
    if found is None:
        raise RunError(
            f"{run.name} keeps no vector of single labelers ({_title(method)}): choose a run of a "
            f"method with tokens, or of {method_title(POSTERIOR)}."
        )
    if len(found) != len(labelers) or len(labelers) < 2:
        raise RunError(
            f"{run.name} keeps no vectors of several labelers, so nothing can be compared."
        )
    if np.array_equal(found, np.broadcast_to(found[0], found.shape)):
        raise RunError(
            f"All labelers have the same vector in {run.name} ({what}), so they cannot be compared "
            "by it; what it knows of each is elsewhere in the model. Choose a run of Hierarchical "
            "Bayes."
        )
    own = attribute if what == _HEADS else None
    return PersonalVectors(labelers, found.reshape(len(found), -1), what, own)


def cosine(vectors: Floats, centred: bool = True) -> Floats:
    """(n, width) -> (n, n); a vector of length 0 is similar to nothing (0)."""
    if centred and len(vectors) > 1:
        vectors = vectors - vectors.mean(0)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12)
    product: Floats = unit @ unit.T
    return np.clip(product, -1.0, 1.0)


def _vectors(
    arrays: Mapping[str, npt.NDArray[Any]], method: str, attribute: int | None
) -> tuple[Floats | None, str]:
    """(labelers, ...) by what the model's file holds, and what they are."""
    if "mean" in arrays and "spread" in arrays:  # Hierarchical Bayes, and what stands on it
        heads = _real(arrays["mean"]) * np.sqrt(_real(arrays["spread"]))
        kept = slice(None) if attribute is None else slice(attribute, attribute + 1)
        return heads[:, kept], _HEADS
    if "vectors" in arrays:
        return _real(arrays["vectors"]), _DECODER
    known = METHODS.get(method)
    if known is not None and known.has(TokenTable) and "prompts.table" in arrays:
        return _real(arrays["prompts.table"]), _TOKENS
    return None, ""


def _real(array: npt.NDArray[Any]) -> Floats:
    return np.asarray(array, np.float64)


def _title(method: str) -> str:
    known = METHODS.get(method)
    return method if known is None else known.title
