"""What is known of the labelers before a model is built; saved with the model, since its shape depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Facts about the labelers, in their order; only those that the method reads are there.

    Attributes:
        groups: (labelers,) int64, the group of each.
        ranks: (labelers,) int64, the rank of each one's own adapters; 0 for none.
        context: (labelers, n) float32, a summary of each one's answers or profile.
        history: (labelers, items, n) float32, past comparisons; unused places are zero.
        answer: (labelers, items) int64, the place of each item in the training answers; -1 where there is none.
        profiles: each one's profile text; empty where there is none.
    """

    groups: Ints | None = None
    ranks: Ints | None = None
    context: Floats | None = None
    history: Floats | None = None
    answer: Ints | None = None
    profiles: tuple[str, ...] | None = None

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything but the texts, by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "profiles"}
        return {name: array for name, array in found.items() if array is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]], profiles: tuple[str, ...] | None) -> Known:
        """What `arrays` returned; names that are not ours are passed over."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: array for name, array in arrays.items() if name in names}, profiles=profiles)  # type: ignore[arg-type]
