"""What an import of texts would bring, for somebody to look at: columns, examples, the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.plain_text import beginning
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.names.dialects import best, common, plain_name
from prism_desktop.engine.study.importing.text_columns import (
    TextRole,
    TextsKind,
    role_of,
    text_columns,
)
from prism_desktop.engine.study.importing.texts.text_files import planned_texts, tables_of
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.study_reader import StudyReader

_NOTHING_SAID: Final = Recipe()
_EXAMPLES: Final = 3
_LETTERS: Final = 60  # of an example
# Roles of a table of judgments; one that has a column of either is no table of texts.
_OF_JUDGMENTS: Final = ("rater", "left", "right", "winner", "loser")
_ALSO_OF_TEXTS: Final = frozenset({"author", "labeler", "code"})


@dataclass(frozen=True, slots=True)
class ColumnOfTexts:
    """A column of a table, as it is taken."""

    name: str
    role: TextRole
    examples: tuple[str, ...]  # how some different values of it begin


@dataclass(frozen=True, slots=True)
class TextsPreview:
    """What an import would bring; nothing is stored."""

    columns: tuple[ColumnOfTexts, ...]
    report: ImportReport | None  # None: it cannot come in
    problem: str = ""  # why


def preview_texts(
    study: StudyReader, file: Path, recipe: Recipe, kind: TextsKind
) -> Iterator[Event[TextsPreview]]:
    """Look at a table as one of texts, as far as somebody said what its columns are.

    Raises:
        InputError: the file cannot be read at all.
    """
    yield Progress(0, None, f"Reading {file.name}")
    found = {each.name: each for table in tables_of(file, recipe) for each in _of(table, recipe)}
    report, problem = None, ""
    try:
        batch = yield from value(planned_texts(study, file, recipe, kind=kind))
        report = batch.report
    except InputError as error:
        problem = str(error)
    yield Done(TextsPreview(tuple(found.values()), report, problem))


def columns_of_texts(file: Path, recipe: Recipe = _NOTHING_SAID) -> tuple[ColumnOfTexts, ...]:
    """The columns of a file of tables, as they would be taken.

    Raises:
        InputError: it cannot be read.
    """
    return tuple(each for table in tables_of(file, recipe) for each in _of(table, recipe))


def perhaps_texts(columns: Sequence[ColumnOfTexts]) -> bool:
    """Whether a table seems to be one of texts, though it has other columns as well: one is called
    “text”, and none says who judged, or of which two."""
    names = [plain_name(column.name) for column in columns]
    names = [name for name in names if name not in _ALSO_OF_TEXTS]
    judged = any(best(role, names, [common()]) for role in _OF_JUDGMENTS)
    return any(column.role == "text" for column in columns) and not judged


def _of(table: DataTable, recipe: Recipe) -> Iterator[ColumnOfTexts]:
    names = [column.name for column in table.columns]
    taken = text_columns(names, recipe.texts)
    for column in table.columns:
        role = recipe.texts.get(column.name, "fact")
        values = (str(value).strip() for value in column.values)
        some = tuple(islice((beginning(each, _LETTERS) for each in values if each), _EXAMPLES))
        yield ColumnOfTexts(column.name, role_of(taken, column.name) if taken else role, some)
