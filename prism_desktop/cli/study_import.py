"""`prism-desktop study import`, and taking imports back."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prism_desktop.cli import import_options as options
from prism_desktop.cli.console import Json, follow, say, write_json
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import ImportReport

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.import_recipe import Recipe
    from prism_desktop.engine.study.importing.text_columns import TextsKind
    from prism_desktop.engine.study.importing.texts.text_files import SortedTables
    from prism_desktop.engine.study.store import Study
    from prism_desktop.engine.study.study_reader import StudyReader

StudyPath = Annotated[Path, typer.Argument(help="The study's folder, NAME.prism.")]


def import_(
    folder: StudyPath,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Tables of any program, embeddings, folders of images, or of an export."
        ),
    ],
    recipe: options.RecipeFile = None,
    column: options.Columns = None,
    judgment: options.Judgments = None,
    scale: options.Scales = None,
    missing: options.Missing = None,
    coding: options.Coding = None,
    rt_unit: options.RtUnit = None,
    sheet: options.Sheets = None,
    encoding: options.Encoding = None,
    decimal: options.Decimal = None,
    rater: options.Rater = None,
    again: options.Again = None,
    attributes: options.Attributes = None,
    rename: options.Rename = None,
    name: Annotated[
        str | None, typer.Option(help="What a set of embeddings is called; else as its file.")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy imported images into the study.")
    ] = False,
    texts: Annotated[
        bool,
        typer.Option(
            "--texts",
            help="The tables hold texts to be judged, whatever else stands in them; what other "
            "columns say is kept as facts.",
        ),
    ] = False,
    own_texts: Annotated[
        bool,
        typer.Option(
            "--own-texts",
            help="The tables hold what people wrote: author, prompt, text.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how the files are understood.")
    ] = False,
    replace: Annotated[
        str | None, typer.Option("--replace", help="Take the place of this import (its id).")
    ] = None,
    json: Json = None,
) -> None:
    """Import tables, images, texts and embeddings, in whatever order they are named.

    The tables of judgments of one call are one import; embeddings follow once it is clear what they
    mean. A table whose columns are all those of texts is one of texts, also without --texts.

    Each import is one transaction with a report, and undoable. Exit code 2, and nothing stored, if
    something must be decided first or nothing can be used; the sentence ends with the options that
    decide it.
    """
    from prism_desktop.engine.study.importing.image_folder import import_images
    from prism_desktop.engine.study.importing.import_files import import_together, is_embeddings
    from prism_desktop.engine.study.importing.own_export.export_names import tables_of_export
    from prism_desktop.engine.study.importing.texts.text_files import import_texts, sort_tables

    files = [part for path in files for part in (tables_of_export(path) or (path,))]
    for path in files:
        if not path.exists():
            raise InputError(f"There is no file or folder at {path}; nothing was imported.")
        if not path.is_file() and not path.is_dir():
            raise InputError(f"{path} is neither a file nor a folder; nothing was imported.")
    made = options.make_recipe(
        recipe, columns=column, judgments=judgment, attributes=attributes, rename=rename,
        scales=scale, missing=missing, coding=coding, rt_unit=rt_unit, sheets=sheet,
        encoding=encoding, decimal=decimal, rater=rater, again=again,
    )  # fmt: skip
    vectors = [path for path in files if path.is_file() and is_embeddings(path)]
    if name is not None and len(vectors) != 1:
        raise InputError(
            f"--name names one set of embeddings, and {len(vectors)} were given; nothing was "
            "imported."
        )
    tables = [path for path in files if path.is_file() and path not in vectors]
    said = _said_kind(texts=texts, own_texts=own_texts)
    if dry_run:
        aside = [path.name for path in files if path not in tables]
        if aside:
            say(f"Not looked at: {', '.join(aside)}; --dry-run is for tables.", json)
        with store().open(folder, read_only=True) as study:
            _preview(study, tables, made, replace, json, said)
        return
    reports: list[ImportReport] = []
    with store().open(folder) as study:
        for path in files:
            if path.is_dir():
                reports.append(follow(import_images(study, path, copy=copy)))
                say(reports[-1].summary(), json)
        held = sort_tables(study, tables, made, said)
        tables = list(held.others)
        place = _place_of_texts(held, replace)
        for path, kind in held.texts:
            reports.append(follow(import_texts(study, path, made, kind=kind, replaces=place)))
            say(reports[-1].summary(), json)
        try:
            sets = [(path, name) for path in vectors]
            for report in follow(import_together(study, tables, sets, made, replaces=replace)):
                reports.append(report)
                say(report.summary(), json)
        except InputError as error:
            if reports:  # they are in, each as an import of its own
                came = study.words().kept_many
                raise InputError(f"Of what came with the {came}: {error}") from error
            raise
    write_json([report_values(report) for report in reports], json)
    _refuse_useless(reports)


def _said_kind(*, texts: bool, own_texts: bool) -> "TextsKind | None":
    """What the tables are said to be."""
    if texts and own_texts:
        raise InputError(
            "--texts is for texts to be judged and --own-texts for what people wrote; give one of "
            "them. Nothing was imported."
        )
    return "texts" if texts else "own texts" if own_texts else None


def _place_of_texts(held: "SortedTables", replaces: str | None) -> str | None:
    """The import whose place a file of texts takes, as one takes that of one other: of several
    files the tables of judgments do.

    Raises:
        InputError: there are several files of texts, and nothing else.
    """
    if held.others or replaces is None:
        return None
    if len(held.texts) > 1:
        raise InputError(
            "--replace takes the place of one import, and "
            f"{counted(len(held.texts), 'file of texts was', 'files of texts were')} given; import "
            "them one by one. No text was imported."
        )
    return replaces


def _preview(
    study: "StudyReader",
    tables: Sequence[Path],
    recipe: "Recipe",
    replaces: str | None,
    json: str | None,
    said: "TextsKind | None",
) -> None:
    """Print all that the window's preview shows; exit code 2 if something must be decided, or
    all was refused, as the import itself would."""
    from prism_desktop.cli.import_preview import plan_lines, plan_values
    from prism_desktop.engine.study.importing.plan_making import plan_import
    from prism_desktop.engine.study.importing.texts.text_files import planned_texts, sort_tables

    if not tables:
        raise InputError("--dry-run is for tables, and none was given; nothing was imported.")
    held = sort_tables(study, tables, recipe, said)
    reports, place = [], _place_of_texts(held, replaces)
    for path, kind in held.texts:
        batch = follow(planned_texts(study, path, recipe, kind=kind, replaces=place))
        say(f"Not imported yet. {batch.report.summary()}", json)
        if not held.others:
            write_json(report_values(batch.report), json)
        reports.append(batch.report)
    if held.others:
        plan = follow(plan_import(study, held.others, recipe, replaces=replaces))
        for line in plan_lines(plan):
            say(line, json)
        write_json(plan_values(plan), json)
        if plan.batch is None:  # something must be decided
            raise typer.Exit(2)
        reports.append(plan.batch.report)
    _refuse_useless(reports)


def _refuse_useless(reports: "Sequence[ImportReport]") -> None:
    """Exit code 2 where nothing of a file could be used; its report says why. What is there already
    is no mistake."""
    if any(not report.rows_kept and report.refused for report in reports):
        raise typer.Exit(2)


def redo_import(
    folder: StudyPath,
    id: Annotated[str, typer.Argument(help="The id of an import that was undone.")],  # noqa: A002
    json: Json = None,
) -> None:
    """Bring back an import that was undone: its files are read again, as they were read then."""
    from prism_desktop.engine.study.importing.import_files import redo_import as work

    with store().open(folder) as study:
        report = follow(work(study, id))
    say(report.summary(), json)
    write_json(report_values(report), json)


def undo_import(
    folder: StudyPath,
    id: Annotated[str, typer.Argument(help="The import's id.")],  # noqa: A002
) -> None:
    """Take an import back."""
    with store().open(folder) as study:
        study.undo_import(id)
    say(f"The import {id} was undone.")


def store() -> "type[Study]":
    """The store, imported only by commands that need it:
    it takes as long as the rest of the program."""
    from prism_desktop.engine.study.store import Study

    return Study


def report_values(report: ImportReport) -> dict[str, Any]:
    """An import's report as JSON has it."""
    return {**asdict(report), "source": str(report.source), "dismissed": sorted(report.dismissed)}
