"""Which sign a table writes in its decimal numbers."""

import re
from dataclasses import replace
from typing import Final, Literal

from prism_desktop.engine.study.importing.data_tables import DataTable

_COMMA: Final = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
_POINT: Final = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
_THOUSANDS: Final = re.compile(r"\s*[+-]?[1-9]\d{0,2}(,\d{3})+\s*")
_LOOKED_AT: Final = 2_000  # different values of a column


def with_decimal_sign(table: DataTable, given: Literal["", ".", ","] = "") -> DataTable:
    """The table with its decimal sign as given or as most of its numbers have it."""
    if given:
        return replace(table, reading=replace(table.reading, decimal_comma=given == ","))
    commas, points, thousands = 0, 0, 0
    example, column_name = "", ""
    for column in table.columns:
        for value in column.values[:_LOOKED_AT]:
            if _COMMA.fullmatch(value):
                commas += 1
                thousands += bool(_THOUSANDS.fullmatch(value))
                example, column_name = example or value.strip(), column_name or column.name
            elif _POINT.fullmatch(value):
                points += 1
    notices = list(table.reading.notices)
    comma = commas > points and (thousands < commas or table.reading.delimiter in {";", "\t"})
    if commas:
        number = example.replace(",", "." if comma else "")
        if comma:
            notices.append(f"The decimal sign is the comma: “{example}” was read as {number}.")
        elif points:
            notices.append(
                f"The decimal sign is the point; “{example}” (column “{column_name}”) has a comma "
                "and is no number so. Set --decimal if it is one."
            )
    if comma and thousands == commas:
        notices.append(f"“{example}” might also mean {example.replace(',', '')}; see --decimal.")
    reading = replace(table.reading, decimal_comma=comma, notices=tuple(notices))
    return replace(table, reading=reading)
