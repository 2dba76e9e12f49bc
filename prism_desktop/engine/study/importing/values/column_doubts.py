"""Doubts and decisions about the values of a column, and the rows that they concern."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Decision, DecisionChoice, Doubt

Told = TypeVar("Told", Doubt, Decision)


def doubt_about(column: DataColumn, kind: str, text: str, places: Sequence[int]) -> Doubt:
    """A doubt about some of a column's different values.

    Its `rows` are places in the column, from 0, until `in_table` turns them into rows.

    Args:
        column: the column.
        kind: of the doubt.
        text: one sentence.
        places: of the values among `column.values`.
    """
    rows, count = _rows(column, places)
    return Doubt(kind, text, column=column.name, rows=rows, count=count)


def decision_about(
    column: DataColumn,
    kind: str,
    text: str,
    places: Sequence[int],
    choices: Sequence[DecisionChoice] = (),
) -> Decision:
    """A decision about some of a column's different values; see `doubt_about`."""
    rows, count = _rows(column, places)
    counts = column.counts()
    values = tuple((column.values[place].strip(), int(counts[place])) for place in places)
    return Decision(
        kind, text, column=column.name, rows=rows, count=count, choices=tuple(choices),
        values=values[:ROWS_KEPT],
    )  # fmt: skip


def in_table(told: Told, table: DataTable) -> Told:
    """The same with the rows' numbers as a spreadsheet shows them, and the table's name."""
    rows = tuple(int(table.rows[place]) for place in told.rows)
    return replace(told, rows=rows, table=table.name)


def _rows(column: DataColumn, places: Sequence[int]) -> tuple[tuple[int, ...], int]:
    chosen = np.zeros(len(column.values) + 1, np.bool_)  # the last one is for empty cells
    chosen[np.asarray(places, np.intp)] = True
    chosen[-1] = False
    found = np.flatnonzero(chosen[column.codes])
    return tuple(map(int, found[:ROWS_KEPT])), len(found)
