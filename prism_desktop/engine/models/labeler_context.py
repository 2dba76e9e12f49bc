"""What is known of the labelers before a model is built.

Saved with the model, since its shape depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LabelerContext:
    """Facts about the labelers, in their order; only those that the method reads are there.

    Attributes:
        groups: (labelers,) int64, the group of each.
        shares: (labelers, groups) float32, how much each belongs to each group; rows add up to 1.
        deltas: (labelers,) int64, 1 where a labeler has a deviation of their own from the group.
        ranks: (labelers,) int64, the rank of each one's own adapters; 0 for none.
        centre, axes: (d,) and (d, k) float32, the space of frozen features that the three below are
            written in.
        summary: (labelers, attributes + 1, 1 + max(k, d)) float32, a summary of each one's answers,
            attribute by attribute, then of the profile; see `contexts`.
        history: (labelers, items, 3) int64, past comparisons: rows of the winner's and the loser's
            features, and the attribute; -1 in unused places.
        answer: (labelers, items) int64, the place of each item in the training answers; -1 where
            there is none.
        features: (images, k) float32, features of the images that histories speak of.
        attribute_vectors: (attributes, d) float32, text vectors of the attributes that they speak
            of, standardised.
        profiles: each one's profile text; empty where there is none.
    """

    groups: Ints | None = None
    shares: Floats | None = None
    deltas: Ints | None = None
    ranks: Ints | None = None
    centre: Floats | None = None
    axes: Floats | None = None
    summary: Floats | None = None
    history: Ints | None = None
    answer: Ints | None = None
    features: Floats | None = None
    attribute_vectors: Floats | None = None
    profiles: tuple[str, ...] | None = None

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything but the texts, by name."""
        found = {name: getattr(self, name) for name in _ARRAYS.values()}
        return {name: found[field] for name, field in _ARRAYS.items() if found[field] is not None}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[np.generic]], profiles: tuple[str, ...] | None
    ) -> LabelerContext:
        """What `arrays` returned; names that are not ours are passed over."""
        found: dict[str, Any] = {
            field: arrays[name] for name, field in _ARRAYS.items() if name in arrays
        }
        return cls(**found, profiles=profiles)


# Name in a run's files -> field.
_ARRAYS = {
    "groups": "groups",
    "shares": "shares",
    "deltas": "deltas",
    "ranks": "ranks",
    "centre": "centre",
    "axes": "axes",
    "context": "summary",
    "history": "history",
    "answer": "answer",
    "seen": "features",
    "asked": "attribute_vectors",
}
