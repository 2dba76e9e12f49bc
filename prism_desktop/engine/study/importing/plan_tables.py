"""How a plan shows its tables: a sample of rows, and each column with its part."""

from typing import Final

import numpy as np

from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.columns.table_roles import TableRoles
from prism_desktop.engine.study.importing.data_tables import DataTable, Reading
from prism_desktop.engine.study.importing.import_recipe import Role
from prism_desktop.engine.study.importing.plan import ColumnPlan, TablePlan

_OWN_ROLES: Final[dict[str, Role]] = {
    "labeler": "rater", "image": "image", "name": "image", "left": "left", "right": "right",
    "attribute": "attribute", "rating": "judgment", "outcome": "outcome", "onset": "time",
    "seconds": "seconds", "session": "session", "order": "presentation",
}  # fmt: skip  # of columns of our own export; all others belong to their trial
SAMPLE: Final = 300  # rows shown
_LISTED: Final = 40  # columns named in a sentence
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_KINDS: Final = {
    "csv": "text", "xlsx": "Excel workbook", "ods": "OpenDocument spreadsheet", "sav": "SPSS file",
    "dta": "Stata file", "parquet": "Parquet file", "json": "JSON", "jsonl": "JSON lines",
}  # fmt: skip


def table_plan(roles: TableRoles, words: StimulusWords, shape: str = "") -> TablePlan:
    """A table as it is understood, in the words of what the study holds; `shape` says so in other
    words than its own."""
    columns = []
    for column in roles.table.columns:
        part = roles.parts[column.name]
        profile = Profile(column, str)
        columns.append(
            ColumnPlan(
                column.name,
                part.role,
                part.confidence,
                part.reason,
                part.attribute,
                column.title,
                profile.filled,
                len(column.values),
                profile.examples(),
            )
        )
    program = f", as {roles.dialect.name} writes it" if roles.dialect is not None else ""
    return TablePlan(
        roles.table.name,
        shape or words.told(roles.shape) + program,
        (*reading_lines(roles.table), *_ignored(roles)),
        tuple(columns),
        len(roles.table),
        _sample(roles.table),
    )


def _ignored(roles: TableRoles) -> tuple[str, ...]:
    names = [c.name for c in roles.table.columns if roles.parts[c.name].role == "ignore"]
    return (f"left out {few(names, _LISTED)}",) if names else ()


def plain_table_plan(table: DataTable, shape: str) -> TablePlan:
    """A table that is not read by the parts of its columns: one of our own export."""
    columns = tuple(
        ColumnPlan(
            column.name, _OWN_ROLES.get(column.name, "trial"), "sure", "this program's own export",
            filled=int((column.codes >= 0).sum()), different=len(column.values),
        )
        for column in table.columns
    )  # fmt: skip
    return TablePlan(table.name, shape, reading_lines(table), columns, len(table), _sample(table))


def reading_lines(table: DataTable) -> tuple[str, ...]:
    """How a table was read, in words."""
    reading = table.reading
    lines = [f"{_KINDS.get(reading.kind, reading.kind)}{_details(reading)}"]
    if reading.header_rows:
        rows = ", ".join(str(row) for row in reading.header_rows)
        lines.append(f"columns headed in {word_for(len(reading.header_rows), 'row')} {rows}")
    for left_out in table.left_out:
        some = ", ".join(str(row) for row in left_out.rows[:5])
        more = ", ..." if len(left_out.rows) > 5 else ""
        lines.append(
            f"{word_for(len(left_out.rows), 'row')} {some}{more} left out: {left_out.reason}"
        )
    return tuple(lines)


def _details(reading: Reading) -> str:
    parts = []
    if reading.encoding:
        parts.append(reading.encoding.upper())
    if reading.delimiter:
        name = _DELIMITERS.get(reading.delimiter, f"“{reading.delimiter}”")
        parts.append(f"{name} between cells")
    if reading.decimal_comma:
        parts.append("decimal commas")
    if reading.sheet:
        parts.append(f"sheet {reading.sheet}")
    return f" ({', '.join(parts)})" if parts else ""


def _sample(table: DataTable) -> tuple[tuple[int, tuple[str, ...]], ...]:
    count = min(len(table), SAMPLE)
    columns = [[column.text(row) for row in range(count)] for column in table.columns]
    rows = np.asarray(table.rows[:count]).tolist()
    return tuple(
        (row, cells) for row, cells in zip(rows, zip(*columns, strict=True), strict=True)
    ) if columns else ()  # fmt: skip
