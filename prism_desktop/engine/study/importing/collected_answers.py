"""All answers of an import before their cells are read: who, which image, which attribute."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prism_desktop.engine.study.importing.answer_columns import NamePool
from prism_desktop.engine.study.importing.data_tables import DataColumn
from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.left_out_rows import LeftOutRows
from prism_desktop.engine.study.records import FactRecord, ImageId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True, eq=False)
class Piece:
    """The answers of one column of one table.

    Attributes:
        table: place of the table among the import's.
        column: holds the answers' cells.
        cell: (n,) int32, the place of each answer's cell among the column's values.
            position: (n,) int64, the row by its place in the table.
        row: (n,) int32, as a spreadsheet numbers it.
        labeler, left, right, attribute, session, trial, presentation: (n,) int32, see `Answers`.
        onset, seconds: (n,) float64.
        comparison: whether they are outcomes.
        won: whether the first image always won (a table of winners and losers).
        tidy: whether other rows may hold more answers of the same presentation.
    """

    table: int
    column: DataColumn
    cell: "NDArray[np.int32]"
    position: "NDArray[np.int64]"
    row: "NDArray[np.int32]"
    labeler: "NDArray[np.int32]"
    left: "NDArray[np.int32]"
    right: "NDArray[np.int32]"
    attribute: "NDArray[np.int32]"
    session: "NDArray[np.int32]"
    trial: "NDArray[np.int32]"
    presentation: "NDArray[np.int32]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"
    comparison: bool
    won: bool = False
    tidy: bool = False
    left_column: DataColumn | None = None  # what the file calls the images of pairs
    right_column: DataColumn | None = None


@dataclass(slots=True)
class Collected:
    """All answers of an import, their cells not read yet.

    Attributes:
        unmatched: what files call images that the study has not -> in how many rows.
        written: image -> how the files write it first.
        fact_rows: of tables of nothing but facts, the rows that are about somebody or an image of
            the study.
    """

    labelers: NamePool = field(default_factory=NamePool)
    images: NamePool = field(default_factory=NamePool)
    attributes: NamePool = field(default_factory=NamePool)
    sessions: NamePool = field(default_factory=NamePool)
    trials: NamePool = field(default_factory=NamePool)
    presentations: NamePool = field(default_factory=NamePool)
    pieces: list[Piece] = field(default_factory=list)
    left_out: LeftOutRows = field(default_factory=LeftOutRows)
    unmatched: dict[str, int] = field(default_factory=dict)
    written: dict[ImageId, str] = field(default_factory=dict)
    facts: list[FactRecord] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    fact_rows: int = 0
