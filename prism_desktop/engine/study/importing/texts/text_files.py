"""Importing a file of texts, to be judged or as what people wrote, in one transaction."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted, listed
from prism_desktop.engine.hearing import responsive
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.own_export.export_names import own_names
from prism_desktop.engine.study.importing.reading.file_marks import content_mark
from prism_desktop.engine.study.importing.reading.file_reading import reading_data_tables
from prism_desktop.engine.study.importing.text_columns import (
    TEXT_FORMATS,
    TextsKind,
    texts_kind,
)
from prism_desktop.engine.study.importing.texts.text_reading import TextTableReader
from prism_desktop.engine.study.records import ImportBatch, ImportReport
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.study_reader import StudyReader

_NOTHING_SAID: Final = Recipe()


class SortedTables(NamedTuple):
    """The files of one import, told apart."""

    texts: tuple[tuple[Path, TextsKind], ...]  # those to be judged come first
    others: tuple[Path, ...]


def sort_tables(
    study: StudyReader,
    tables: Sequence[Path],
    recipe: Recipe = _NOTHING_SAID,
    said: TextsKind | None = None,
) -> SortedTables:
    """Tell tables of texts from others, which are of judgments or facts.

    Args:
        study: where they go; in one of images nothing is taken for texts by itself.
        tables: files.
        recipe: how they are read.
        said: what all of them are said to be.
    """
    if said is not None:
        return SortedTables(tuple((path, said) for path in tables), ())
    if not study.open_for("text"):
        return SortedTables((), tuple(tables))
    kinds = {path: kinds_of_file(path, recipe) for path in tables}
    texts = tuple(
        (path, kind) for kind in TEXT_FORMATS for path, found in kinds.items() if kind in found
    )
    return SortedTables(texts, tuple(path for path, found in kinds.items() if None in found))


def kinds_of_file(path: Path, recipe: Recipe = _NOTHING_SAID) -> set[TextsKind | None]:
    """Whether the tables of a file can be nothing but texts, None for another; of a workbook there
    may be several.

    A file that cannot be read is another: whoever reads it next says why.
    """
    try:
        return {_kind(table, recipe) for table in tables_of(path, recipe)}
    except InputError:
        return {None}


def tables_of(path: Path, recipe: Recipe = _NOTHING_SAID) -> list[DataTable]:
    """The tables of a file, with cells as they stand and the names that an export means.

    Raises:
        InputError: it cannot be read.
    """
    return list(map(own_names, _ended(reading_data_tables(path, recipe, as_written=True))))


def _kind(table: DataTable, recipe: Recipe) -> TextsKind | None:
    return texts_kind((column.name for column in table.columns), recipe.texts)


def _ended(steps: Generator[float, None, list[DataTable]]) -> list[DataTable]:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            tables: list[DataTable] = end.value
            return tables


def import_texts(
    study: Study,
    file: Path | str,
    recipe: Recipe = _NOTHING_SAID,
    *,
    kind: TextsKind = "texts",
    replaces: str | None = None,
) -> Iterator[Event[ImportReport]]:
    """Import a file of texts in one transaction.

    It has a column `text`, and may have `id`, `prompt`, `author` and `group`; of what people wrote,
    `author`, `text` and perhaps `prompt`. Authors that the study has not become its labelers. What
    other columns say of a text is kept as facts about it. A row that cannot be used is left out
    with the reason.

    Args:
        study: where to; it holds texts, or nothing yet.
        file: a table of any kind that `file_reading` reads.
        recipe: its encoding, delimiter, sheets and columns of texts are heeded.
        kind: whether the texts are to be judged or are what people wrote.
        replaces: an import that is taken out in the same transaction.

    Yields:
        Progress, then Done with the report. Closing the generator before that changes nothing.

    Raises:
        InputError: it cannot be read, has no texts or authors, was imported before, or the study is
            one of images.
    """
    study.require_writable()
    for event in planned_texts(study, file, recipe, kind=kind, replaces=replaces):
        if not isinstance(event, Done):
            yield event
            continue
        batch = event.value
        if batch.texts or batch.own_texts or replaces is not None:
            yield Progress(batch.report.rows_kept, batch.report.rows_read, "Writing to the study")
            study.apply_import(batch, replaces=replaces)
        yield Done(batch.report)


def planned_texts(
    study: StudyReader,
    file: Path | str,
    recipe: Recipe = _NOTHING_SAID,
    *,
    kind: TextsKind = "texts",
    replaces: str | None = None,
) -> Iterator[Event[ImportBatch]]:
    """What `import_texts` would bring, told by its report; nothing is written."""
    yield from responsive(_planned(study, typed(file), recipe, kind, replaces), "Reading the texts")


def _planned(
    study: StudyReader, path: Path, recipe: Recipe, kind: TextsKind, replaces: str | None
) -> Generator[Event[ImportBatch], None, None]:
    study.require_kind("text")
    if replaces is not None and replaces not in {report.id for report in study.imports()}:
        raise InputError(f"There is no import {replaces} in this study. Nothing was imported.")
    mark = _mark(study, path, kind, replaces)
    yield Progress(0, 100, f"Reading {path.name}")
    steps, tables = reading_data_tables(path, recipe, as_written=True), list[DataTable]()
    while True:
        try:
            yield Progress(int(100 * next(steps)), 100, f"Reading {path.name}")
        except StopIteration as end:
            tables = [own_names(table) for table in end.value]
            break
    kinds = {_kind(table, recipe) for table in tables}
    if kinds > {kind}:  # a workbook of several tables
        tables = [table for table in tables if _kind(table, recipe) == kind]
    _check_said(path, tables, recipe)
    reader = TextTableReader(study, path, kind, recipe, replaces)
    for table in tables:
        yield from reader.read(table)
    if not reader.tables:
        _refuse(path, tables, kind)
    yield Done(reader.batch(mark, study.import_basis()))


def _check_said(path: Path, tables: Sequence[DataTable], recipe: Recipe) -> None:
    """Raises: InputError: what is said of columns cannot be, or there is no such column."""
    there = {column.name for table in tables for column in table.columns}
    if missing := [name for name in recipe.texts if name not in there]:
        raise InputError(
            f"{path.name} has no column “{missing[0]}”; its columns are "
            f"{few(sorted(there), 10)}. Nothing was imported."
        )
    said = Counter(role for role in recipe.texts.values() if role not in ("fact", "ignore"))
    if twice := [role for role, count in said.items() if count > 1]:
        names = [f"“{name}”" for name, role in recipe.texts.items() if role == twice[0]]
        raise InputError(
            f"{listed(names)} are said to hold the same ({twice[0]}); say it of one. Nothing was "
            "imported."
        )


def _refuse(path: Path, tables: Sequence[DataTable], kind: TextsKind) -> None:
    """Raises: InputError: no table of the file has the columns that are needed."""
    wanted = "text" if kind == "texts" else "author and text"
    there = [f"“{column.name}”" for table in tables for column in table.columns]
    raise InputError(
        f"{path.name} has no column {wanted}; its columns are {few(there, 10)}. Name the one that "
        "holds the texts “text”, and others id, prompt, author or group as far as they are known, "
        "or say which is which (`--column text=NAME`). Nothing was imported."
    )


def _mark(study: StudyReader, path: Path, kind: TextsKind, replaces: str | None) -> str:
    """The file's hash; the same file may hold texts to be judged and be what people wrote."""
    mark = content_mark(path)
    for report in study.imports():
        before = report.mapping.get("files")
        same = isinstance(before, Mapping) and mark in before.values() and report.format == kind
        if same and report.undone is None and report.id != replaces:
            raise InputError(
                f"{path.name} was imported before ({counted(report.rows_kept, 'row')} kept); undo "
                "that import first. Nothing was imported."
            )
    return mark
