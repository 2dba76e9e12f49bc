"""Writing tables as SPSS files, whose names and texts are narrower than ours."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.exporting.columns import Column
from prism_desktop.engine.study.exporting.rows import Sheet

# IBM SPSS Statistics Core System: bytes of a name, of a label and of a text
NAME, LABEL, TEXT = 64, 255, 32_767
_RESERVED = frozenset(
    ["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"]
)
_UNFIT = re.compile(r"[^A-Za-z0-9_.$#@]+")
_KEPT = 100_000  # different texts of a column that are kept once each
_EVERY = 5_000  # rows between two counts
SEPARATOR: Final = " | "  # between a column's own name and its explanation in a label


def write_sav(sheet: Sheet, beside: Path, labels: Mapping[str, Mapping[int, str]]) -> Iterator[int]:
    """One SPSS file.

    A variable's label is the column's explanation; where SPSS cannot have the column's name, the
    name stands before it, with SEPARATOR in between. Missing texts are empty ones, and SPSS keeps
    no blanks at the end of a text.

    Args:
        sheet: what to write.
        beside: where.
        labels: column -> what its values are called.

    Yields:
        Rows written.

    Raises:
        InputError: if a text is longer than SPSS allows.
    """
    import pandas as pd
    import pyreadstat

    columns: list[list[Any]] = [[] for _ in sheet.columns]
    once: list[dict[str, str]] = [{} for _ in sheet.columns]
    for number, row in enumerate(sheet.rows()):
        for values, known, value in zip(columns, once, row, strict=True):
            if isinstance(value, str) and len(known) < _KEPT:
                value = known.setdefault(value, value)
            values.append(value)
        if number % _EVERY == 0:
            yield number
    names = spss_names([column.name for column in sheet.columns])
    frame = pd.DataFrame(
        {
            name: _series(sheet, column, values)
            for name, column, values in zip(names, sheet.columns, columns, strict=True)
        }
    )
    columns.clear()
    named = {
        name: {float(value): text[:120] for value, text in labels[column.name].items()}
        for name, column in zip(names, sheet.columns, strict=True)
        if column.name in labels
    }
    pyreadstat.write_sav(
        frame,
        str(beside),
        column_labels=[
            _label(name, column) for name, column in zip(names, sheet.columns, strict=True)
        ],
        variable_value_labels=named,
        row_compress=True,
    )


def spss_names(names: Iterable[str]) -> list[str]:
    """Names as SPSS has them: letters, digits and a few marks, a letter first, 64 bytes, none twice
    whatever the case of its letters; what fits is left as it is."""
    made: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = _UNFIT.sub("_", name).rstrip("._") or "v"
        if not plain[0].isalpha():
            plain = f"v_{plain}".rstrip("._")
        if plain.upper() in _RESERVED:
            plain += "_1"
        plain = plain[:NAME].rstrip("._")
        free, number = plain, 2
        while free.upper() in taken:
            free = f"{plain[: NAME - 6]}_{number}"
            number += 1
        taken.add(free.upper())
        made.append(free)
    return made


def _series(sheet: Sheet, column: Column, values: list[Any]) -> Any:
    """Texts as objects, everything else as numbers, which is all that SPSS has."""
    import pandas as pd

    if column.type != "text":
        return pd.Series(values, dtype="float64")
    longest = max((len(text.encode()) for text in set(values) if text), default=0)
    if longest > TEXT:
        raise InputError(
            f"{sheet.name}, {column.name}: a text of {counted(longest, 'byte')} does not fit into "
            "SPSS; choose CSV, Parquet or JSON lines."
        )
    return pd.Series(["" if text is None else text for text in values], dtype="object")


def _label(name: str, column: Column) -> str:
    """The explanation, cut at its end, after the column's own name if SPSS cannot have that."""
    before = "" if name == column.name else column.name + SEPARATOR
    text = before + column.explanation
    while len(text.encode()) > LABEL and len(text) > len(before):
        text = text[:-1]
    return text
