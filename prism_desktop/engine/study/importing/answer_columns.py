"""All answers of an import in columns, before they become trials."""

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    from numpy.typing import NDArray

NONE = -1  # the code of what a row does not say
LEFT, TIE, RIGHT = 1, 0, -1  # outcomes of comparisons, as the study stores them


class NamePool:
    """Numbers for names, in the order in which they come up."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def code(self, name: str) -> int:
        """The name's number."""
        return self._places.setdefault(name, len(self._places))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, by number."""
        return tuple(self._places)


@dataclass(frozen=True, slots=True, eq=False)
class AnswerColumns:
    """One answer per place in every array, in the order of the files and their rows.

    A wide table gives several answers for one of its rows; they share `table` and `row`. Names are
    coded: `labelers[labeler[i]]` gave answer i.

    Attributes:
        labelers, images, attributes, sessions, trials, presentations: what codes stand for.
        table: (n,) int32, the table that the answer stands in, by its place among the import's.
        row: (n,) int32, its row, as a spreadsheet numbers it.
        comparison: (n,) bool, an outcome rather than a rating.
        labeler: (n,) int32.
        left: (n,) int32, the image of a rating, or the first one of a pair.
        right: (n,) int32, NONE for a rating.
        attribute: (n,) int32; NONE for a skipped trial without any answer.
        value: (n,) float64, the rating on the file's scale, or LEFT, TIE, RIGHT; NaN if skipped.
        session, trial, presentation: (n,) int32, NONE where the file does not say.
        onset: (n,) float64, Unix s, NaN where it is not known.
        seconds: (n,) float64, response time, NaN where it is not known.
    """

    labelers: tuple[str, ...]
    images: tuple[ImageId, ...]
    attributes: tuple[str, ...]
    sessions: tuple[str, ...]
    trials: tuple[str, ...]
    presentations: tuple[str, ...]
    table: "NDArray[np.int32]"
    row: "NDArray[np.int32]"
    comparison: "NDArray[np.bool_]"
    labeler: "NDArray[np.int32]"
    left: "NDArray[np.int32]"
    right: "NDArray[np.int32]"
    attribute: "NDArray[np.int32]"
    value: "NDArray[np.float64]"
    session: "NDArray[np.int32]"
    trial: "NDArray[np.int32]"
    presentation: "NDArray[np.int32]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"

    def __len__(self) -> int:
        return len(self.row)

    def only(self, kept: "NDArray[np.bool_]") -> Self:
        """The answers where `kept`, (n,) bool, is true; the same where it is for all."""
        if kept.all():
            return self
        return self._taken(kept)

    def in_order(self, order: "NDArray[np.int64]") -> Self:
        """The answers in another order: (n,), a permutation; the same where it changes nothing."""
        if (order == np.arange(len(order))).all():
            return self
        return self._taken(order)

    def _taken(self, rows: "NDArray[np.bool_] | NDArray[np.int64]") -> Self:
        arrays: dict[str, Any] = {
            field.name: array[rows]
            for field in fields(self)
            if isinstance(array := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **arrays)
