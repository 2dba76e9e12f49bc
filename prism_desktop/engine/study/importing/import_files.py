"""Importing ratings, comparisons and our own exports from
files: read, understood, then written in one transaction."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.paths import typed
from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.embeddings.embedding_files import (
    check_set,
    import_embeddings,
)
from prism_desktop.engine.study.importing.embeddings.vectors import MAX_BYTES, holds_embeddings
from prism_desktop.engine.study.importing.import_recipe import Recipe, parse_recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_making import file_mark, plan_import
from prism_desktop.engine.study.importing.reading.file_marks import check_place, marks_of
from prism_desktop.engine.study.importing.text_columns import TEXT_FORMATS, TextsKind
from prism_desktop.engine.study.importing.texts.text_files import import_texts
from prism_desktop.engine.study.records import ImportBatch, ImportReport
from prism_desktop.engine.study.store import Study

_NOTHING_SAID: Final = Recipe()
_UNCONFIRMED: Final = "unconfirmed"  # in a report's mapping: attributes that nobody confirmed
_WRITING: Final = "Writing to the study"
_EVERY: Final = 0.1  # s between two events


def import_files(
    study: Study,
    files: Sequence[Path | str],
    recipe: Recipe = _NOTHING_SAID,
    *,
    replaces: str | None = None,
) -> Iterator[Event[ImportReport]]:
    """Import tables of ratings, comparisons or facts, in one transaction.

    Labelers and attributes that the study has not are made. Rows that cannot be used are left out,
    with their number and the reason; an import that keeps no row changes nothing.

    Args:
        study: where to; its images must have been imported before.
        files: tables of any kind that `file_reading` reads; all are one import.
        recipe: how they are read; what it leaves open is found out.
        replaces: an import that is taken out in the same transaction.

    Yields:
        Progress, then Done with the report. Closing the generator before that changes nothing.

    Raises:
        DecisionNeededError: only the user can decide what something means; nothing is stored.
        InputError: if a file cannot be read or understood, or was imported before.
    """
    for event in plan_import(study, files, recipe, replaces=replaces):
        if not isinstance(event, Done):
            yield event
            continue
        plan = event.value
        if plan.decisions:
            raise DecisionNeededError(plan.decisions)
        yield from apply_plan(study, plan, replaces=replaces)


def apply_plan(
    study: Study, plan: ImportPlan, *, confirmed: bool = False, replaces: str | None = None
) -> Iterator[Event[ImportReport]]:
    """Write what a plan holds, in one transaction; closing the generator undoes it, unless the
    transaction is being closed at that moment.

    Args:
        study: the study that the plan was made for, unchanged since.
        plan: nothing about it is open.
        confirmed: somebody looked at the plan, so that attributes which it guessed are judgments.
        replaces: an import that is taken out in the same transaction.

    Raises:
        DecisionNeededError: something is open.
    """
    study.require_writable()
    batch = plan.batch
    if batch is None:
        raise DecisionNeededError(plan.decisions)
    if confirmed:
        doubts = tuple(doubt for doubt in plan.doubts if doubt.kind != "new-attribute")
        batch = replace(
            batch,
            report=replace(batch.report, doubts=doubts),
            attributes=tuple(replace(a, confirmed=True) for a in batch.attributes),
        )
    if unconfirmed := [a.name for a in batch.attributes if not a.confirmed]:
        mapping = {**batch.report.mapping, _UNCONFIRMED: unconfirmed}
        batch = replace(batch, report=replace(batch.report, mapping=mapping))
    brings = bool(plan.ratings or plan.comparisons or batch.labelers or batch.attributes)
    if brings or batch.revised or any(True for _ in batch.facts) or replaces is not None:
        yield from _write(study, batch, replaces, plan.ratings + plan.comparisons)
    yield Done(batch.report)


def _write(
    study: Study, batch: ImportBatch, replaces: str | None, total: int
) -> Iterator[Progress]:
    """Apply a batch in a thread, and tell how many trials went by."""
    stopped = threading.Event()
    count = 0

    def told(trials: int) -> None:
        nonlocal count
        count = min(trials, total)
        if stopped.is_set():
            raise InterruptedError("The import was cancelled. Nothing was imported.")

    yield Progress(0, total, _WRITING)
    with ThreadPoolExecutor(1, "import") as pool:
        writing = pool.submit(study.apply_import, batch, replaces=replaces, progress=told)
        try:
            while not wait([writing], _EVERY).done:
                yield Progress(count, total, _WRITING)
            writing.result()
        finally:
            stopped.set()


def import_embedding_file(
    study: Study, file: Path | str, name: str | None = None
) -> Iterator[Event[ImportReport]]:
    """Import a set of embeddings (.npz or Parquet).

    Args:
        study: where to.
        file: the set.
        name: what it is called; None: as its file.

    Raises:
        InputError: if it cannot be read, or was imported before.
    """
    study.require_writable()
    path = typed(file)
    yield from import_embeddings(study, path, file_mark(study, path, most=MAX_BYTES), name)


def import_together(
    study: Study,
    tables: Sequence[Path],
    sets: Sequence[tuple[Path, str | None]],
    recipe: Recipe = _NOTHING_SAID,
    *,
    replaces: str | None = None,
) -> Iterator[Event[tuple[ImportReport, ...]]]:
    """Import tables, which are one import, and sets of embeddings that came with them.

    Nothing is stored before the tables are understood; otherwise as `apply_together`.

    Raises:
        DecisionNeededError: only the user can decide what something in the tables means.
    """
    plan = None
    if tables:
        plan = yield from value(plan_import(study, tables, recipe, replaces=replaces))
        if plan.decisions:
            raise DecisionNeededError(plan.decisions)
    yield from apply_together(study, plan, sets, replaces=replaces)


def apply_together(
    study: Study,
    plan: ImportPlan | None,
    sets: Sequence[tuple[Path, str | None]],
    *,
    confirmed: bool = False,
    replaces: str | None = None,
) -> Iterator[Event[tuple[ImportReport, ...]]]:
    """Import what came together: tables as planned, then sets of embeddings.

    Args:
        study: the study that the plan was made for, unchanged since.
        plan: of the tables, if there are some; nothing about it is open.
        sets: files of embeddings and what they are called; None: as the file.
        confirmed: somebody looked at the plan.
        replaces: an import that the tables take the place of.

    Yields:
        Progress, then Done with a report of the tables and of each set.

    Raises:
        DecisionNeededError: something is open; nothing is stored.
        InputError: a set cannot come in; it says whether the tables did.
    """
    study.require_writable()
    called: list[str] = []
    for file, name in sets:
        called.append(check_set(study, file, name, called))
        file_mark(study, file, most=MAX_BYTES)  # refuses what was imported before
    reports: list[ImportReport] = []
    if plan is not None:
        applied = apply_plan(study, plan, confirmed=confirmed, replaces=replaces)
        reports.append((yield from value(applied)))
    for (file, _), name in zip(sets, called, strict=True):
        try:
            reports.append((yield from value(import_embedding_file(study, file, name))))
        except InputError as error:
            if not reports:
                raise
            raise InputError(f"What came before {file.name} was imported. {error}") from error
    yield Done(tuple(reports))


def is_embeddings(path: Path) -> bool:
    """Whether a file is imported as embeddings: if its content looks like it."""
    return holds_embeddings(path)


def redo_import(study: Study, import_id: str) -> Iterator[Event[ImportReport]]:
    """Bring back an import that was undone: its files are read again, as they were read then.

    Raises:
        InputError: there is no such import, it was not undone, its files are gone or have changed
            or lie in the network, or it was of images.
    """
    study.require_writable()
    report = next((found for found in study.imports() if found.id == import_id), None)
    if report is None:
        raise InputError(f"There is no import {import_id} in this study.")
    if report.undone is None:
        raise InputError(f"The import of {report.source} was not undone; nothing was changed.")
    files = report.mapping.get("files")
    # texts came in without a recipe before columns could be said
    if not isinstance(files, Mapping) or not (report.recipe or report.format in TEXT_FORMATS):
        raise InputError(
            f"The import of {report.source} cannot be redone from its report; import it again."
        )
    for file, mark in marks_of(report).items():
        check_place(file)
        if not Path(file).is_file() or file_mark(study, Path(file)) != mark:
            raise InputError(
                f"{file} is gone or has changed since it was imported; import it again. Nothing "
                "was changed."
            )
    recipe = parse_recipe(report.recipe)
    if report.format in TEXT_FORMATS:
        kind: TextsKind = "own texts" if report.format == "own texts" else "texts"
        for file in files:
            yield from import_texts(study, Path(file), recipe, kind=kind)
        return
    for event in plan_import(study, [Path(file) for file in files], recipe):
        if isinstance(event, Done):
            yield from apply_plan(study, _as_before(event.value, report))
        else:
            yield event


def _as_before(plan: ImportPlan, report: ImportReport) -> ImportPlan:
    """The plan without a confirmation of what nobody had confirmed: the recipe that an import is
    stored with names its attributes all the same."""
    unconfirmed = report.mapping.get(_UNCONFIRMED)
    if plan.batch is None or not isinstance(unconfirmed, Sequence):
        return plan
    attributes = tuple(
        replace(a, confirmed=a.confirmed and a.name not in unconfirmed)
        for a in plan.batch.attributes
    )
    return replace(plan, batch=replace(plan.batch, attributes=attributes))
