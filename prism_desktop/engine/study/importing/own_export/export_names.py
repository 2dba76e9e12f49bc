"""How the tables of this program's own export are known, whatever program wrote them again."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable

Exported = Literal[
    "ratings", "comparisons", "labelers", "attributes", "images", "codebook", "texts", "own_texts"
]
TEXTS: Final = ("texts", "own_texts")  # which are imports of their own
FACT: Final = "fact_"  # how columns of facts are headed
_LABEL: Final = " | "  # in an SPSS file, between a column's own name and what it means
_ENDINGS: Final = frozenset({".csv", ".xlsx", ".parquet", ".sav", ".jsonl"})
_TRIALS: Final = frozenset({"trial", "labeler", "status", "superseded_by", "import", "attribute"})
_TABLES: Final[tuple[tuple[Exported, frozenset[str]], ...]] = (
    ("ratings", _TRIALS | {"image", "rating"}),
    ("ratings", _TRIALS | {"stimulus", "rating"}),  # of texts
    ("comparisons", _TRIALS | {"left", "right", "outcome"}),
    ("codebook", frozenset({"table", "column", "explanation"})),
    ("labelers", frozenset({"labeler", "display_name", "profile", "simulated"})),
    ("attributes", frozenset({"attribute", "question", "scale_1", "scale_4"})),
    ("images", frozenset({"image_id", "name", "width", "height", "fold"})),
    ("texts", frozenset({"text_id", "name", "text", "prompt", "fold"})),
    ("own_texts", frozenset({"own_text_id", "labeler", "text", "prompt"})),
)


def exported_as(names: Iterable[str]) -> Exported | None:
    """Which of our own tables has these columns, None if none has."""
    known = set(names)
    return next((table for table, needed in _TABLES if needed <= known), None)


def tables_of_export(folder: Path) -> tuple[Path, ...]:
    """The tables in a folder that an export wrote, by name; none where it wrote none there."""
    if not (folder / "codebook.md").is_file():
        return ()
    found = (path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    return tuple(sorted(path for path in found if path.is_file()))


def own_names(table: DataTable) -> DataTable:
    """A table of our own with its columns' own names, which an SPSS file keeps in their labels."""
    columns = tuple(_named(column) for column in table.columns)
    return replace(table, columns=columns)


def _named(column: DataColumn) -> DataColumn:
    name, there, _ = column.title.rpartition(_LABEL)
    return replace(column, name=name) if there else column
