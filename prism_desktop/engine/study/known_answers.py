"""What a study holds already, in columns, for an import to be compared with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELED, IMPORTED, SIMULATED = 0, 1, 2  # codes of `KnownAnswers.source`


@dataclass(frozen=True, slots=True, eq=False)
class KnownAnswers:
    """The study's answers that count: answered, neither withdrawn nor corrected.

    One answer to one attribute per place, in order of recording: rising `trial`.

    Attributes:
        labelers, images, attributes: what codes stand for.
        imports: what each import is called ("week1.csv").
        labeler, left, attribute: (n,) int32.
        right: (n,) int32, -1 for a rating.
        comparison: (n,) bool, an outcome rather than a rating.
        value: (n,) float64, the rating as its file had it, else the step; outcomes 1 (left), 0
            (tie), -1 (right).
        onset, seconds: (n,) float64, Unix s and s; NaN where they are not known.
        order: (n,) int32, place within the session.
        session: (n,) int32, equal for answers of one session.
        source: (n,) int8, LABELED, IMPORTED or SIMULATED.
        imported: (n,) int32, place in `imports`; -1 for what was labeled in the program.
        trial: (n,) int64, the trial's number in the database.
    """

    labelers: tuple[str, ...]
    images: tuple[ImageId, ...]
    attributes: tuple[str, ...]
    imports: tuple[str, ...]
    labeler: "NDArray[np.int32]"
    left: "NDArray[np.int32]"
    right: "NDArray[np.int32]"
    attribute: "NDArray[np.int32]"
    comparison: "NDArray[np.bool_]"
    value: "NDArray[np.float64]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"
    order: "NDArray[np.int32]"
    session: "NDArray[np.int32]"
    source: "NDArray[np.int8]"
    imported: "NDArray[np.int32]"
    trial: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.trial)
