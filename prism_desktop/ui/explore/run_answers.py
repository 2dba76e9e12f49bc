"""The answers that a run was given, as columns of numbers: a million of them take little room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.parquet_forms import numbers_in, places_in, words_in
from prism_desktop.engine.study.records import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
_OUTCOMES = ("left", "right", "tie")
_NONE = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class FaceAnswer:
    """One answer that the run was given about a face."""

    labeler: str
    attribute: str
    kind: str  # "rating" or "comparison"
    value: int = 0  # rating, 1-4
    other: int = -1  # row of the other face of a comparison, -1 if it is not in the run
    outcome: str = ""  # "won", "lost" or "tie", seen from this face


@dataclass(frozen=True, slots=True, eq=False)
class FaceLabels:
    """What one labeler answered about each face on one attribute.

    Attributes:
        rated: (images,) the mean rating, 1-4; NaN where there is none.
        won, lost, tied: (images,) comparisons.
    """

    rated: NDArray[np.float32]
    won: Ints
    lost: Ints
    tied: Ints

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(images,): whether there is any answer."""
        return ~np.isnan(self.rated) | (self.won + self.lost + self.tied > 0)

    def words(self, row: int) -> str:
        """Of one face, short; empty where nothing was answered."""
        told = []
        if not np.isnan(self.rated[row]):
            told.append(f"rated {self.rated[row]:.2g}/4")
        won, lost, tied = (int(each[row]) for each in (self.won, self.lost, self.tied))
        if won + lost + tied:
            told.append(f"chosen {won} of {won + lost + tied}")
        return ", ".join(told)


class RunAnswers:
    """Ratings and comparisons by labeler, attribute and face; faces that the run lacks are -1."""

    def __init__(self, images: Sequence[str] = ()) -> None:
        self._images = images
        self._labelers: dict[str, int] = {}
        self._attributes: dict[str, int] = {}
        self._rated = self._compared = (_NONE, _NONE, _NONE, _NONE, _NONE)

    def take_ratings(self, table: "pa.Table") -> None:
        """Add the run's ratings, as `read_table` has them."""
        face, value = places_in(table["image"], self._images), numbers_in(table["value"])
        self._rated = (*self._who(table), face, value.astype(np.int32), _NONE)

    def take_comparisons(self, table: "pa.Table") -> None:
        """Add the run's comparisons, as `read_table` has them."""
        left, right = (places_in(table[side], self._images) for side in ("left", "right"))
        outcome = places_in(table["outcome"], _OUTCOMES)
        self._compared = (*self._who(table), left, right, outcome)

    def about(self, face: int) -> list[FaceAnswer]:
        """All answers about a face, ratings first."""
        names = tuple(self._labelers), tuple(self._attributes)
        found = []
        labeler, attribute, image, value, _ = self._rated
        for at in np.flatnonzero(image == face):
            who = names[0][labeler[at]], names[1][attribute[at]]
            found.append(FaceAnswer(*who, "rating", int(value[at])))
        labeler, attribute, left, right, outcome = self._compared
        for at in np.flatnonzero((left == face) | (right == face)):
            who, here = (names[0][labeler[at]], names[1][attribute[at]]), left[at] == face
            side = "left" if here else "right"
            told = _OUTCOMES[outcome[at]]
            seen = "tie" if told == "tie" else "won" if told == side else "lost"
            other = int(right[at] if here else left[at])
            found.append(FaceAnswer(*who, "comparison", other=other, outcome=seen))
        return found

    def of(self, labeler: str, attribute: str, faces: int) -> FaceLabels:
        """One labeler's on one attribute, for the run's first `faces` images."""
        who, what = self._labelers.get(labeler, -1), self._attributes.get(attribute, -1)
        asked = (self._rated[0] == who) & (self._rated[1] == what) & (self._rated[2] >= 0)
        image, value = self._rated[2][asked], self._rated[3][asked]
        count = np.bincount(image, minlength=faces)
        total = np.bincount(image, weights=value, minlength=faces)
        rated = np.full(faces, np.nan, np.float32)
        rated[count > 0] = total[count > 0] / count[count > 0]
        asked = (self._compared[0] == who) & (self._compared[1] == what)
        left, right, outcome = (each[asked] for each in self._compared[2:])

        def counted(*parts: Codes) -> Ints:
            rows = np.concatenate(parts)
            return np.bincount(rows[rows >= 0], minlength=faces)

        return FaceLabels(
            rated,
            counted(left[outcome == 0], right[outcome == 1]),
            counted(right[outcome == 0], left[outcome == 1]),
            counted(left[outcome == 2], right[outcome == 2]),
        )

    def kind_of(self, labeler: str) -> Kind | None:
        """What a labeler did: ratings where they compared nothing, None where they did neither."""
        who = self._labelers.get(labeler, -1)
        if (self._compared[0] == who).any():
            return "comparison"
        return "rating" if (self._rated[0] == who).any() else None

    def judged(self, faces: int) -> NDArray[np.bool_]:
        """(faces,): whether anybody answered anything about each."""
        seen = np.zeros(faces, bool)
        for rows in (self._rated[2], self._compared[2], self._compared[3]):
            seen[rows[rows >= 0]] = True
        return seen

    def _who(self, table: "pa.Table") -> tuple[Codes, Codes]:
        """Numbers of labelers and attributes; those that are new get the next ones."""
        found = []
        for name, known in (("labeler", self._labelers), ("attribute", self._attributes)):
            for word in words_in(table[name]):
                known.setdefault(word, len(known))
            found.append(places_in(table[name], list(known)))
        return found[0], found[1]
