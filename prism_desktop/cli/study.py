"""`prism-desktop study`: make, fill, look at, check and export a study."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from prism_desktop.cli.console import JSON_HELP, follow, names, out, say, write_json
from prism_desktop.engine.errors import InputError, StudyError
from prism_desktop.engine.study.records import ImportReport

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

app = typer.Typer(help="Make, fill, look at, check and export a study.", no_args_is_help=True)

StudyPath = Annotated[Path, typer.Argument(help="The study's folder, NAME.prism.")]
Json = Annotated[str | None, typer.Option("--json", help=JSON_HELP)]


@app.command("new")
def new(
    folder: StudyPath,
    images: Annotated[
        Path | None, typer.Option(help="A folder of images to add, with its subfolders.")
    ] = None,
    attributes: Annotated[
        str, typer.Option(help="What is judged, such as a,b,c.")
    ] = "attractive,smart,trustworthy",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the study.")] = False,
    json: Json = None,
) -> None:
    """Make an empty study, with images if a folder is given."""
    if images is not None and not images.is_dir():
        raise InputError(f"There is no folder of images at {images}; no study was made.")
    with _store().create(folder, attributes=names(attributes) or ()) as study:
        say(f"Made the study {study.path}.", json)
        if images is None:
            write_json(_info(study), json)
            return
        from prism_desktop.engine.study.importing import import_images

        report = follow(import_images(study, images, copy=copy))
        say(report.summary(), json)
        write_json({**_info(study), "import": _report(report)}, json)


@app.command("import")
def import_(
    folder: StudyPath,
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of ratings, comparisons or embeddings, or folders of images."),
    ],
    format: Annotated[  # noqa: A002
        str | None, typer.Option(help="Override the format that the content suggests.")
    ] = None,
    coding: Annotated[
        str | None,
        typer.Option(
            help="Comparison workbooks: 2-first if 2 means the first image won, else 1-first."
        ),
    ] = None,
    scale: Annotated[
        str | None, typer.Option(help="The ratings' scale as LOW-HIGH, such as 1-10.")
    ] = None,
    attributes: Annotated[
        str | None, typer.Option(help="Which columns are judgments, such as a,b,c.")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(help="Import a column as an attribute: column=attribute.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What a set of embeddings is called; else as its file.")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy imported images into the study.")
    ] = False,
    json: Json = None,
) -> None:
    """Import ratings, comparisons, images or embeddings.

    Each import is one transaction with a report, and undoable.

    Exit code 2 if a file is refused whole.
    """
    from prism_desktop.engine.study.importing import import_files, import_images, is_embeddings

    for path in files:
        if not path.exists():
            raise InputError(f"There is no file or folder at {path}; nothing was imported.")
    reports: list[ImportReport] = []
    vectors = [path for path in files if path.is_file() and is_embeddings(path, format)]
    if name is not None and len(vectors) != 1:
        raise InputError(
            f"--name names one set of embeddings, and {len(vectors)} were given; nothing was "
            "imported."
        )
    tables = [path for path in files if path.is_file() and path not in vectors]
    with _store().open(folder) as study:
        reports.extend(
            follow(import_images(study, path, copy=copy)) for path in files if path.is_dir()
        )
        reports.extend(follow(import_files(study, [path], format, name=name)) for path in vectors)
        if tables:
            events = import_files(
                study,
                tables,
                format,
                coding=coding,
                scale=scale,
                attributes=names(attributes),
                rename=_pairs(rename),
            )
            reports.append(follow(events))
    for report in reports:
        say(report.summary(), json)
    write_json([_report(report) for report in reports], json)
    if any(not report.rows_kept and len(report.refused) > report.duplicates for report in reports):
        raise typer.Exit(2)  # the report says why; what is there already is no mistake


@app.command("undo-import")
def undo_import(
    folder: StudyPath,
    id: Annotated[str, typer.Argument(help="The import's id.")],  # noqa: A002
) -> None:
    """Take an import back."""
    with _store().open(folder) as study:
        study.undo_import(id)
    say(f"The import {id} was undone.")


@app.command("confirm")
def confirm(
    folder: StudyPath,
    names: Annotated[list[str], typer.Argument(help="Attributes of the study.")],
) -> None:
    """Say that attributes which an import guessed are judgments, so that they are learned from."""
    with _store().open(folder) as study:
        known = [attribute.name for attribute in study.attributes()]
        if unknown := [name for name in names if name not in known]:
            raise InputError(
                f"There is no attribute {unknown[0]!r} in this study, which has "
                f"{', '.join(known)}; nothing was confirmed."
            )
        for name in names:
            study.confirm_attribute(name)
    say(f"Confirmed: {', '.join(names)}.")


@app.command("info")
def info(folder: StudyPath, json: Json = None) -> None:
    """What is in a study: images, attributes, and each labeler's trials."""
    with _store().open(folder, read_only=True) as study:
        value = _info(study)
    write_json(value, json)
    if json == "-":
        return
    kind = " (simulated labelers)" if value["simulated"] else ""
    say(
        f"{value['name']}{kind}: {value['images']} images, attributes "
        f"{', '.join(value['attributes'])}"
    )
    for found in value["embeddings"]:
        say(
            f"Embeddings {found['name']}: {found['images']} images, {found['dimensions']} "
            "dimensions"
        )
    table = Table("labeler", "rating trials", "comparison trials", box=None)
    for row in value["progress"]:
        table.add_row(row["labeler"], str(row["ratings"]), str(row["comparisons"]))
    out.print(table)


