"""The one colour scale of relevance maps that are shown side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MapScale:
    """Which colours stand for which relevance, so that equal colours in two maps mean the same."""

    strongest: float  # relevance, for or against, that is painted wholly; 0: there is none
    signed: bool  # whether a colour is for and another against, or one ramp rises from none

    @classmethod
    def of(cls, grids: Iterable[NDArray[np.floating]]) -> MapScale:
        """That of all these maps, (rows, columns) each: the strongest of any is painted wholly, and
        all have colours for both signs if one of them has evidence against. NaN is no relevance."""
        found = [np.nan_to_num(grid) for grid in grids]
        strongest = max((float(np.abs(grid).max()) for grid in found), default=0.0)
        return cls(strongest, any(bool(grid.min() < 0) for grid in found))

    def shares(self, grid: NDArray[np.floating]) -> NDArray[np.float32]:
        """(rows, columns) of the strongest, -1 to 1 for maps that the scale is of."""
        found = np.nan_to_num(grid) / (self.strongest or 1.0)
        return np.asarray(found, np.float32)
