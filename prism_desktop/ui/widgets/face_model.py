"""The face model: faces in an order, as a list model that holds only references to the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.widgets.face_marks import MARKS


@dataclass(frozen=True, slots=True, eq=False)
class CardFacts:
    """What cards tell beside a share; arrays are by row of the table.

    Attributes:
        ranks: (n,) from 1; 0 for none.
        marks: (n,) bits as `face_marks` paints them; None while they are not known.
        low, high: (n,) interval of the share, NaN where it is not known; None where it never is.
        line: the last line of a card, what stands at its left and at its right.
    """

    ranks: NDArray[np.int64]
    marks: NDArray[np.uint8] | None
    low: NDArray[np.float32] | None
    high: NDArray[np.float32] | None
    line: Callable[[int], tuple[str, str]]


class FaceModel(QAbstractListModel):
    """Faces in an order: a permutation of rows of some
    larger table, with a share in [0, 1] for each."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: Sequence[str] = ()
        self._names: Sequence[str] = ()
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._shares: NDArray[np.float32] | None = None
        self._others: NDArray[np.float32] | None = None
        self.facts: CardFacts | None = None
        self.words = FACES  # for what is shown

    def show(
        self,
        keys: Sequence[str],
        names: Sequence[str],
        order: NDArray[np.int64],
        shares: NDArray[np.float32] | None = None,
        others: NDArray[np.float32] | None = None,
        facts: CardFacts | None = None,
    ) -> None:
        """Show `keys[order]`; `shares`, and `others` to set
        against them, are (len(keys),) float32 in [0, 1]."""
        self.beginResetModel()
        self.facts = facts
        self._keys, self._names, self._order, self._shares, self._others = (
            keys,
            names,
            order,
            shares,
            others,
        )
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def face(self, place: int) -> int:
        """The table's row at a place of the order."""
        return int(self._order[place])

    def place(self, row: int) -> int:
        """The place of a row of the table in the order, -1 if it is not in it."""
        found = np.flatnonzero(self._order == row)
        return int(found[0]) if len(found) else -1

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        row = self.face(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(self._names[row])
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            rank, share = f"number {index.row() + 1:,} of {len(self._order):,}", self.share(row)
            more = "" if np.isnan(share) else f", above {share:.0%} of the {self.words.many}"
            told = f"{self._names[row]}, {rank}{more}{self._known(row)}"
            return tip_text(told) if role == Qt.ItemDataRole.ToolTipRole else told
        return None

    def _known(self, row: int) -> str:
        """What a card shows beside name, place and share, in words."""
        facts = self.facts
        if facts is None:
            return ""
        words = [] if facts.marks is None else [MARKS[int(facts.marks[row])]]
        if facts.low is not None and facts.high is not None and not np.isnan(facts.low[row]):
            words.append(f"95% interval {facts.low[row]:.0%} to {facts.high[row]:.0%}")
        words += [each for each in facts.line(row) if each]
        return "".join(f"; {each}" for each in words)

    def key(self, row: int) -> str:
        """What Thumbnails knows the image in a row of the table by."""
        return self._keys[row]

    def name(self, row: int) -> str:
        return self._names[row]

    def share(self, row: int) -> float:
        """In [0, 1]; NaN if there is none."""
        return float("nan") if self._shares is None else float(self._shares[row])

    def other(self, row: int) -> float:
        """The share that the first is set against; NaN if there is none."""
        return float("nan") if self._others is None else float(self._others[row])

    def note(self, row: int) -> str:
        """The shares as percentiles: "92", or "92 : 11"."""
        told = (self.share(row), self.other(row))
        return " : ".join(f"{100 * share:.0f}" for share in told if not np.isnan(share))