@app.command("check")
def check(folder: StudyPath, json: Json = None) -> None:
    """Check the database and the images; exit code 1 if something is wrong."""
    with _store().open(folder, read_only=True) as study:
        problems = [str(problem) for problem in study.check()]
    write_json({"problems": problems}, json)
    for problem in problems:
        say(problem, json)
    if problems:
        raise typer.Exit(1)
    say("The study is sound.", json)


@app.command("upgrade")
def upgrade(folder: StudyPath) -> None:
    """Bring a study that an older version wrote up to date; a backup is made first."""
    with open_existing(folder) as study:
        say(f"{study.path} is up to date (schema {study.info().schema_version}).")


@app.command("export")
def export(
    folder: StudyPath,
    to: Annotated[Path, typer.Option("--out", help="The folder for the tables.")],
    format: Annotated[  # noqa: A002
        str, typer.Option(help="csv, xlsx, parquet, sav (SPSS) or jsonl.")
    ] = "csv",
) -> None:
    """Write ratings, comparisons, images, labelers, recipes of imports and a codebook."""
    from prism_desktop.engine.study.exporting import export as write

    with _store().open(folder, read_only=True) as study:
        for path in follow(write(study, to, format=format)):
            say(str(path))


def _info(study: "Study") -> dict[str, Any]:
    from prism_desktop.engine.study.embeddings import list_embeddings

    value = asdict(study.info())
    value["path"] = str(study.path)
    value["labelers"] = [labeler.code for labeler in study.labelers()]
    value["attributes"] = [attribute.name for attribute in study.attributes()]
    value["embeddings"] = [asdict(found) for found in list_embeddings(study.path)]
    value["progress"] = [asdict(row) for row in study.progress()]
    return value


def _pairs(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    pairs = [text.partition("=") for text in given]
    if not all(left and right for left, _, right in pairs):
        raise InputError("--rename wants column=attribute.")
    return {left: right for left, _, right in pairs}


def _store() -> "type[Study]":
    """The store, imported only by commands that need it:
    it takes as long as the rest of the program."""
    from prism_desktop.engine.study.store import Study

    return Study


def _report(report: ImportReport) -> dict[str, Any]:
    dismissed = sorted(report.dismissed)
    return {**asdict(report), "source": str(report.source), "dismissed": dismissed}


def open_existing(folder: Path, *, read_only: bool = False) -> "Study":
    """Open a study for another command.

    Raises:
        StudyError: if there is no study in the folder.
    """
    if not folder.is_dir():
        raise StudyError(f"There is no study at {folder}.")
    return _store().open(folder, read_only=read_only)
