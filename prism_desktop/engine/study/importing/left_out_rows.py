"""Rows of tables that an import leaves out, and why."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ANSWER: Final = "holds no answer"


@dataclass(slots=True)
class LeftOutRows:
    """Rows that an import leaves out, by reason."""

    rows: dict[tuple[str, str], list["NDArray[np.int32]"]] = field(
        default_factory=lambda: defaultdict(list)
    )  # (table, reason) -> row numbers

    def add(self, table: str, reason: str, rows: "NDArray[np.int32]") -> None:
        """Leave rows out."""
        if len(rows):
            self.rows[table, reason].append(rows.astype(np.int32))

    def answered(self, table: str, rows: "NDArray[np.int32]") -> None:
        """Rows with an answer are not left out because another of their cells holds none."""
        for (name, reason), parts in self.rows.items():
            if name == table and reason.startswith(NO_ANSWER):
                parts[:] = [part[~np.isin(part, rows)] for part in parts]

    def all(self) -> list[tuple[str, str, "NDArray[np.int32]"]]:
        """(table, reason, row numbers, each once), the reasons that concern most rows first."""
        found = [
            (table, reason, np.unique(np.concatenate(parts)))
            for (table, reason), parts in self.rows.items()
            if any(map(len, parts))
        ]
        return sorted(found, key=lambda entry: -len(entry[2]))
