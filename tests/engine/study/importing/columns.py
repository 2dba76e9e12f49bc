"""Columns for tests of values."""

from collections.abc import Mapping, Sequence

from prism_desktop.engine.study.importing.data_tables import DataColumn, make_column


def column(*cells: str | None, name: str = "attractive", **facts: object) -> DataColumn:
    return make_column(name, cells, **facts)


def counted(cells: Mapping[str, int] | Sequence[str], name: str = "attractive") -> DataColumn:
    """A column that holds each value so many times."""
    if isinstance(cells, Mapping):
        return make_column(name, [cell for cell, count in cells.items() for _ in range(count)])
    return make_column(name, cells)
